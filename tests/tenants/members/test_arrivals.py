"""Members who are expected before they ever signed in, and who turns out to be them."""

import asyncpg
import pytest

from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from tenants import store as tenant_store
from tenants.members import arrivals
from tenants.members.arrivals import AlreadyAMember, Expected, expected_person
from tests.conftest import create_people
from tests.tenants.members.conftest import SYSTEM, House

REASON = "The directory said so"


def amal(**changes: object) -> Expected:
    given: dict[str, object] = {
        "person_id": new_id(),
        "display_name": "Amal Idrissi",
        "email": "amal@agency.example",
        "locale": "fr",
        "keys": {"user_name": "Amal.Idrissi@Agency.example", "external_id": "X-17"},
    }
    return Expected(**{**given, **changes})  # type: ignore[arg-type]


async def admitted(database: Database, house: House, new: Expected, *, active: bool = True) -> None:
    async with database.tenant(house.tenant_id, SYSTEM) as tx:
        await arrivals.admit(tx, new, ["learner"], active=active, reason=REASON)


async def test_who_is_expected_is_a_member_and_a_person_with_no_sign_in(
    database: Database, superuser: asyncpg.Connection, house: House
) -> None:
    new = amal()
    await admitted(database, house, new)
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    member = await tenant_store.member(read, new.person_id)
    assert member is not None
    assert (member.status, member.roles, member.locale) == ("active", ["learner"], "fr")
    person = await superuser.fetchrow("select * from person where person_id = $1", new.person_id)
    assert (person["display_name"], person["email"]) == ("Amal Idrissi", None)
    assert not await superuser.fetchval(
        "select count(*) from identity where person_id = $1", new.person_id
    )


async def test_a_person_who_is_known_already_is_left_as_they_are(
    database: Database, superuser: asyncpg.Connection, house: House
) -> None:
    people = await create_people(database, f"other-{new_id().hex[-8:]}")
    await admitted(database, house, amal(person_id=people.learner_id))
    assert (
        await superuser.fetchval(
            "select display_name from person where person_id = $1", people.learner_id
        )
        == f"learner of {people.slug}"
    )


async def test_keys_name_one_person_in_any_case_and_nobody_where_they_name_two(
    database: Database, house: House
) -> None:
    one, other = amal(), amal(keys={"user_name": "bd@agency.example", "external_id": "x-17"})
    await admitted(database, house, one)
    await admitted(database, house, other)
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    assert await expected_person(read, {"user_name": "AMAL.idrissi@agency.example"}) == (
        one.person_id
    )
    assert await expected_person(read, {"external_id": "X-17"}) == one.person_id
    assert await expected_person(read, {"external_id": "x-17"}) == other.person_id
    both = {"user_name": "bd@agency.example", "external_id": "X-17"}
    assert await expected_person(read, both) is None
    assert await expected_person(read, {"user_name": "nobody", "email": ""}) is None
    assert await expected_person(read, {}) is None


async def test_another_organisation_expects_nobody_by_our_keys(
    database: Database, house: House
) -> None:
    new = amal()
    await admitted(database, house, new)
    people = await create_people(database, f"far-{new_id().hex[-8:]}")
    read = database.tenant_reader(people.tenant_id, SYSTEM)
    assert await expected_person(read, dict(new.keys)) is None


async def test_who_comes_as_a_person_of_their_own_takes_the_place_that_waited(
    database: Database, superuser: asyncpg.Connection, house: House
) -> None:
    new, came = amal(), new_id()
    await admitted(database, house, new, active=False)
    async with database.tenant(house.tenant_id, SYSTEM) as tx:
        await arrivals.move(tx, new.person_id, came)
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    placeholder = await tenant_store.member(read, new.person_id)
    member = await tenant_store.member(read, came)
    assert placeholder is not None
    assert member is not None
    assert (placeholder.status, placeholder.roles) == ("removed", [])
    assert (member.status, member.roles) == ("suspended", ["learner"])
    assert await expected_person(read, dict(new.keys)) == came
    events = await superuser.fetch(
        "select name, person_id from tenant_event where tenant_id = $1 and person_id = any($2)",
        house.tenant_id,
        [new.person_id, came],
    )
    assert {tuple(row) for row in events} == {
        ("member.admitted", new.person_id),
        ("member.suspended", new.person_id),
        ("member.removed", new.person_id),
        ("member.admitted", came),
    }
    assert len(events) == 4


async def test_a_membership_that_nobody_expected_is_never_taken_over(
    database: Database, house: House
) -> None:
    new = amal()
    await admitted(database, house, new)
    with pytest.raises(AlreadyAMember):
        async with database.tenant(house.tenant_id, SYSTEM) as tx:
            await arrivals.move(tx, new.person_id, house.people["owner"])
