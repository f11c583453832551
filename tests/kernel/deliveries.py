"""Emitting events, taking messages out of the broker and carrying them out, by the tests' hand."""

from uuid import UUID

import asyncpg
import dramatiq
import msgspec
from dramatiq.brokers.stub import StubBroker

from passerelle.kernel import actor as actors
from passerelle.kernel import tasks
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit


class Greeted(msgspec.Struct):
    word: str


Carried = tuple[str, str, str, str]


def messages(broker: StubBroker) -> list[Carried]:
    """Scope, owner, event and listener of every message, queue by queue; they are taken out."""
    found = []
    for queue in broker.queues.values():
        while not queue.empty():
            found.append(dramatiq.Message.decode(queue.get()).args)
    return found


async def greet(database: Database, tenant_id: UUID, word: str) -> UUID:
    async with database.tenant(tenant_id, actors.system("tests")) as tx:
        return await emit(tx, "test.greeted", Greeted(word))


async def greet_person(
    database: Database, person_id: UUID, word: str, *, tenant_id: UUID | None = None
) -> UUID:
    async with database.person(person_id, actors.system("tests")) as tx:
        return await emit(tx, "test.greeted", Greeted(word), tenant_id=tenant_id)


async def greet_often(superuser: asyncpg.Connection, tenant_id: UUID, count: int) -> None:
    """So many events at once: emitting them one by one would be what is measured."""
    await superuser.execute(
        """
        insert into tenant_event
          (tenant_id, id, name, payload, actor_kind, actor_name)
        select $1, uuidv7(), 'test.greeted', '{"word": "noise"}', 'system', 'tests'
        from generate_series(1, $2)
        """,
        tenant_id,
        count,
    )


async def run_all(work: tasks.Work, broker: StubBroker) -> int:
    found = messages(broker)
    for scope, owner_id, event_id, name in found:
        await tasks.carry_out(work, scope, UUID(owner_id), UUID(event_id), name)  # type: ignore[arg-type]
    return len(found)


async def empty_outbox(superuser: asyncpg.Connection) -> None:
    await superuser.execute(
        "truncate tenant_delivery, person_delivery; update tenant set status = 'active',"
        " suspended_at = null; update tenant_event set dispatched = true where not dispatched;"
        " update person_event set dispatched = true where not dispatched"
    )


async def suspend(superuser: asyncpg.Connection, tenant_id: UUID) -> None:
    await superuser.execute(
        "update tenant set status = 'suspended', suspended_at = now(), suspended_reason = 'unpaid'"
        " where id = $1",
        tenant_id,
    )


async def lift(superuser: asyncpg.Connection, tenant_id: UUID) -> None:
    await superuser.execute(
        "update tenant set status = 'active', suspended_at = null, suspended_reason = null"
        " where id = $1",
        tenant_id,
    )


def owners_of(broker: StubBroker) -> list[UUID]:
    return [UUID(message[1]) for message in messages(broker)]
