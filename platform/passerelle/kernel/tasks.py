"""The worker: carries each delivery of an event to its listener, once.

The broker's message holds identifiers only. Whatever becomes of it, the delivery's row decides:
done, it does nothing; held by another process, it does nothing; else it runs.
"""

import asyncio
import concurrent.futures
from typing import Any
from uuid import UUID

import dramatiq
import msgspec
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, ShutdownNotifications, TimeLimit
from dramatiq.middleware.asyncio import AsyncIO

from passerelle.kernel import actor as actors
from passerelle.kernel.database import (
    Database,
    PersonRead,
    PersonTransaction,
    Scope,
    TenantRead,
    TenantTransaction,
)
from passerelle.kernel.errors import TenantSuspended
from passerelle.kernel.events import (
    BULK_QUEUE,
    DEFAULT_QUEUE,
    LISTENERS,
    QUEUES,
    TRAINING_QUEUE,
    Event,
    Listener,
    request_id,
)
from passerelle.kernel.log import logger
from passerelle.kernel.settings import Settings
from passerelle.kernel.work import Work

__all__ = ["QUEUES", "Work", "WorkHolder", "carry_out", "create_broker", "register_actors"]

log = logger(__name__)
IDLE_POLL_MS = 100
ERROR_LIMIT_CHARACTERS = 500


class _Delivery(msgspec.Struct):
    id: UUID
    name: str
    payload: Any
    occurred_at: Any
    other_id: UUID | None
    actor_name: str


def _open_sql(scope: Scope) -> str:
    owner, other = ("tenant_id", "person_id") if scope == "tenant" else ("person_id", "tenant_id")
    return f"""
select event.id, event.name, event.payload, event.occurred_at, event.{other} as other_id,
       event.actor_name
from {scope}_delivery as delivery
join {scope}_event as event
  on (event.{owner}, event.id) = (delivery.{owner}, delivery.event_id)
where delivery.{owner} = $1 and delivery.event_id = $2 and delivery.listener = $3
  and delivery.done_at is null
"""


OPEN = {"tenant": _open_sql("tenant"), "person": _open_sql("person")}
CLAIM = {scope: f"{sql}for update of delivery skip locked\n" for scope, sql in OPEN.items()}
DONE = {
    scope: f"""
update {scope}_delivery set done_at = now(), last_error = null
where {scope}_id = $1 and event_id = $2 and listener = $3
"""
    for scope in ("tenant", "person")
}
FAILED = {
    scope: f"""
update {scope}_delivery set last_error = $4
where {scope}_id = $1 and event_id = $2 and listener = $3
"""
    for scope in ("tenant", "person")
}
WAITING = {
    scope: f"""
update {scope}_delivery set attempts = greatest(attempts - 1, 0), last_error = $4
where {scope}_id = $1 and event_id = $2 and listener = $3
"""
    for scope in ("tenant", "person")
}


class PacedBroker(RedisBroker):
    """Dramatiq's broker with a bound, queue by queue, on what one worker process takes at once."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(url=settings.valkey_url, **options)  # type: ignore[no-untyped-call]
        threads = settings.worker_threads
        self._taken_at_once = {
            # Half as many again as run: while these finish, the next are here already.
            DEFAULT_QUEUE: threads + max(1, threads // 2),
            BULK_QUEUE: max(1, threads * settings.worker_bulk_percent // 100),
            TRAINING_QUEUE: settings.worker_training_threads,
        }

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:
        """Dramatiq's idle consumer looks ever more seldom, up to `timeout` milliseconds."""
        if queue_name in self._taken_at_once:
            prefetch = self._taken_at_once[queue_name]
            timeout = min(timeout, IDLE_POLL_MS)
        return super().consume(queue_name, prefetch, timeout)


def create_broker(settings: Settings) -> RedisBroker:
    """The broker. Retries are the relay's, so Dramatiq's own are left out."""
    broker = PacedBroker(
        settings,
        middleware=[AgeLimit(), TimeLimit(), ShutdownNotifications(), AsyncIO()],
        heartbeat_timeout=3000,
    )
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


def register_actors(broker: dramatiq.Broker, work: "WorkHolder") -> None:
    """One Dramatiq actor a queue. Of what a process has taken, earlier queues' go first."""

    async def deliver(scope: Scope, owner_id: str, event_id: str, listener: str) -> None:
        await carry_out(await work.get(), scope, UUID(owner_id), UUID(event_id), listener)

    for priority, queue in enumerate(QUEUES):
        dramatiq.actor(
            broker=broker, actor_name=actor_of(queue), queue_name=queue, priority=priority
        )(deliver)


def actor_of(queue: str) -> str:
    return f"deliver_{queue}"


class WorkHolder:
    """Filled when the worker's event loop has opened what tasks use; a message may come before."""

    def __init__(self) -> None:
        self._work: concurrent.futures.Future[Work] = concurrent.futures.Future()

    def fill(self, work: Work) -> None:
        self._work.set_result(work)

    async def get(self) -> Work:
        return await asyncio.shield(asyncio.wrap_future(self._work))


async def carry_out(
    work: Work, scope: Scope, owner_id: UUID, event_id: UUID, listener_name: str
) -> None:
    """Runs one listener for one event. A failure is noted on the delivery and tried again."""
    listener = LISTENERS.get(listener_name)
    if listener is None:
        log.warning("delivery to a listener that is gone", listener=listener_name)
        return
    token = request_id.set(f"event-{event_id}")
    try:
        if listener.in_transaction:
            await _in_one_transaction(work, scope, owner_id, event_id, listener)
        else:
            await _outside_work(work, scope, owner_id, event_id, listener)
    except TenantSuspended as error:
        # Suspended after the relay looked: no attempt of it counts.
        await _note(work, WAITING, scope, owner_id, event_id, listener_name, error)
    except Exception as error:
        log.exception("delivery failed", listener=listener_name, event_id=str(event_id))
        await _note(work, FAILED, scope, owner_id, event_id, listener_name, error)
    finally:
        request_id.reset(token)


async def _note(
    work: Work,
    statements: dict[str, str],
    scope: Scope,
    owner_id: UUID,
    event_id: UUID,
    listener_name: str,
    error: Exception,
) -> None:
    text = f"{type(error).__name__}: {error}"[:ERROR_LIMIT_CHARACTERS]
    async with _bind(work.database, scope, owner_id, listener_name, standing=False) as tx:
        await tx.execute(statements[scope], owner_id, event_id, listener_name, text)


def _bind(
    database: Database, scope: Scope, owner_id: UUID, task: str, *, standing: bool = True
) -> Any:
    if scope == "tenant":
        return database.tenant(owner_id, actors.system(task, owner_id), standing=standing)
    return database.person(owner_id, actors.system(task))


def _event(scope: Scope, owner_id: UUID, row: _Delivery, listener: Listener) -> Event[Any]:
    return Event(
        id=row.id,
        name=row.name,
        payload=msgspec.convert(row.payload, listener.payload),
        occurred_at=row.occurred_at,
        owner_scope=scope,
        owner_id=owner_id,
        person_id=row.other_id if scope == "tenant" else owner_id,
        actor_name=row.actor_name,
    )


async def _in_one_transaction(
    work: Work, scope: Scope, owner_id: UUID, event_id: UUID, listener: Listener
) -> None:
    tx: TenantTransaction | PersonTransaction
    async with _bind(work.database, scope, owner_id, listener.name) as tx:
        row = await tx.fetch_one(_Delivery, CLAIM[scope], owner_id, event_id, listener.name)
        if row is None:
            return
        await listener.handler(tx, _event(scope, owner_id, row, listener))
        await tx.execute(DONE[scope], owner_id, event_id, listener.name)


async def _outside_work(
    work: Work, scope: Scope, owner_id: UUID, event_id: UUID, listener: Listener
) -> None:
    # A read alone: a lock would end with it, and its commit would wait for the disk.
    read: TenantRead | PersonRead
    if scope == "tenant":
        read = work.database.tenant_reader(owner_id, actors.system(listener.name, owner_id))
    else:
        read = work.database.person_reader(owner_id, actors.system(listener.name))
    row = await read.fetch_one(_Delivery, OPEN[scope], owner_id, event_id, listener.name)
    if row is None:
        return
    await listener.handler(work, _event(scope, owner_id, row, listener))
    async with _bind(work.database, scope, owner_id, listener.name) as tx:
        await tx.execute(DONE[scope], owner_id, event_id, listener.name)
