"""Changing members: what the rules let through, what they refuse, what stays on record."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid
from tenants.access.grants import Grant, access_of
from tenants.access.permissions import SEPARATIONS
from tenants.members import rules, service
from tenants.members.model import Change, Held, Outcome
from tenants.members.problems import DutiesInConflict
from tenants.service import admit
from tests.tenants.members.conftest import SYSTEM, House, actor_of, add_member, events


async def change(
    database: Database, house: House, who: str, people: list[str], wanted: Change, reason: str = ""
) -> Outcome:
    actor = await actor_of(database, house, who)
    async with database.tenant(house.tenant_id, actor) as tx:
        return await service.change(tx, [house.people[one] for one in people], wanted, reason)


def grant(role: str, unit_id: UUID | None = None) -> Change:
    return Change("grant", held=Held(role, unit_id))


async def roles_of(superuser: asyncpg.Connection, house: House, who: str) -> list[str]:
    rows = await superuser.fetch(
        "select role from member_role where tenant_id = $1 and person_id = $2 order by role",
        house.tenant_id,
        house.people[who],
    )
    return [row["role"] for row in rows]


async def test_a_given_role_is_held_since_now_by_whom_and_on_record_before_and_after(
    database: Database, superuser: asyncpg.Connection, house: House
) -> None:
    outcome = await change(database, house, "admin", ["amina"], grant("recruiter"))
    assert outcome.changed == [house.people["amina"]]
    held = await superuser.fetchrow(
        "select granted_by, granted_at from member_role where person_id = $1 and role = $2",
        house.people["amina"],
        "recruiter",
    )
    assert held["granted_by"] == "Adil Admin"
    event = (await events(superuser, house, "member.role_given"))[0]
    assert event["actor_name"] == "Adil Admin"
    assert '"recruiter"' in event["payload"]
    assert '"recruiter"' not in event["before"]
    again = await change(database, house, "admin", ["amina"], grant("recruiter"))
    assert again.unchanged == [house.people["amina"]]
    assert len(await events(superuser, house, "member.role_given")) == 1


@pytest.mark.parametrize(
    ("who", "whom", "wanted", "why"),
    [
        ("admin", "amina", grant("owner"), rules.BEYOND_YOU),
        ("admin", "admin", grant("recruiter"), rules.YOUR_OWN_ROLES),
        ("owner", "owner", grant("recruiter"), rules.YOUR_OWN_ROLES),
        ("owner", "owner", Change("remove"), rules.YOURSELF),
        ("owner", "owner", Change("revoke", held=Held("owner")), rules.LAST_OWNER),
        ("admin", "owner", Change("suspend"), rules.ABOVE_YOU),
        ("manager", "amina", grant("candidate"), rules.NO_ROLES),
        ("manager", "amina", grant("tenant_admin"), rules.NO_ROLES),
        ("trainer", "amina", grant("candidate"), rules.NO_ROLES),
        ("admin", "amina", grant("own-000000000000"), rules.RETIRED),
    ],
)
async def test_what_the_rules_forbid_changes_nothing_and_says_why(
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
    who: str,
    whom: str,
    wanted: Change,
    why: str,
) -> None:
    before = await roles_of(superuser, house, whom)
    outcome = await change(database, house, who, [whom], wanted, "a reason")
    assert [one.why for one in outcome.refused] == [why]
    assert outcome.changed == []
    assert await roles_of(superuser, house, whom) == before


@pytest.mark.parametrize(
    ("whom", "role"),
    [("trainer", "assessor"), ("assessor", "learning_manager"), ("amina", "assessor")],
)
async def test_who_trains_or_learns_never_writes_live_questions(
    database: Database, house: House, whom: str, role: str
) -> None:
    outcome = await change(database, house, "owner", [whom], grant(role))
    assert outcome.changed == []
    assert "live exam" in outcome.refused[0].why


async def test_two_at_once_do_not_bring_together_what_is_kept_apart(
    database: Database, superuser: asyncpg.Connection, house: House
) -> None:
    await change(database, house, "owner", ["amina"], Change("revoke", held=Held("learner")))
    actor, amina = await actor_of(database, house, "owner"), house.people["amina"]
    async with database.tenant(house.tenant_id, actor) as tx:
        assert (await service.change(tx, [amina], grant("assessor"))).changed
        trained = asyncio.create_task(
            change(database, house, "owner", ["amina"], grant("learning_manager"))
        )
        admitted = asyncio.create_task(launched(database, house, amina))
        await asyncio.sleep(0.3)
    assert [one.why for one in (await trained).refused] == [SEPARATIONS[0].why]
    with pytest.raises(DutiesInConflict):
        await admitted
    assert await roles_of(superuser, house, "amina") == ["assessor"]


async def launched(database: Database, house: House, person_id: UUID) -> None:
    async with database.tenant(house.tenant_id, SYSTEM) as tx:
        await admit(tx, person_id, "Amina", None, "en", ["learner"])


async def test_a_units_manager_reaches_the_members_of_that_unit_and_what_lies_below_it(
    database: Database, house: House
) -> None:
    """Bilal stands elsewhere, the owner nowhere: as unknown to the manager as if not there."""
    suspended = await change(
        database, house, "manager", ["amina", "bilal", "owner"], Change("suspend"), "Left for long"
    )
    assert suspended.changed == [house.people["amina"]]
    assert suspended.refused == []
    health, south = house.units["health"], house.units["south"]
    lifted = await change(database, house, "manager", ["amina"], Change("reinstate"))
    assert lifted.changed
    within = await change(database, house, "manager", ["amina"], grant("learner", health))
    assert within.changed
    admin = await change(database, house, "manager", ["amina"], grant("tenant_admin", health))
    assert admin.changed, "what they hold there themselves, they may pass on there"
    auditor = await change(database, house, "manager", ["amina"], grant("auditor", health))
    assert auditor.changed, "of an auditor's powers, a unit leaves the list of its members"
    away = await change(database, house, "manager", ["amina"], Change("move", unit_id=south))
    assert away.refused[0].why == rules.OUTSIDE
    elsewhere = await change(database, house, "manager", ["amina"], grant("learner", south))
    assert elsewhere.refused[0].why == rules.NO_ROLES


async def test_a_role_in_a_unit_allows_there_only_what_can_be_limited(house: House) -> None:
    north = house.units["north"]
    access = access_of([Grant("tenant_admin", north)])
    assert access.permissions == {"members.read", "members.manage", "roles.manage"}
    assert set(access.units) == access.permissions
    both = access_of([Grant("tenant_admin", north), Grant("learning_manager")])
    assert "members.read" not in both.units
    assert both.units["members.manage"] == (north,)


async def test_a_role_that_counts_nowhere_in_a_unit_is_not_given_there(
    database: Database, house: House
) -> None:
    wanted = grant("recruiter", house.units["north"])
    outcome = await change(database, house, "admin", ["amina"], wanted)
    assert outcome.refused[0].why == rules.NOT_IN_A_UNIT


async def test_two_owners_can_not_both_leave(database: Database, house: House) -> None:
    house.people["second"] = await add_member(database, house.tenant_id, "Second", ["owner"])
    both = await change(
        database, house, "owner", ["owner", "second"], Change("revoke", held=Held("owner"))
    )
    assert both.changed == []
    assert {one.why for one in both.refused} == {rules.LAST_OWNER}
    one = await change(database, house, "owner", ["second"], Change("revoke", held=Held("owner")))
    assert one.changed == [house.people["second"]]


async def test_a_suspended_owner_does_not_count_as_an_owner(
    database: Database, house: House
) -> None:
    house.people["second"] = await add_member(database, house.tenant_id, "Second", ["owner"])
    await change(database, house, "second", ["owner"], Change("suspend"), "Under inquiry")
    outcome = await change(database, house, "owner", ["second"], Change("suspend"), "In return")
    assert [one.why for one in outcome.refused] == [rules.LAST_OWNER]


async def test_who_leaves_keeps_a_record_and_loses_roles_and_comes_back_with_an_undo(
    database: Database, superuser: asyncpg.Connection, house: House
) -> None:
    removed = await change(database, house, "admin", ["amina"], Change("remove"), "Contract ended")
    assert removed.changed
    assert await roles_of(superuser, house, "amina") == []
    event = (await events(superuser, house, "member.removed"))[0]
    assert event["reason"] == "Contract ended"
    more = await change(database, house, "admin", ["amina"], grant("learner"))
    assert more.refused[0].why == rules.REMOVED


@pytest.mark.parametrize("kind", ["suspend", "remove"])
async def test_to_suspend_or_remove_takes_a_reason(
    database: Database, house: House, kind: str
) -> None:
    for reason in ("", "   ", "x" * 501):
        with pytest.raises(Invalid) as refused:
            await change(database, house, "admin", ["amina"], Change(kind), reason)  # type: ignore[arg-type]
        assert "reason" in refused.value.errors


async def test_more_people_than_one_transaction_takes_are_refused(
    database: Database, house: House
) -> None:
    with pytest.raises(Invalid):
        await change(database, house, "admin", ["amina"] * 101, grant("learner"))


async def test_nobody_of_another_organisation_is_touched(
    database: Database, superuser: asyncpg.Connection, house: House
) -> None:
    from tests.tenants.members.conftest import make_house

    other = await make_house(database, f"other-{house.slug[-6:]}")
    actor = await actor_of(database, house, "owner")
    async with database.tenant(house.tenant_id, actor) as tx:
        outcome = await service.change(tx, [other.people["amina"]], Change("remove"), "Mistake")
    assert outcome == Outcome([], [], [])
    assert await roles_of(superuser, other, "amina") == ["learner"]
