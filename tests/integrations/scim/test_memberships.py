"""A user over SCIM is the face of one membership: made, suspended, ended, and no other touched."""

from uuid import UUID

import asyncpg
import httpx
import msgspec
from redis.asyncio import Redis

from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants import store as tenant_store
from tenants.access.sessions import Sessions, tenant_actor
from tenants.members import arrivals, service
from tenants.members.model import Change, Held
from tenants.model import Tenant
from tenants.plans.model import PLANS
from tenants.service import admit
from tests.conftest import create_people
from tests.integrations.scim.conftest import TEST, Directory, Served
from tests.integrations.scim.payloads import group, patch, replace, user

OF_PERSON = "select person_id from scim_resource where id = $1"
EVENTS = "select name from tenant_event where tenant_id = $1 and person_id = $2"


async def made(scim: httpx.AsyncClient, name: str, **more: object) -> str:
    answer = await scim.post("/Users", json=user(name, **more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def status_of(superuser: asyncpg.Connection, user_id: str) -> str:
    status: str = await superuser.fetchval(
        "select status from member join scim_resource as r using (tenant_id, person_id)"
        " where r.id = $1",
        UUID(user_id),
    )
    return status


async def names_of_events(
    superuser: asyncpg.Connection, directory: Directory, person_id: UUID
) -> list[str]:
    rows = await superuser.fetch(EVENTS, directory.tenant_id, person_id)
    return sorted(row["name"] for row in rows)


async def test_a_created_user_is_a_member_and_a_person_who_is_expected(
    scim: httpx.AsyncClient, directory: Directory, database: Database, superuser: asyncpg.Connection
) -> None:
    user_id = await made(scim, "amal", preferredLanguage="ar-MA")
    person_id = await superuser.fetchval(OF_PERSON, UUID(user_id))
    read = database.tenant_reader(directory.tenant_id, TEST)
    member = await tenant_store.member(read, person_id)
    assert member is not None
    assert (member.status, member.display_name, member.email, member.locale, member.roles) == (
        "active",
        "Amal Test",
        "amal@agency.example",
        "ar",
        ["learner"],
    )
    for key in (("user_name", "AMAL@agency.example"), ("external_id", "id-of-amal")):
        assert await arrivals.expected_person(read, dict([key])) == person_id
    assert user_id not in ("id-of-amal", str(person_id))
    assert await names_of_events(superuser, directory, person_id) == ["member.admitted"]
    assert (
        await superuser.fetchval("select display_name from person where person_id = $1", person_id)
        == "Amal Test"
    )


async def test_inactive_is_suspended_and_active_again_is_lifted(
    scim: httpx.AsyncClient, directory: Directory, superuser: asyncpg.Connection
) -> None:
    away = await made(scim, "away", active=False)
    assert await status_of(superuser, away) == "suspended"
    user_id = await made(scim, "amal")
    for active, status in ((False, "suspended"), (True, "active")):
        answer = await scim.patch(f"/Users/{user_id}", json=patch(replace("active", active)))
        assert answer.status_code == 204
        assert await status_of(superuser, user_id) == status
        assert (await scim.get(f"/Users/{user_id}")).json()["active"] is active
    person_id = await superuser.fetchval(OF_PERSON, UUID(user_id))
    assert await names_of_events(superuser, directory, person_id) == [
        "member.admitted",
        "member.reinstated",
        "member.suspended",
    ]


async def test_deleted_is_removed_and_the_name_is_free_again_for_somebody_else(
    scim: httpx.AsyncClient, directory: Directory, database: Database, superuser: asyncpg.Connection
) -> None:
    user_id = await made(scim, "amal")
    person_id = await superuser.fetchval(OF_PERSON, UUID(user_id))
    assert (await scim.delete(f"/Users/{user_id}")).status_code == 204
    read = database.tenant_reader(directory.tenant_id, TEST)
    member = await tenant_store.member(read, person_id)
    assert member is not None
    assert (member.status, member.roles) == ("removed", [])
    assert await arrivals.expected_person(read, {"user_name": "amal@agency.example"}) is None
    for again in (scim.get, scim.delete):
        assert (await again(f"/Users/{user_id}")).status_code == 404
    assert await superuser.fetchval("select count(*) from person where person_id = $1", person_id)
    second = await made(scim, "amal")
    assert await superuser.fetchval(OF_PERSON, UUID(second)) != person_id


async def test_a_signed_in_session_is_refused_at_its_next_request(
    scim: httpx.AsyncClient,
    served: Served,
    directory: Directory,
    database: Database,
    superuser: asyncpg.Connection,
    valkey: Redis,
    settings: Settings,
) -> None:
    sessions = Sessions(valkey, settings)
    for leave in ("patch", "put", "delete"):
        user_id = await made(scim, f"leaves-by-{leave}")
        person_id = await superuser.fetchval(OF_PERSON, UUID(user_id))
        read = database.tenant_reader(directory.tenant_id, TEST)
        member = await tenant_store.member(read, person_id)
        assert member is not None
        tenant = Tenant(directory.tenant_id, directory.slug, Localised("a", "a", "a"), "fr")
        cookie = await sessions.open(tenant_actor(tenant, member, "keycloak", {}, None))
        headers = {"cookie": cookie.partition(";")[0], "accept": "application/json"}
        page = f"{served.url}/t/{directory.slug}/notices"
        async with httpx.AsyncClient() as browser:
            assert (await browser.get(page, headers=headers)).status_code == 200
            match leave:
                case "patch":
                    body = patch(replace("active", "False"))
                    await scim.patch(f"/Users/{user_id}", json=body)
                case "put":
                    body = user(f"leaves-by-{leave}", active=False)
                    await scim.put(f"/Users/{user_id}", json=body)
                case _:
                    await scim.delete(f"/Users/{user_id}")
            assert (await browser.get(page, headers=headers)).status_code in (303, 401), leave


async def test_what_is_the_persons_own_stays_when_the_membership_ends(
    scim: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    user_id = await made(scim, "amal")
    person_id = await superuser.fetchval(OF_PERSON, UUID(user_id))
    other = await create_people(database, f"other-{new_id().hex[-8:]}")
    async with database.tenant(other.tenant_id, TEST) as tx:
        await admit(tx, person_id, "Amal", None, "en", ["learner"])
    async with database.person(person_id, TEST) as person_tx:
        await person_tx.execute(
            "insert into identity (person_id, issuer, subject) values ($1, 'https://own', $2)",
            person_id,
            str(person_id),
        )
        await person_tx.execute(
            "insert into sharing (person_id, tenant_id, purpose, until)"
            " values ($1, $2, 'hiring', now() + interval '1 day')",
            person_id,
            other.tenant_id,
        )
    assert (await scim.delete(f"/Users/{user_id}")).status_code == 204
    kept = await superuser.fetchrow(
        "select (select count(*) from identity where person_id = $1),"
        " (select count(*) from sharing where person_id = $1 and withdrawn_at is null),"
        " (select status from member where person_id = $1 and tenant_id = $2)",
        person_id,
        other.tenant_id,
    )
    assert tuple(kept) == (1, 1, "active")


async def test_a_member_whom_provisioning_did_not_make_is_out_of_its_reach(
    scim: httpx.AsyncClient, directory: Directory, database: Database, superuser: asyncpg.Connection
) -> None:
    """Neither by id, nor by externalId, nor by the address or the name that they share."""
    owner = new_id()
    async with database.tenant(directory.tenant_id, TEST) as tx:
        await admit(tx, owner, "Owner", "amal@agency.example", "en", ["owner"])
    for path in (f"/Users/{owner}", f"/Users/{str(owner).upper()}", f"/Users/{owner.hex}"):
        for method, body in (
            ("GET", None),
            ("PUT", user("amal")),
            ("PATCH", patch(replace("active", False))),
            ("DELETE", None),
        ):
            answer = await scim.request(method, path, json=body)
            assert answer.status_code == 404, (method, path)
            assert "provisioning did not make" in answer.json()["detail"]
    taken = await scim.post("/Groups", json=group("Staff", str(owner)))
    assert (taken.status_code, taken.json()["scimType"]) == (400, "invalidValue")
    user_id = await made(scim, "amal", externalId=str(owner))
    assert (await scim.delete(f"/Users/{user_id}")).status_code == 204
    row = await superuser.fetchrow(
        "select status, display_name, email from member where tenant_id = $1 and person_id = $2",
        directory.tenant_id,
        owner,
    )
    assert tuple(row) == ("active", "Owner", "amal@agency.example")
    assert await superuser.fetchval(
        "select count(*) from member_role where tenant_id = $1 and person_id = $2",
        directory.tenant_id,
        owner,
    )


async def test_an_external_id_is_never_the_id(
    scim: httpx.AsyncClient, directory: Directory
) -> None:
    foreign = str(new_id())
    await made(scim, "one", externalId="1")
    await made(scim, "two", externalId=foreign)
    for text in ("1", foreign, "0", "null"):
        assert (await scim.get(f"/Users/{text}")).status_code == 404
        found = await scim.get("/Users", params={"filter": f'id eq "{text}"'})
        assert found.json()["totalResults"] == 0
    found = await scim.get("/Users", params={"filter": f'externalId eq "{foreign}"'})
    assert found.json()["totalResults"] == 1


async def test_the_last_owner_is_not_ended_by_a_directory(
    scim: httpx.AsyncClient, directory: Directory, database: Database, superuser: asyncpg.Connection
) -> None:
    user_id = await made(scim, "amal")
    person_id = await superuser.fetchval(OF_PERSON, UUID(user_id))
    async with database.tenant(directory.tenant_id, TEST) as tx:
        await service.change(tx, [person_id], Change("revoke", held=Held("learner")))
        given = await service.change(tx, [person_id], Change("grant", held=Held("owner")))
    assert given.changed
    for answer in (
        await scim.delete(f"/Users/{user_id}"),
        await scim.patch(f"/Users/{user_id}", json=patch(replace("active", False))),
    ):
        assert answer.status_code == 403
        assert "at least one owner" in answer.json()["detail"]
    assert await status_of(superuser, user_id) == "active"
    assert (await scim.get(f"/Users/{user_id}")).json()["active"] is True


async def test_what_an_administrator_ended_a_directory_does_not_begin_again(
    scim: httpx.AsyncClient, directory: Directory, database: Database, superuser: asyncpg.Connection
) -> None:
    user_id = await made(scim, "amal")
    person_id = await superuser.fetchval(OF_PERSON, UUID(user_id))
    async with database.tenant(directory.tenant_id, TEST) as tx:
        await service.change(tx, [person_id], Change("suspend"), "An inquiry")
    for active in (True, False, True):
        await scim.put(f"/Users/{user_id}", json=user("amal", active=active))
        assert await status_of(superuser, user_id) == "suspended"
    async with database.tenant(directory.tenant_id, TEST) as tx:
        await service.change(tx, [person_id], Change("remove"), "The inquiry ended")
    for active in (False, True):
        await scim.put(f"/Users/{user_id}", json=user("amal", active=active))
        assert await status_of(superuser, user_id) == "removed"


async def test_a_seat_that_is_not_there_is_a_clear_error(
    scim: httpx.AsyncClient, directory: Directory, superuser: asyncpg.Connection
) -> None:
    limits = msgspec.structs.replace(PLANS["trial"], seats=1)
    await superuser.execute(
        "insert into tenant_plan (tenant_id, name, seats, storage_bytes, requests_per_s,"
        " training_minutes_per_month, changed_by) values ($1, 'trial', $2, $3, $4, $5, 'tests')",
        directory.tenant_id,
        limits.seats,
        limits.storage_bytes,
        limits.requests_per_s,
        limits.training_minutes_per_month,
    )
    first = await made(scim, "first")
    answer = await scim.post("/Users", json=user("second"))
    assert answer.status_code == 403
    assert "Every seat of this organisation is taken" in answer.json()["detail"]
    away = await made(scim, "away", active=False)
    answer = await scim.patch(f"/Users/{away}", json=patch(replace("active", True)))
    assert answer.status_code == 403
    assert (await scim.get(f"/Users/{away}")).json()["active"] is False
    await scim.patch(f"/Users/{first}", json=patch(replace("active", False)))
    answer = await scim.patch(f"/Users/{away}", json=patch(replace("active", True)))
    assert answer.status_code == 204


async def test_who_came_as_a_person_of_their_own_is_ended_with_their_user(
    scim: httpx.AsyncClient, directory: Directory, database: Database, superuser: asyncpg.Connection
) -> None:
    user_id, came = await made(scim, "amal"), new_id()
    expected = await superuser.fetchval(OF_PERSON, UUID(user_id))
    async with database.tenant(directory.tenant_id, TEST) as tx:
        await arrivals.move(tx, expected, came)
    assert await superuser.fetchval(OF_PERSON, UUID(user_id)) == came
    assert (await scim.delete(f"/Users/{user_id}")).status_code == 204
    assert (
        await superuser.fetchval(
            "select status from member where tenant_id = $1 and person_id = $2",
            directory.tenant_id,
            came,
        )
        == "removed"
    )
