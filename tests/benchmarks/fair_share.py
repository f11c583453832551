"""`fair-share`: a quiet organisation's task while a noisy one has 100,000 tasks of 20 ms waiting.

Measured from the commit of the quiet event to its effect, with one real worker process. Beside it
plain first in, first out: the same worker and the same messages, all in Dramatiq's queue, and the
quiet ones behind them. A plain round is cut off after ROUND_S: what had no effect by then counts
with the time for which it was waited, so the baseline is at least what is reported.
"""

import statistics
import sys
import time

import asyncpg
from redis.asyncio import Redis

from infra.servers.application import WorkerServer
from passerelle.kernel.database import Database
from tests.benchmarks.fair_share_stage import Stage, p95
from tests.benchmarks.harness import Result
from tests.conftest import ROOT, create_people, schema_digest
from tests.running import servers

DIRECTORY = ROOT / ".passerelle" / "bench" / "fair_share"
MODULE = "tests.benchmarks.fair_share_worker"
NOISE_TASKS = 100_000
ROUNDS = 3
ROUND_S = 10.0
LIMIT_MS = 250.0


async def run() -> Result:
    """One object: ours is the median of the rounds' 95th percentiles."""
    name = f"fair_share_{schema_digest()}"
    async with servers(DIRECTORY, name) as (postgres, _, variables, settings):
        superuser = await asyncpg.connect(postgres.superuser_dsn(name))
        await superuser.execute(
            "truncate tenant_event, tenant_delivery, person_event, person_delivery, tenant, person"
            " cascade"
        )
        database = Database(settings)
        await database.open()
        valkey = Redis.from_url(settings.valkey_url)
        await valkey.flushall()
        noisy, quiet = [await create_people(database, slug) for slug in ("noisy", "quiet")]
        stage = Stage(database, superuser, valkey, noisy.tenant_id, quiet.tenant_id)
        worker = WorkerServer(DIRECTORY / "worker", variables, MODULE)
        worker.start()
        try:
            return await _measure(stage)
        finally:
            worker.kill()
            await valkey.aclose()
            await database.close()
            await superuser.close()


async def _measure(stage: Stage) -> Result:
    await stage.prepare_plain_noise(NOISE_TASKS)
    await stage.latencies_ms(stage.quiet_task, 2)
    await stage.enqueue_noise(NOISE_TASKS)
    ours: list[float] = []
    plain: list[float] = []
    samples: list[float] = []
    rates: list[float] = []
    for number in range(ROUNDS):
        await stage.silence(False)
        before, started = await stage.noise_left(), time.perf_counter()
        latencies = await stage.latencies_ms(stage.quiet_task, ROUND_S)
        left = await stage.noise_left()
        rates.append((before - left) / (time.perf_counter() - started))
        if not left:
            raise RuntimeError("the noise ended while it was measured against")
        ours.append(p95(latencies))
        samples += latencies
        await stage.silence(True)
        plain.append(await _plain_round(stage))
        print(f"round {number + 1}: {ours[-1]:.0f} ms, plain {plain[-1]:.0f} ms", file=sys.stderr)
    q1, _, q3 = statistics.quantiles(ours, n=4)
    rate = statistics.median(rates)
    figure = statistics.median(ours)
    return Result(
        bench="fair-share",
        metric="p95_ms",
        unit="ms",
        ours=round(figure, 1),
        baseline_value=round(statistics.median(plain), 1),
        baseline=f"one Dramatiq queue, first in, first out, cut off after {ROUND_S:g} s",
        ratio=round(figure / statistics.median(plain), 4),
        better="lower",
        limit=LIMIT_MS,
        met=figure <= LIMIT_MS,
        rounds=ROUNDS,
        q1=round(q1, 1),
        q3=round(q3, 1),
        extra={
            "p95_ms": round(figure, 1),
            "p50_ms": round(statistics.median(samples), 1),
            "max_ms": round(max(samples), 1),
            "samples": len(samples),
            "noise_tasks": NOISE_TASKS,
            "noise_tasks_per_s": round(rate, 1),
            # How long the last of so many waits in a plain queue at that rate.
            "plain_full_wait_ms": round(NOISE_TASKS / rate * 1000),
        },
    )


async def _plain_round(stage: Stage) -> float:
    await stage.fill_plain_queue(await stage.plain_left())
    try:
        return p95(await stage.latencies_ms(stage.plain_quiet_task, ROUND_S))
    finally:
        await stage.empty_plain_queue()
