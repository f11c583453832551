"""Limits at their edge: the last seat, byte and minute, however many come at once."""

import asyncio
from uuid import UUID

import asyncpg
import msgspec
import pytest

from infra.commands import plan as plan_command
from ml.requests import ModelTrained
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from tenants.plans import service
from tenants.plans.model import PLANS, Limits, PlanInvalid, SeatsTaken, StorageFull, TrainingSpent
from tenants.service import admit, create_tenant

ACTOR = actors.system("tests")


async def organisation(database: Database, **limits: int) -> UUID:
    """A new one whose plan has these limits, and the usual ones beside."""
    slug = f"limits-{new_id().hex[-10:]}"
    name = Localised(slug, slug, slug)
    tenant_id = await create_tenant(database, slug, name, "en", listed=False)
    async with database.operator(tenant_id, ACTOR) as tx:
        await service.set_plan(tx, "trial", msgspec.structs.replace(PLANS["trial"], **limits))
    return tenant_id


async def admit_someone(database: Database, tenant_id: UUID) -> bool:
    try:
        async with database.tenant(tenant_id, ACTOR) as tx:
            await admit(tx, new_id(), "Someone", None, "en", ["learner"])
            # Whoever else wants the seat has time to ask for it.
            await asyncio.sleep(0.02)
    except SeatsTaken:
        return False
    return True


async def names_of_events(superuser: asyncpg.Connection, tenant_id: UUID) -> list[str]:
    rows = await superuser.fetch(
        "select name from tenant_event where tenant_id = $1 order by id", tenant_id
    )
    return [row["name"] for row in rows]


async def test_of_many_who_come_for_the_last_seat_one_gets_it(
    database: Database, superuser: asyncpg.Connection
) -> None:
    tenant_id = await organisation(database, seats=3)
    assert [await admit_someone(database, tenant_id) for _ in range(2)] == [True, True]
    came = await asyncio.gather(*(admit_someone(database, tenant_id) for _ in range(5)))
    assert sum(came) == 1
    members = await superuser.fetchval(
        "select count(*) from member where tenant_id = $1", tenant_id
    )
    assert members == 3
    names = await names_of_events(superuser, tenant_id)
    assert names.count("member.admitted") == 3
    assert names.count("limit.reached") == 1


async def test_administrators_are_told_once_before_the_seats_are_taken(
    database: Database, superuser: asyncpg.Connection
) -> None:
    tenant_id = await organisation(database, seats=20)
    for _ in range(17):
        await admit_someone(database, tenant_id)
    assert "limit.near" not in await names_of_events(superuser, tenant_id)
    for _ in range(2):
        await admit_someone(database, tenant_id)
    assert (await names_of_events(superuser, tenant_id)).count("limit.near") == 1


async def test_who_is_a_member_comes_in_though_every_seat_is_taken(database: Database) -> None:
    tenant_id, person_id = await organisation(database, seats=1), new_id()
    for role in ("learner", "recruiter"):
        async with database.tenant(tenant_id, ACTOR) as tx:
            await admit(tx, person_id, "Someone", None, "en", [role])
    assert not await admit_someone(database, tenant_id)


async def keep(tx: TenantTransaction, size_bytes: int) -> None:
    """As the object store does: ask, then write the row."""
    object_id = new_id()
    await service.require_storage(tx, object_id, f"tests/{object_id}", size_bytes)
    await tx.execute(
        "insert into tenant_object (tenant_id, id, name, content_type, size_bytes, digest,"
        " written_by) values ($1, $2, $3, 'text/plain', $4, $5, 'tests')",
        tx.tenant_id,
        object_id,
        f"tests/{object_id}",
        size_bytes,
        "0" * 64,
    )


async def kept(database: Database, tenant_id: UUID, size_bytes: int) -> bool:
    try:
        async with database.tenant(tenant_id, ACTOR) as tx:
            await keep(tx, size_bytes)
            await asyncio.sleep(0.02)
    except StorageFull:
        return False
    return True


async def test_the_last_byte_is_given_and_the_next_one_refused(database: Database) -> None:
    tenant_id = await organisation(database, storage_bytes=1000)
    assert await kept(database, tenant_id, 600)
    assert not await kept(database, tenant_id, 401)
    came = await asyncio.gather(*(kept(database, tenant_id, 200) for _ in range(4)))
    assert sum(came) == 2
    assert not await kept(database, tenant_id, 1)


async def test_training_is_refused_when_the_months_minutes_are_spent(database: Database) -> None:
    tenant_id = await organisation(database, training_minutes_per_month=2)
    for spent_s in (60.0, 59.9):
        async with database.tenant(tenant_id, ACTOR) as tx:
            await service.require_training(tx)
            await emit(tx, "model.trained", ModelTrained(new_id(), 1, {}, spent_s))
    async with database.tenant(tenant_id, ACTOR) as tx:
        await service.require_training(tx)
        await emit(tx, "model.trained", ModelTrained(new_id(), 1, {}, 0.1))
    async with database.tenant(tenant_id, ACTOR) as tx:
        with pytest.raises(TrainingSpent):
            await service.require_training(tx)


async def test_the_limit_of_requests_is_the_plans_and_remembered(database: Database) -> None:
    tenant_id = await organisation(database, requests_per_s=7)
    limits = service.RequestLimits(database)
    assert await limits.requests_per_s(tenant_id) == 7
    async with database.operator(tenant_id, ACTOR) as tx:
        await service.set_plan(tx, "enterprise")
    assert await limits.requests_per_s(tenant_id) == 7
    assert await service.RequestLimits(database).requests_per_s(tenant_id) == 500
    assert await limits.requests_per_s(new_id()) == PLANS["standard"].requests_per_s


@pytest.mark.parametrize("role", ["web_tenant", "live_exam", "worker_tenant"])
@pytest.mark.parametrize(
    "statement",
    [
        "update tenant_plan set seats = 1000000",
        "select app.set_plan(app.tenant_strict(), 'enterprise', 1000000, 1, 1, 1, 'ourselves')",
    ],
)
async def test_no_connection_of_an_organisation_raises_its_own_plan(
    database: Database, role: str, statement: str
) -> None:
    tenant_id = await organisation(database)
    async with database.pool(role).acquire() as connection, connection.transaction():
        await connection.execute("select set_config('app.tenant', $1, true)", str(tenant_id))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.parametrize(
    ("field", "value"),
    [("seats", 0), ("storage_bytes", -1), ("requests_per_s", 10_001), ("seats", 1_000_001)],
)
async def test_a_plan_outside_its_bounds_is_refused(
    database: Database, field: str, value: int
) -> None:
    with pytest.raises(PlanInvalid, match=field):
        await organisation(database, **{field: value})


async def test_the_operator_sets_a_plan_and_it_stands_on_record(
    database: Database,
    superuser: asyncpg.Connection,
    settings: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tenant_id = await organisation(database)
    slug = await superuser.fetchval("select slug from tenant where id = $1", tenant_id)
    monkeypatch.setattr(plan_command, "settings", lambda: settings)
    limits = Limits(seats=12, storage_bytes=10**9, requests_per_s=50, training_minutes_per_month=0)
    plan, usage = await plan_command._set(slug, "standard", limits, "They asked for it")
    assert (plan.seats, plan.name, usage.seats) == (12, "standard", 0)
    row = await superuser.fetchrow(
        "select payload, before, reason, actor_name from tenant_event"
        " where tenant_id = $1 and name = 'plan.changed' order by id desc limit 1",
        tenant_id,
    )
    assert msgspec.json.decode(row["payload"])["seats"] == 12
    assert msgspec.json.decode(row["before"])["seats"] == 25
    assert row["reason"] == "They asked for it"
    assert row["actor_name"] == plan_command.TASK
