"""The same connections, plans and processes serve everyone in turn: nobody gets another's rows.

PostgreSQL's own leaks came from plans made for one role and used for another (CVE-2024-10976), and
breaches elsewhere from one pupil's answer sent to another: so statements, plans and responses
alternate here, and each carries its owner's mark.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
from litestar import Litestar

from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tests.people.factories import themselves
from tests.walls.mirror import OwnedTable, Side
from tests.walls.world import Visitor, World, build, visitor

ALTERNATIONS = 10_000
REQUESTS = 240
AT_ONCE = 16


async def test_prepared_statements_alternate_between_tenants_ten_thousand_times(
    mirrored: list[OwnedTable], roles: dict[str, asyncpg.Connection], ours: Side, theirs: Side
) -> None:
    connection = roles["web_tenant"]
    # Bound and read in one statement, as the kernel's readers do it: one plan for everyone.
    statement = await connection.prepare(
        "with bound as materialized (select set_config('app.tenant', $1, true) as id)"
        " select statement.* from bound cross join lateral (select * from ("
        "   select tenant_id from member union all select tenant_id from tenant_event"
        "   union all select id from tenant) as rows where bound.id is not null offset 0)"
        " as statement"
    )
    for number in range(ALTERNATIONS):
        owner = (ours, theirs)[number % 2].tenant_id
        assert {row["tenant_id"] for row in await statement.fetch(str(owner))} == {owner}


async def test_prepared_statements_alternate_between_transactions_and_plans(
    mirrored: list[OwnedTable], roles: dict[str, asyncpg.Connection], ours: Side, theirs: Side
) -> None:
    """With a generic plan, a custom one, and after a rollback."""
    connection = roles["web_tenant"]
    statement = await connection.prepare(
        "select member.tenant_id from member left join member_role using (tenant_id, person_id)"
    )
    for number in range(600):
        owner = (ours, theirs)[number % 2].tenant_id
        if number % 100 == 0:
            mode = ("auto", "force_generic_plan", "force_custom_plan")[number // 100 % 3]
            await connection.execute(f"set plan_cache_mode = {mode}")
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select set_config('app.tenant', $1, true)", str(owner))
        assert {row["tenant_id"] for row in await statement.fetch()} == {owner}
        await (transaction.rollback if number % 3 else transaction.commit)()


async def test_a_plan_made_in_one_role_holds_in_another(
    mirrored: list[OwnedTable], superuser: asyncpg.Connection, ours: Side, theirs: Side
) -> None:
    """A plan depends on the role; prepared as the superuser, it must be made anew for ours."""
    statement = await superuser.prepare("select tenant_id from member")
    everyone = {row["tenant_id"] for row in await statement.fetch()}
    # And whoever this module's other tests have made, where they came first.
    assert everyone >= {ours.tenant_id, theirs.tenant_id}
    for number in range(20):
        owner = (ours, theirs)[number % 2].tenant_id
        async with superuser.transaction():
            await superuser.execute("set local role web_tenant")
            await superuser.execute("select set_config('app.tenant', $1, true)", str(owner))
            assert {row["tenant_id"] for row in await statement.fetch()} == {owner}
        assert {row["tenant_id"] for row in await statement.fetch()} == everyone


@pytest.fixture(scope="module")
async def world(database: Database, settings: Settings, superuser: asyncpg.Connection) -> World:
    return await build(database, settings, superuser)


@pytest.fixture
async def four(
    app: Litestar, settings: Settings, world: World
) -> AsyncIterator[dict[str, Visitor]]:
    """Two members and two persons, each in a session of their own, by whose canary they carry."""
    async with AsyncExitStack() as stack:
        opened = {}
        for resident in (world.ours, world.theirs):
            for space, actor in (
                ("tenant", resident.member()),
                ("person", themselves(resident.person_id)),
            ):
                visiting = await stack.enter_async_context(visitor(app, settings, actor))
                opened[f"{space} {resident.slug}"] = visiting
        yield opened


async def test_requests_at_once_of_two_tenants_and_persons_never_mix(
    world: World, four: dict[str, Visitor]
) -> None:
    """Every response holds its own owner's canary, or none; never the other's."""
    ours, theirs = world.ours, world.theirs
    asked = []
    for resident, other in ((ours, theirs), (theirs, ours)):
        base = f"/t/{resident.slug}"
        pages = [
            ("tenant", f"{base}/hiring/{resident.requisition_id}"),
            ("tenant", f"{base}/hiring"),
            ("tenant", f"{base}/learn/attempt/{resident.attempt_id}"),
            ("tenant", f"{base}/hiring/{other.requisition_id}"),
            ("person", "/me/profile"),
        ]
        asked += [(resident, other, space, path) for space, path in pages]
    chance = random.Random(4)
    waiting = chance.choices(asked, k=REQUESTS)
    gate = asyncio.Semaphore(AT_ONCE)
    found: set[str] = set()

    async def ask(number: int) -> None:
        resident, other, space, path = waiting[number]
        async with gate:
            answer = await four[f"{space} {resident.slug}"].send("GET", path)
        assert other.side.canary not in answer.text, (path, answer.status_code)
        assert str(other.tenant_id) not in answer.text, path
        if resident.side.canary in answer.text:
            found.add(f"{resident.slug} {path}")

    await asyncio.gather(*(ask(number) for number in range(REQUESTS)))
    # The canaries are there to be seen: the search for the other's is not vain.
    assert {one.split()[0] for one in found} == {ours.slug, theirs.slug}
    assert len(found) >= 4, found
