"""Killed between exam and credential, nothing is lost and nothing is done twice.

The worker, then PostgreSQL, are killed with SIGKILL while passed exams wait for their credentials,
and the broker is emptied; then every count is reconciled, person by person.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
from redis import Redis

from infra.servers.application import WorkerServer
from infra.servers.postgres import PostgresServer
from infra.servers.valkey import ValkeyServer
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tenants.service import admit
from tests.conftest import People, create_people, eventually
from tests.running import pass_exam, servers, with_starter_path

LEARNERS = 12
FORM = "ai-fluency-1"


class Stage(msgspec.Struct):
    """Servers of this test's own, so that killing them disturbs no other test."""

    postgres: PostgresServer
    valkey: ValkeyServer
    worker: WorkerServer
    settings: Settings
    database_name: str
    people: People

    async def superuser(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.postgres.superuser_dsn(self.database_name))


@pytest.fixture(scope="module")
async def stage(test_directory: Path) -> AsyncIterator[Stage]:
    directory = test_directory / "faults"
    name = f"faults_{new_id().hex}"
    async with servers(directory, name) as (postgres, valkey, variables, settings):
        database = Database(settings)
        await database.open()
        people = await create_people(database, "region")
        superuser = await asyncpg.connect(postgres.superuser_dsn(name))
        await with_starter_path(superuser, database, people.tenant_id)
        await superuser.close()
        await database.close()
        worker = WorkerServer(directory / "worker", variables)
        yield Stage(postgres, valkey, worker, settings, name, people)
        worker.stop()
        superuser = await asyncpg.connect(postgres.superuser_dsn())
        await superuser.execute(f"drop database {name} with (force)")
        await superuser.close()


async def pass_exams(stage: Stage, count: int) -> list[UUID]:
    """So many new learners pass the exam; every pass was acknowledged when this returns."""
    database = Database(stage.settings)
    await database.open()
    passed = []
    for _ in range(count):
        person_id = new_id()
        actor = actors.system("tests", stage.people.tenant_id)
        async with database.person(person_id, actor) as person_tx:
            await person_tx.execute("insert into person (person_id) values ($1)", person_id)
        async with database.live_exam(stage.people.tenant_id, actor) as tx:
            await admit(tx, person_id, "A learner", None, "fr", ["learner"])
        async with database.live_exam(stage.people.tenant_id, actor) as tx:
            await pass_exam(tx, person_id, FORM)
        passed.append(person_id)
    await database.close()
    return passed


async def counts(stage: Stage, table: str, people: list[UUID]) -> Counter[UUID]:
    superuser = await stage.superuser()
    try:
        rows = await superuser.fetch(
            f"select person_id from {table} where person_id = any($1)", people
        )
        return Counter(row["person_id"] for row in rows)
    finally:
        await superuser.close()


async def all_received(stage: Stage, people: list[UUID]) -> bool:
    try:
        return set(await counts(stage, "wallet_credential", people)) == set(people)
    except (OSError, asyncpg.PostgresError):
        return False


async def reconcile(stage: Stage, people: list[UUID]) -> None:
    """Each learner has one attempt, one credential, one wallet copy; nothing is left over."""
    for table in ("attempt", "issued_credential", "wallet_credential"):
        assert await counts(stage, table, people) == Counter(dict.fromkeys(people, 1)), table
    superuser = await stage.superuser()
    try:
        for scope in ("tenant", "person"):
            left = await superuser.fetch(
                f"select listener, last_error from {scope}_delivery"
                " where done_at is null and listener not like 'ml.%'"
            )
            assert left == [], left
            events = await superuser.fetchval(
                f"select count(*) from {scope}_event where not dispatched"
            )
            assert events == 0
    finally:
        await superuser.close()


async def settled(stage: Stage) -> bool:
    superuser = await stage.superuser()
    try:
        open_rows = 0
        for scope in ("tenant", "person"):
            open_rows += await superuser.fetchval(
                f"select (select count(*) from {scope}_delivery where done_at is null"
                " and listener not like 'ml.%')"
                f" + (select count(*) from {scope}_event where not dispatched)"
            )
        return open_rows == 0
    finally:
        await superuser.close()


def empty_broker(stage: Stage) -> int:
    """Takes every message of the broker away; returns how many keys it held."""
    with Redis.from_url(stage.settings.valkey_url) as valkey:
        keys = list(valkey.scan_iter("dramatiq:*", count=1000))
        if keys:
            valkey.delete(*keys)
        return len(keys)


async def test_a_killed_worker_loses_and_doubles_nothing(stage: Stage) -> None:
    stage.worker.kill()
    stage.worker.start()
    passing = asyncio.create_task(pass_exams(stage, LEARNERS))
    killed = 0
    while not passing.done():
        await asyncio.sleep(0.15)
        await asyncio.to_thread(stage.worker.kill)
        killed += 1
        await asyncio.to_thread(stage.worker.start)
    people = await passing
    assert killed >= 1
    await eventually(lambda: all_received(stage, people), seconds=90)
    await eventually(lambda: settled(stage), seconds=90)
    await reconcile(stage, people)


async def test_an_emptied_broker_loses_and_doubles_nothing(stage: Stage) -> None:
    stage.worker.kill()
    people = await pass_exams(stage, LEARNERS)
    stage.worker.start()
    emptied = 0
    for _ in range(5):
        emptied += await asyncio.to_thread(empty_broker, stage)
        await asyncio.sleep(0.1)
    assert emptied > 0
    await eventually(lambda: all_received(stage, people), seconds=90)
    await eventually(lambda: settled(stage), seconds=90)
    await reconcile(stage, people)


async def test_a_killed_database_loses_and_doubles_nothing(stage: Stage) -> None:
    stage.worker.kill()
    people = await pass_exams(stage, LEARNERS)
    stage.worker.start()
    await asyncio.sleep(0.2)
    await asyncio.to_thread(stage.postgres.kill)
    await asyncio.to_thread(stage.postgres.start)
    await eventually(lambda: all_received(stage, people), seconds=90)
    await eventually(lambda: settled(stage), seconds=90)
    await reconcile(stage, people)
