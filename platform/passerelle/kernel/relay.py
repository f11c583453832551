"""The relay: from new events to deliveries, and from due deliveries to the broker.

It polls, rather than listens: a poll of two partial indexes costs less than NOTIFY's lock on every
commit. Any number of relays may run; rows are claimed with SKIP LOCKED. A delivery that isn't done
when its lease ends is handed out again, with longer and longer leases, until `delivery_attempts`;
then it is dead, and an operator replays it (`passerelle outbox`).
"""

import asyncio
from uuid import UUID

import asyncpg
import dramatiq
import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from passerelle.kernel.database import Database
from passerelle.kernel.events import LISTENERS
from passerelle.kernel.log import logger
from passerelle.kernel.settings import Settings

log = logger(__name__)

HEARTBEAT_KEY = "passerelle:worker:heartbeat"
HEARTBEAT_S = 15

CLAIM = "select * from app.relay_claim($1, $2, $3, $4, $5)"


class Due(msgspec.Struct):
    scope: str
    owner_id: UUID
    event_id: UUID
    listener: str


class Relay:
    def __init__(
        self, settings: Settings, database: Database, broker: dramatiq.Broker, valkey: Redis
    ) -> None:
        self._settings = settings
        self._database = database
        self._broker = broker
        self._valkey = valkey

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`. An error is logged and the next round tries again."""
        while not stopping.is_set():
            carried = 0
            try:
                carried = await self.round()
                await self._valkey.set(HEARTBEAT_KEY, "alive", ex=HEARTBEAT_S)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, RedisError) as error:
                log.warning("relay round failed", error=f"{type(error).__name__}: {error}")
                await self._pause(stopping, 10)
            if carried < self._settings.relay_batch_rows:
                await self._pause(stopping, 1)

    async def round(self) -> int:
        """Expands new events and enqueues what is due; returns how many deliveries it enqueued."""
        listeners = list(LISTENERS.values())
        records = await self._database.pool("worker_relay").fetch(
            CLAIM,
            [listener.event for listener in listeners],
            [listener.name for listener in listeners],
            [listener.lease_s for listener in listeners],
            self._settings.relay_batch_rows,
            self._settings.delivery_attempts,
        )
        due = msgspec.convert([dict(record) for record in records], list[Due])
        if due:
            await asyncio.to_thread(self._enqueue, due)
        return len(due)

    def _enqueue(self, due: list[Due]) -> None:
        for delivery in due:
            listener = LISTENERS[delivery.listener]
            message: dramatiq.Message[None] = dramatiq.Message(
                queue_name=listener.queue,
                actor_name="deliver",
                args=(
                    delivery.scope,
                    str(delivery.owner_id),
                    str(delivery.event_id),
                    delivery.listener,
                ),
                kwargs={},
                options={"time_limit": listener.time_limit_s * 1000},
            )
            self._broker.enqueue(message)

    async def _pause(self, stopping: asyncio.Event, intervals: int) -> None:
        try:
            await asyncio.wait_for(
                stopping.wait(), intervals * self._settings.relay_interval_ms / 1000
            )
        except TimeoutError:
            return
