"""What the relay passes over, puts off, or outlives: at no attempt's cost."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from dramatiq.brokers.stub import StubBroker
from redis.asyncio import Redis

from passerelle.kernel import tasks
from passerelle.kernel.database import Database
from passerelle.kernel.events import BULK_QUEUE, Event, listener
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.relay import Relay
from passerelle.kernel.settings import Settings
from tests.conftest import People, eventually
from tests.kernel.deliveries import (
    Greeted,
    greet,
    greet_person,
    lift,
    messages,
    run_all,
    suspend,
)

pytestmark = pytest.mark.usefixtures("heard", "nothing_waiting")


async def test_nothing_of_a_suspended_tenant_moves_and_no_attempt_counts(
    work: tasks.Work,
    relay: Relay,
    broker: StubBroker,
    database: Database,
    superuser: asyncpg.Connection,
    heard: list[UUID],
    two_tenants: tuple[People, People],
) -> None:
    tenant_id, person_id = two_tenants[0].tenant_id, new_id()
    await greet(database, tenant_id, "before")
    assert await relay.round() == 1
    await greet(database, tenant_id, "waits")
    await greet_person(database, person_id, "to a suspended tenant", tenant_id=tenant_id)
    await suspend(superuser, tenant_id)
    # What was handed out before the suspension is refused, at no attempt's cost.
    assert await run_all(work, broker) == 1
    await superuser.execute("update tenant_delivery set next_attempt_at = now()")
    assert [await relay.round() for _ in range(3)] == [0, 0, 0]
    assert heard == []
    row = await superuser.fetchrow("select attempts, dead_at, last_error from tenant_delivery")
    assert (row["attempts"], row["dead_at"]) == (0, None)
    assert row["last_error"].startswith("TenantSuspended")
    await lift(superuser, tenant_id)
    assert await relay.round() == 3
    assert await run_all(work, broker) == 3
    assert sorted(heard) == sorted([tenant_id, tenant_id, person_id])


async def test_a_relay_outlives_whatever_a_round_raises(
    broker: StubBroker, settings: Settings, valkey: Redis, two_tenants: tuple[People, People]
) -> None:
    """A killed database raises more kinds than its own; here the pools are gone altogether."""
    database = Database(settings)
    relay = Relay(settings, database, broker, valkey)
    stopping = asyncio.Event()
    running = asyncio.create_task(relay.run(stopping))
    await asyncio.sleep(0.2)
    await database.open("worker")
    try:
        await greet(database, two_tenants[0].tenant_id, "afterwards")

        async def handed_out() -> bool:
            return bool(messages(broker))

        await eventually(handed_out)
        assert not running.done()
    finally:
        stopping.set()
        await running
        await database.close()


async def test_a_full_queue_of_the_broker_gets_nothing_and_uses_up_no_attempt(
    relay: Relay,
    broker: StubBroker,
    settings: Settings,
    database: Database,
    valkey: Redis,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    @listener("test.greeted", Greeted, queue=BULK_QUEUE)
    async def later(tx: object, event: Event[Greeted]) -> None: ...

    window = settings.worker_threads * settings.relay_window_messages_per_thread
    await valkey.rpush(f"dramatiq:{BULK_QUEUE}", *range(window))
    try:
        await greet(database, two_tenants[0].tenant_id, "both")
        assert await relay.round() == 1
        assert [message[3].rpartition(".")[2] for message in messages(broker)] == ["hear"]
        attempts = "select attempts from tenant_delivery where queue = 'bulk'"
        assert await superuser.fetchval(attempts) == 0
        await valkey.rpop(f"dramatiq:{BULK_QUEUE}")
        assert await relay.round() == 1
        assert await superuser.fetchval(attempts) == 1
    finally:
        await valkey.delete(f"dramatiq:{BULK_QUEUE}")


async def test_a_delivery_to_a_listener_of_another_release_waits_and_holds_up_nothing(
    relay: Relay,
    broker: StubBroker,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    tenant_id = two_tenants[0].tenant_id
    await greet(database, tenant_id, "known")
    await relay._expand()
    await superuser.execute(
        "insert into tenant_delivery (tenant_id, event_id, listener, next_attempt_at)"
        " select tenant_id, event_id, 'later.release', now() - interval '1 hour'"
        " from tenant_delivery"
    )
    assert await relay.round() == 1
    assert [message[3].rpartition(".")[2] for message in messages(broker)] == ["hear"]
    row = await superuser.fetchrow(
        "select attempts, next_attempt_at - now() > interval '50 seconds' as put_off"
        " from tenant_delivery where listener = 'later.release'"
    )
    assert tuple(row) == (0, True)
