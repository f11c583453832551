"""A noisy and a quiet organisation with a real worker, for `fair-share` and for its short test."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import dramatiq
import msgspec
from redis.asyncio import Redis

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import DEFAULT_QUEUE, emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.tasks import actor_of

# By their names: importing the worker's module here would open a worker.
NOISE, QUIET = "bench.noise", "bench.quiet"
LISTENER = "tests.benchmarks.fair_share_worker."
EFFECTS_KEY = "bench:effects"
QUEUE_KEY = f"dramatiq:{DEFAULT_QUEUE}"
EVERY_S = 0.1
CHUNK = 1_000

MAKE_EVENTS = """
insert into tenant_event (tenant_id, id, name, payload, actor_kind, actor_name, dispatched)
select $1, uuidv7(), $2, jsonb_build_object('number', number), 'system', 'bench', $4
from generate_series(1, $3::integer) as number returning id
"""
#: Leased for a day: the relay leaves these alone, they come by the broker only.
MAKE_DELIVERIES = """
insert into tenant_delivery (tenant_id, event_id, listener, attempts, next_attempt_at)
select $1, event_id, $2, 1, now() + interval '1 day' from unnest($3::uuid[]) as event_id
"""
STANDING = """
update tenant set status = $2, suspended_at = case $2 when 'suspended' then now() end,
  suspended_reason = case $2 when 'suspended' then 'not measured now' end
where id = $1
"""


class Task(msgspec.Struct):
    number: int


class Stage:
    def __init__(
        self,
        database: Database,
        superuser: asyncpg.Connection,
        valkey: Redis,
        noisy: UUID,
        quiet: UUID,
    ) -> None:
        self._database = database
        self._superuser = superuser
        self._valkey = valkey
        self._noisy = noisy
        self._quiet = quiet

    async def enqueue_noise(self, count: int) -> None:
        """The noisy organisation's events, committed at once."""
        await self._superuser.execute(MAKE_EVENTS, self._noisy, NOISE, count, False)

    async def silence(self, silent: bool) -> None:
        """Suspends the noisy organisation, or lifts it."""
        status = "suspended" if silent else "active"
        await self._superuser.execute(STANDING, self._noisy, status)

    async def noise_left(self) -> int:
        left: int = await self._superuser.fetchval(
            "select (select count(*) from tenant_event where tenant_id = $1 and not dispatched)"
            " + (select count(*) from tenant_delivery where tenant_id = $1 and done_at is null"
            "    and next_attempt_at < now() + interval '1 hour')",
            self._noisy,
        )
        return left

    async def prepare_plain_noise(self, count: int) -> None:
        """The same tasks for the plain queue: on record, and kept from the relay."""
        rows = await self._superuser.fetch(MAKE_EVENTS, self._noisy, NOISE, count, True)
        events = [row["id"] for row in rows]
        await self._superuser.execute(MAKE_DELIVERIES, self._noisy, LISTENER + "make_noise", events)

    async def plain_left(self) -> list[UUID]:
        rows = await self._superuser.fetch(
            "select event_id from tenant_delivery where tenant_id = $1 and done_at is null"
            " and next_attempt_at > now() + interval '1 hour' order by event_id",
            self._noisy,
        )
        return [row["event_id"] for row in rows]

    async def fill_plain_queue(self, events: list[UUID]) -> None:
        """Every message at once, as Dramatiq's own script would leave them one by one."""
        for begin in range(0, len(events), CHUNK):
            async with self._valkey.pipeline(transaction=False) as pipe:
                for event_id in events[begin : begin + CHUNK]:
                    _push(pipe, self._noisy, event_id, "make_noise")
                await pipe.execute()

    async def empty_plain_queue(self) -> None:
        await self._valkey.delete(QUEUE_KEY, f"{QUEUE_KEY}.msgs")

    async def quiet_task(self) -> UUID:
        """One event by the product's own way; its relay finds it."""
        actor = actors.system("bench", self._quiet)
        async with self._database.tenant(self._quiet, actor) as tx:
            return await emit(tx, QUIET, Task(1))

    async def plain_quiet_task(self) -> UUID:
        """The event with its delivery, and a message behind all others once it is committed."""
        event_id = new_id()
        async with self._superuser.transaction():
            await self._superuser.execute(
                "insert into tenant_event (tenant_id, id, name, payload, actor_kind, actor_name,"
                " dispatched) values ($1, $2, $3, '{\"number\": 1}', 'system', 'bench', true)",
                self._quiet,
                event_id,
                QUIET,
            )
            await self._superuser.execute(
                MAKE_DELIVERIES, self._quiet, LISTENER + "have_an_effect", [event_id]
            )
        async with self._valkey.pipeline(transaction=False) as pipe:
            _push(pipe, self._quiet, event_id, "have_an_effect")
            await pipe.execute()
        return event_id

    async def latencies_ms(
        self, make_task: Callable[[], Awaitable[UUID]], seconds: float
    ) -> list[float]:
        """From each task's commit to its effect, a task every EVERY_S. One without an effect after
        `seconds` counts with the time for which it was waited."""
        await self._valkey.delete(EFFECTS_KEY)
        committed: dict[UUID, float] = {}
        effective: dict[UUID, float] = {}
        ended = asyncio.Event()
        watching = asyncio.create_task(self._watch(effective, ended))
        started = time.perf_counter()
        try:
            while (elapsed := time.perf_counter() - started) < seconds:
                if elapsed < seconds * 0.8:
                    event_id = await make_task()
                    committed[event_id] = time.perf_counter()
                elif len(effective) >= len(committed):
                    break
                await asyncio.sleep(EVERY_S)
        finally:
            # Not cancelled: what a forgotten BLPOP takes would be lost to the next round.
            ended.set()
            end = time.perf_counter()
            await watching
        return [
            (effective.get(event_id, end) - moment) * 1000 for event_id, moment in committed.items()
        ]

    async def _watch(self, effective: dict[UUID, float], ended: asyncio.Event) -> None:
        while not ended.is_set():
            found = await self._valkey.blpop([EFFECTS_KEY], timeout=0.2)
            if found is not None:
                effect = found[1] if isinstance(found[1], str) else found[1].decode()
                effective[UUID(effect)] = time.perf_counter()


def _push(pipe: Redis, owner_id: UUID, event_id: UUID, listener: str) -> None:
    identifier = str(uuid4())
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=DEFAULT_QUEUE,
        actor_name=actor_of(DEFAULT_QUEUE),
        args=("tenant", str(owner_id), str(event_id), LISTENER + listener),
        kwargs={},
        options={"redis_message_id": identifier, "time_limit": 60_000},
    )
    pipe.hset(f"{QUEUE_KEY}.msgs", identifier, message.encode())
    pipe.rpush(QUEUE_KEY, identifier)


def p95(latencies_ms: list[float]) -> float:
    return statistics.quantiles(latencies_ms, n=20)[-1]
