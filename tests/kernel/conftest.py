"""An outbox with the test's own listeners, and a broker whose messages the test takes out."""

from collections.abc import Iterator
from uuid import UUID

import asyncpg
import msgspec
import pytest
from dramatiq.brokers.stub import StubBroker
from redis.asyncio import Redis

from integrations.objects.adapter import StoredObjects
from passerelle.kernel import events, tasks
from passerelle.kernel.database import Database
from passerelle.kernel.events import Event, listener
from passerelle.kernel.relay import Relay
from passerelle.kernel.settings import Settings
from tests.kernel.deliveries import Greeted, empty_outbox


@pytest.fixture
def only_our_listeners() -> Iterator[None]:
    kept = dict(events.LISTENERS)
    events.LISTENERS.clear()
    yield
    events.LISTENERS.clear()
    events.LISTENERS.update(kept)


@pytest.fixture
def broker() -> StubBroker:
    """Dramatiq's own in-memory broker: these tests decide what becomes of each message."""
    stub = StubBroker()
    for queue in tasks.QUEUES:
        stub.declare_queue(queue)
    return stub


@pytest.fixture
async def work(settings: Settings, database: Database, valkey: Redis) -> tasks.Work:
    return msgspec.structs.replace(
        tasks.Work(
            settings=settings,
            database=database,
            valkey=valkey,
            http=None,  # type: ignore[arg-type]
            vault=None,  # type: ignore[arg-type]
            mail=None,  # type: ignore[arg-type]
            objects=StoredObjects(settings),
        )
    )


@pytest.fixture
def relay(settings: Settings, database: Database, broker: StubBroker, valkey: Redis) -> Relay:
    return Relay(settings, database, broker, valkey)


@pytest.fixture
def heard(only_our_listeners: None) -> list[UUID]:
    """One listener, which does nothing but say whose event it heard."""
    owners: list[UUID] = []

    @listener("test.greeted", Greeted)
    async def hear(tx: object, event: Event[Greeted]) -> None:
        owners.append(event.owner_id)

    return owners


@pytest.fixture
async def nothing_waiting(superuser: asyncpg.Connection) -> None:
    await empty_outbox(superuser)
