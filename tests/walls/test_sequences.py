"""Random sequences of what two organisations and two persons do, through the real services.

After every step each of the four looks at all that its role lets it see: nothing carries
another's mark, but for what a person shares with an organisation now.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from passerelle.hiring import service as hiring
from passerelle.hiring.model import NewRequisition, Requirement
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from passerelle.people import service as people
from passerelle.people.model import Profile
from tenants.service import admit
from tests.hiring.factories import THINK_CRITICALLY
from tests.people.factories import in_days, themselves
from tests.walls.mirror import BOUND_ROLES, owned_tables
from tests.walls.world import Resident, World, build, person

EXAMPLES = 12
STEPS = 14
SIDES = st.sampled_from([0, 1])
WORDS = st.sampled_from(["one", "two", "three"])
Look = tuple[str, str, str]


class Stage:
    """The world with what its machine needs to act and to look, in one event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        database: Database,
        world: World,
        looks: list[Look],
    ) -> None:
        self.loop = loop
        self.database = database
        self.residents = (world.ours, world.theirs)
        self.looks = looks

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result, or None where the product refused."""
        with contextlib.suppress(Problem):
            return self.loop.run_until_complete(work)
        return None


stage: Stage


class FourActors(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        # (person's side, tenant's side) → the sharing that lives.
        self.shared: dict[tuple[int, int], UUID] = {}
        # What an earlier sequence shared ends: each begins alike.
        for side in (0, 1):
            for tenant in (0, 1):
                self.shares(side=side, tenant=tenant)
                self.withdraws(side=side, tenant=tenant)

    @rule(side=SIDES, tenant=SIDES)
    def shares(self, side: int, tenant: int) -> None:
        async def work() -> UUID:
            one = stage.residents[side]
            async with stage.database.person(one.person_id, themselves(one.person_id)) as tx:
                wanted = stage.residents[tenant].tenant_id
                return await people.share(tx, wanted, until=in_days(30))

        if sharing := stage.do(work()):
            self.shared[side, tenant] = sharing

    @precondition(lambda self: self.shared)
    @rule(side=SIDES, tenant=SIDES)
    def withdraws(self, side: int, tenant: int) -> None:
        sharing = self.shared.get((side, tenant))
        if sharing is None:
            return

        async def work() -> None:
            one = stage.residents[side]
            async with stage.database.person(one.person_id, themselves(one.person_id)) as tx:
                await people.withdraw(tx, sharing)

        stage.do(work())
        self.shared.pop((side, tenant))

    @precondition(lambda self: self.shared)
    @rule(side=SIDES, other=SIDES)
    def withdraws_a_sharing_that_may_be_anothers(self, side: int, other: int) -> None:
        for (owner, _), sharing in self.shared.items():
            if owner != side:

                async def work(sharing: UUID = sharing) -> None:
                    one = stage.residents[side]
                    async with stage.database.person(
                        one.person_id, themselves(one.person_id)
                    ) as tx:
                        await people.withdraw(tx, sharing)

                assert stage.do(work()) is None

    @rule(side=SIDES, word=WORDS)
    def writes_their_profile(self, side: int, word: str) -> None:
        async def work() -> None:
            one = stage.residents[side]
            async with stage.database.person(one.person_id, themselves(one.person_id)) as tx:
                mark = one.side.canary
                await people.save_profile(tx, Profile(f"{mark} {word}", f"{mark} {word}", "en"))

        stage.do(work())

    @rule(side=SIDES, word=WORDS)
    def opens_a_requisition(self, side: int, word: str) -> None:
        async def work() -> None:
            one = stage.residents[side]
            title = f"{one.side.canary} {word}"
            new = NewRequisition(
                title=Localised(title, title, title),
                requirements=[Requirement(THINK_CRITICALLY, 1.0, 2, False)],
            )
            async with stage.database.tenant(one.tenant_id, one.member()) as tx:
                await hiring.open_requisition(tx, new)

        stage.do(work())

    @rule(side=SIDES, other=SIDES, status=st.sampled_from(["open", "closed"]))
    def closes_a_requisition_that_may_be_anothers(self, side: int, other: int, status: str) -> None:
        async def work() -> None:
            one = stage.residents[side]
            async with stage.database.tenant(one.tenant_id, one.member()) as tx:
                wanted = stage.residents[other].requisition_id
                await hiring.set_status(tx, wanted, status)  # type: ignore[arg-type]

        stage.do(work())

    @rule(side=SIDES, word=WORDS)
    def admits_a_member(self, side: int, word: str) -> None:
        async def work() -> None:
            one = stage.residents[side]
            name = f"{one.side.canary} {word}"
            new = await person(stage.database, name)
            system = actors.system("tests", one.tenant_id)
            async with stage.database.tenant(one.tenant_id, system) as tx:
                await admit(tx, new, name, None, "en", ["learner"])

        stage.do(work())

    @invariant()
    def nobody_sees_what_is_anothers(self) -> None:
        stage.loop.run_until_complete(self.look_around())

    async def look_around(self) -> None:
        for number, one in enumerate(stage.residents):
            other = stage.residents[1 - number]
            sees_them = (1 - number, number) in self.shared
            for role, setting, sql in stage.looks:
                owner = one.tenant_id if setting == "tenant" else one.person_id
                async with (
                    stage.database.pool(role).acquire() as connection,
                    connection.transaction(),
                ):
                    await connection.execute(
                        f"select set_config('app.{setting}', $1, true)", str(owner)
                    )
                    seen = await connection.fetchval(sql)
                for table, text in seen.items():
                    if setting == "tenant":
                        self.judge_tenant(text or "", other, sees_them, table)
                    else:
                        # With whom they share is the person's to know.
                        assert str(other.person_id) not in (text or ""), table
                        assert other.side.canary not in (text or ""), table

    def judge_tenant(self, text: str, other: Resident, sees_them: bool, table: str) -> None:
        assert str(other.tenant_id) not in text, table
        assert str(other.member_id) not in text, table
        # A person who shares is seen by name and by what they proved; who did so once stands in
        # the ledger of consents by their identifier, and nobody else stands anywhere.
        if not sees_them:
            assert other.side.canary not in text, table
            assert str(other.person_id) not in text or table == "consent", table


async def looks_of(superuser: asyncpg.Connection) -> list[Look]:
    """For each role, all that it may read: an object of one text a table."""
    looks = []
    for role, setting in BOUND_ROLES.items():
        if not role.startswith("web_"):
            continue
        parts = []
        for table in await owned_tables(superuser):
            columns = await superuser.fetch(
                "select attname from pg_attribute where attrelid = ('public.' || $1)::regclass"
                " and attnum > 0 and not attisdropped"
                " and has_column_privilege($2, attrelid, attnum, 'select')",
                table.name,
                role,
            )
            if columns:
                names = ", ".join(f"{row['attname']}::text" for row in columns)
                row = f"concat_ws(' ', {names})"
                parts.append(f"('{table.name}', (select string_agg({row}, ' ') from {table.name}))")
        rows = ", ".join(parts)
        looks.append(
            (
                role,
                setting,
                f"select jsonb_object_agg(name, seen) from (values {rows}) as looked (name, seen)",
            )
        )
    return looks


@pytest.fixture(scope="module")
async def ready(
    database: Database, settings: Settings, superuser: asyncpg.Connection
) -> tuple[Database, World, list[Look], asyncio.AbstractEventLoop]:
    world = await build(database, settings, superuser)
    return database, world, await looks_of(superuser), asyncio.get_running_loop()


def test_whatever_the_four_do_nobody_sees_what_is_anothers(
    ready: tuple[Database, World, list[Look], asyncio.AbstractEventLoop],
    request: pytest.FixtureRequest,
) -> None:
    global stage
    database, world, looks, loop = ready
    stage = Stage(loop, database, world, looks)
    run_machine(
        FourActors,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
