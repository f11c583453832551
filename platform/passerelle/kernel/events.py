"""Events: what happened, written in the transaction in which it happened.

The row is outbox and audit record at once. The relay (kernel.relay) turns each new row into one
delivery a listener; the row is the truth, the broker only a hint. A handler registered with
`listener` runs in one transaction with the mark that it is done: its effect happens exactly once.
One registered with `worker_listener` does slow or outside work: at least once, so it must be
idempotent.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

import msgspec

from passerelle.kernel.database import PersonTransaction, Scope, TenantTransaction
from passerelle.kernel.identifiers import new_id

Payload = TypeVar("Payload")
Handler = Callable[..., Awaitable[None]]

#: Set by the web for each request, by the worker for each delivery: stands in log and event.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
#: The network address that the request came from; none for what the system does by itself.
source_address: ContextVar[str | None] = ContextVar("source_address", default=None)

#: What somebody waits for; what may come later, many at once; training, one after another.
DEFAULT_QUEUE = "default"
BULK_QUEUE = "bulk"
TRAINING_QUEUE = "training"
QUEUES = (DEFAULT_QUEUE, BULK_QUEUE, TRAINING_QUEUE)
LEASE_S = 5


class Event(msgspec.Struct, Generic[Payload], frozen=True, kw_only=True):
    """One event as its listener gets it. Exactly one of the two owners is set."""

    id: UUID
    name: str
    payload: Payload
    occurred_at: datetime
    owner_scope: Scope
    owner_id: UUID
    person_id: UUID | None
    actor_name: str

    @property
    def tenant_id(self) -> UUID:
        """The owner's id; a person's event has no tenant."""
        if self.owner_scope != "tenant":
            raise ValueError(f"{self.name} is a person's event")
        return self.owner_id


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    event: str
    payload: Any
    handler: Handler
    in_transaction: bool
    queue: str
    time_limit_s: int
    # A delivery not marked done after this long is handed out again.
    lease_s: int


LISTENERS: dict[str, Listener] = {}


def listener(
    event: str, payload: Any, *, queue: str = DEFAULT_QUEUE
) -> Callable[[Handler], Handler]:
    """Registers `async def handler(tx, event)`: effect exactly once, in the event's own binding."""
    return _registration(event, payload, True, queue, 60, LEASE_S)


def worker_listener(
    event: str,
    payload: Any,
    *,
    queue: str = DEFAULT_QUEUE,
    time_limit_s: int = 60,
    lease_s: int = 2 * LEASE_S,
) -> Callable[[Handler], Handler]:
    """Registers `async def handler(work, event)`: at least once; not for what fits in one
    transaction of the event's own binding."""
    return _registration(event, payload, False, queue, time_limit_s, max(lease_s, LEASE_S))


def _registration(
    event: str, payload: Any, in_transaction: bool, queue: str, time_limit_s: int, lease_s: int
) -> Callable[[Handler], Handler]:
    if queue not in QUEUES:
        raise ValueError(f"{event} is heard in a queue {queue!r}; there are: {', '.join(QUEUES)}")

    def register(handler: Handler) -> Handler:
        name = f"{handler.__module__}.{handler.__name__}".removeprefix("passerelle.")
        LISTENERS[name] = Listener(
            name=name,
            event=event,
            payload=payload,
            handler=handler,
            in_transaction=in_transaction,
            queue=queue,
            time_limit_s=time_limit_s,
            lease_s=lease_s,
        )
        return handler

    return register


INSERT_TENANT_EVENT = """
insert into tenant_event
  (tenant_id, id, name, payload, subject, person_id, actor_kind, actor_person_id, actor_name,
   before, reason, request_id, origin, source_address)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

INSERT_PERSON_EVENT = """
insert into person_event
  (person_id, id, name, payload, subject, tenant_id, actor_kind, actor_person_id, actor_name,
   before, reason, request_id, origin, source_address)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""


@overload
async def emit(
    tx: TenantTransaction,
    name: str,
    payload: msgspec.Struct,
    *,
    subject: UUID | None = None,
    person_id: UUID | None = None,
    before: msgspec.Struct | None = None,
    reason: str | None = None,
) -> UUID: ...
@overload
async def emit(
    tx: PersonTransaction,
    name: str,
    payload: msgspec.Struct,
    *,
    subject: UUID | None = None,
    tenant_id: UUID | None = None,
    before: msgspec.Struct | None = None,
    reason: str | None = None,
) -> UUID: ...
async def emit(
    tx: TenantTransaction | PersonTransaction,
    name: str,
    payload: msgspec.Struct,
    *,
    subject: UUID | None = None,
    person_id: UUID | None = None,
    tenant_id: UUID | None = None,
    before: msgspec.Struct | None = None,
    reason: str | None = None,
) -> UUID:
    """Writes one event in `tx`; returns its id.

    `subject` is what it is about (an application, a credential); `person_id` (in a tenant's event)
    and `tenant_id` (in a person's) name the other side concerned.
    """
    event_id = new_id()
    if isinstance(tx, TenantTransaction):
        sql, owner, other = INSERT_TENANT_EVENT, tx.tenant_id, person_id
    else:
        sql, owner, other = INSERT_PERSON_EVENT, tx.person_id, tenant_id
    await tx.execute(sql, owner, event_id, name, payload, subject, other, *_who(tx, before, reason))
    return event_id


async def emit_each(
    tx: TenantTransaction,
    name: str,
    about: Iterable[tuple[UUID, msgspec.Struct, msgspec.Struct | None]],
    *,
    reason: str | None = None,
    persons: bool = True,
) -> None:
    """One event for each subject: its id, the payload, and how it was before; in one round trip.

    For what was done to many at once; `persons` says that the subjects are persons.
    """
    await tx.execute_many(
        INSERT_TENANT_EVENT,
        [
            (
                *(tx.tenant_id, new_id(), name, payload, subject, subject if persons else None),
                *_who(tx, before, reason),
            )
            for subject, payload, before in about
        ],
    )


def _who(
    tx: TenantTransaction | PersonTransaction, before: msgspec.Struct | None, reason: str | None
) -> tuple[object, ...]:
    """The columns that say who did it, why, and from where; of one who looks as another, the one
    who looks."""
    acts = tx.actor.viewer or tx.actor
    return (
        tx.actor.kind,
        acts.person_id,
        acts.display_name,
        before,
        reason,
        request_id.get(),
        tx.actor.origin,
        source_address.get(),
    )
