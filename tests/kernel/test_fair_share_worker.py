"""Fair share with a real worker: the benchmark `fair-share` in small."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from infra.servers.application import WorkerServer
from infra.servers.postgres import PostgresServer
from infra.servers.valkey import ValkeyServer
from passerelle.kernel.database import Database
from tests.benchmarks.fair_share import MODULE
from tests.benchmarks.fair_share_stage import Stage, p95
from tests.conftest import People
from tests.running import environment

NOISE = 5_000
#: Beside other tests on a busy machine; the benchmark's own limit is 250.
LIMIT_MS = 1_500


@pytest.fixture
async def stage(
    postgres: PostgresServer,
    valkey_server: ValkeyServer,
    database_name: str,
    database: Database,
    superuser: asyncpg.Connection,
    valkey: Redis,
    two_tenants: tuple[People, People],
    test_directory: Path,
) -> AsyncIterator[Stage]:
    directory = test_directory / "fair-share"
    variables = environment(postgres, valkey_server, database_name, directory)
    worker = WorkerServer(directory / "worker", variables, MODULE)
    worker.start()
    yield Stage(database, superuser, valkey, two_tenants[0].tenant_id, two_tenants[1].tenant_id)
    worker.kill()
    await valkey.delete(*[name async for name in valkey.scan_iter("dramatiq:*")])


async def test_a_quiet_organisations_tasks_pass_a_noisy_ones_thousands(stage: Stage) -> None:
    await stage.silence(False)
    await stage.enqueue_noise(NOISE)
    latencies = await stage.latencies_ms(stage.quiet_task, 6)
    assert await stage.noise_left() > 0
    assert len(latencies) >= 10
    assert p95(latencies) < LIMIT_MS


async def test_in_a_plain_queue_they_would_wait_for_all_before_them(stage: Stage) -> None:
    """What the test above is worth: the same tasks, first in, first out."""
    await stage.silence(True)
    await stage.prepare_plain_noise(NOISE)
    await stage.fill_plain_queue(await stage.plain_left())
    latencies = await stage.latencies_ms(stage.plain_quiet_task, 4)
    assert min(latencies) > LIMIT_MS / 2
