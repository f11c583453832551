"""The relay: from new events to deliveries, and from due deliveries to the broker, in fair shares.

It polls, rather than listens: a poll of a few partial indexes costs less than NOTIFY's lock on
every commit. Any number of relays may run; rows are claimed with SKIP LOCKED. A delivery that isn't
done when its lease ends is handed out again, with longer and longer leases, until
`delivery_attempts`; then it is dead, and an operator replays it (`passerelle outbox`).

The broker is first in, first out: it is given little at a time, queue by queue, and that little is
taken from organisations and persons in turn. So what is due waits for one turn of the others, and
for the few messages before it, however much somebody else has waiting.
"""

import asyncio
from typing import Literal
from uuid import UUID

import dramatiq
import msgspec
from redis.asyncio import Redis

from passerelle.kernel.database import Database, Scope
from passerelle.kernel.events import LISTENERS, QUEUES
from passerelle.kernel.log import logger
from passerelle.kernel.settings import Settings
from passerelle.kernel.tasks import actor_of

log = logger(__name__)

HEARTBEAT_KEY = "passerelle:worker:heartbeat"
HEARTBEAT_S = 15
#: No identifier stands before this one: a walk through all shares begins after it.
BEFORE_ALL = UUID(int=0)

EXPAND = "select * from app.relay_expand($1, $2, $3, $4, $5, $6)"
CLAIM = """
select asked.queue, claim.scope, claim.owners, claim.events, claim.listeners, claim.last
from unnest($1::text[], $2::integer[], $3::uuid[], $4::uuid[])
  as asked(queue, room, after_tenant, after_person)
cross join lateral app.relay_claim(
  asked.queue, asked.room, $5, asked.after_tenant, asked.after_person, $6, $7, $8) as claim
"""

Walk = tuple[str, Scope]


class Expanded(msgspec.Struct):
    expanded: int
    last_tenant: UUID
    last_person: UUID


class Claimed(msgspec.Struct):
    """Due deliveries of one queue and one kind of owner, in the order in which they go."""

    queue: str
    scope: Literal["tenant", "person"]
    owners: list[UUID]
    events: list[UUID]
    listeners: list[str]
    last: UUID


class Relay:
    def __init__(
        self, settings: Settings, database: Database, broker: dramatiq.Broker, valkey: Redis
    ) -> None:
        self._settings = settings
        self._database = database
        self._broker = broker
        self._valkey = valkey
        self._window = settings.relay_window_messages_per_thread * settings.worker_threads
        # Where each walk over shares ended. Another relay, or a new one, begins elsewhere: as fair.
        self._after: dict[Walk, UUID] = {}
        self._persons_first = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`. An error is logged and the next round tries again."""
        while not stopping.is_set():
            pause_ms = self._settings.relay_interval_ms
            try:
                pause_ms = await self._round_and_pause_ms()
                await self._valkey.set(HEARTBEAT_KEY, "alive", ex=HEARTBEAT_S)
            except Exception as error:
                # Whatever it was, what isn't done is due again; a killed database alone raises
                # several kinds, some of them no error of the database's (InternalClientError).
                log.warning("relay round failed", error=f"{type(error).__name__}: {error}")
                pause_ms *= 10
            await _pause(stopping, pause_ms)

    async def round(self) -> int:
        """Expands new events and enqueues what is due; returns how many deliveries it enqueued."""
        await self._expand()
        return await self._hand_out(await self._room())

    async def _round_and_pause_ms(self) -> int:
        """One round, and how long to wait for the next: the less, the more there seems to be."""
        expanded = await self._expand()
        room = await self._room()
        handed_out = await self._hand_out(room)
        if handed_out >= self._window:
            # A queue had run empty, and is full again: its workers are faster than this relay.
            return 0
        waiting = any(free < self._window for free in room.values())
        if expanded or handed_out or waiting:
            return self._settings.relay_busy_interval_ms
        return self._settings.relay_interval_ms

    async def _expand(self) -> int:
        listeners = list(LISTENERS.values())
        record = await self._database.pool("worker_relay").fetchrow(
            EXPAND,
            [listener.event for listener in listeners],
            [listener.name for listener in listeners],
            [listener.queue for listener in listeners],
            self._settings.relay_batch_rows,
            self._after.get(("", "tenant"), BEFORE_ALL),
            self._after.get(("", "person"), BEFORE_ALL),
        )
        done = msgspec.convert(dict(record), Expanded)
        self._after["", "tenant"] = done.last_tenant
        self._after["", "person"] = done.last_person
        return done.expanded

    async def _room(self) -> dict[str, int]:
        """How many messages each of the broker's queues may get; what was fetched isn't counted."""
        async with self._valkey.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.llen(f"dramatiq:{queue}")
            waiting = await pipe.execute()
        return {
            queue: max(0, self._window - count)
            for queue, count in zip(QUEUES, waiting, strict=True)
        }

    async def _hand_out(self, room: dict[str, int]) -> int:
        asked = [queue for queue, free in room.items() if free > 0]
        if not asked:
            return 0
        listeners = list(LISTENERS.values())
        records = await self._database.pool("worker_relay").fetch(
            CLAIM,
            asked,
            [room[queue] for queue in asked],
            [self._after.get((queue, "tenant"), BEFORE_ALL) for queue in asked],
            [self._after.get((queue, "person"), BEFORE_ALL) for queue in asked],
            self._persons_first,
            [listener.name for listener in listeners],
            [listener.lease_s for listener in listeners],
            self._settings.delivery_attempts,
        )
        claims = msgspec.convert([dict(record) for record in records], list[Claimed])
        self._persons_first = not self._persons_first
        for claim in claims:
            self._after[claim.queue, claim.scope] = claim.last
        messages = [message for claim in claims for message in _messages(claim)]
        if messages:
            await asyncio.to_thread(self._enqueue, messages)
        return len(messages)

    def _enqueue(self, messages: list[dramatiq.Message[None]]) -> None:
        for message in messages:
            self._broker.enqueue(message)


def _messages(claim: Claimed) -> list[dramatiq.Message[None]]:
    return [
        dramatiq.Message(
            queue_name=claim.queue,
            actor_name=actor_of(claim.queue),
            args=(claim.scope, str(owner_id), str(event_id), listener),
            kwargs={},
            options={"time_limit": LISTENERS[listener].time_limit_s * 1000},
        )
        for owner_id, event_id, listener in zip(
            claim.owners, claim.events, claim.listeners, strict=True
        )
    ]


async def _pause(stopping: asyncio.Event, milliseconds: int) -> None:
    if milliseconds == 0:
        return
    try:
        await asyncio.wait_for(stopping.wait(), milliseconds / 1000)
    except TimeoutError:
        return
