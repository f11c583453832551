"""Events, deliveries and listeners: each effect happens once, whatever the broker does."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from dramatiq.brokers.stub import StubBroker

from passerelle.kernel import actor as actors
from passerelle.kernel import tasks
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.events import Event, emit, listener, worker_listener
from passerelle.kernel.relay import Relay
from passerelle.kernel.settings import Settings
from tests.conftest import People
from tests.kernel.deliveries import Greeted, greet, messages, run_all

pytestmark = pytest.mark.usefixtures("only_our_listeners")


def register_writer(tenant_listener: bool = True) -> None:
    @listener("test.greeted", Greeted)
    async def write_member(tx: TenantTransaction, event: Event[Greeted]) -> None:
        await tx.execute(
            "insert into member (tenant_id, person_id, display_name, locale)"
            " values ($1, uuidv7(), $2, 'en')",
            tx.tenant_id,
            event.payload.word,
        )


async def effects(superuser: asyncpg.Connection, word: str) -> int:
    count: int = await superuser.fetchval(
        "select count(*) from member where display_name = $1", word
    )
    return count


async def test_an_event_reaches_its_listener_once_however_often_it_is_delivered(
    work: tasks.Work,
    relay: Relay,
    broker: StubBroker,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    register_writer()
    await greet(database, two_tenants[0].tenant_id, "often")
    assert await relay.round() == 1
    (message,) = messages(broker)
    arguments = (message[0], UUID(message[1]), UUID(message[2]), message[3])
    await asyncio.gather(*(tasks.carry_out(work, *arguments) for _ in range(8)))  # type: ignore[arg-type]
    await tasks.carry_out(work, *arguments)  # type: ignore[arg-type]
    assert await effects(superuser, "often") == 1
    assert await relay.round() == 0


async def test_an_emptied_broker_loses_nothing(
    work: tasks.Work,
    relay: Relay,
    broker: StubBroker,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    register_writer()
    await greet(database, two_tenants[0].tenant_id, "emptied")
    assert await relay.round() == 1
    assert len(messages(broker)) == 1  # taken out and thrown away
    await superuser.execute("update tenant_delivery set next_attempt_at = now()")
    assert await relay.round() == 1
    assert await run_all(work, broker) == 1
    assert await effects(superuser, "emptied") == 1


async def test_a_failing_listener_leaves_nothing_is_tried_again_and_dies_visibly(
    work: tasks.Work,
    relay: Relay,
    broker: StubBroker,
    settings: Settings,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    @listener("test.greeted", Greeted)
    async def half_way(tx: TenantTransaction, event: Event[Greeted]) -> None:
        await tx.execute(
            "insert into member (tenant_id, person_id, display_name, locale)"
            " values ($1, uuidv7(), 'half', 'en')",
            tx.tenant_id,
        )
        raise RuntimeError("stops half way")

    await greet(database, two_tenants[0].tenant_id, "failing")
    for _ in range(settings.delivery_attempts):
        await relay.round()
        assert await run_all(work, broker) == 1
        await superuser.execute("update tenant_delivery set next_attempt_at = now()")
    await relay.round()
    assert await run_all(work, broker) == 0
    assert await effects(superuser, "half") == 0
    dead = await database.pool("worker_relay").fetch("select * from app.dead_deliveries(10)")
    assert [row["last_error"] for row in dead] == ["RuntimeError: stops half way"]
    assert await database.pool("worker_relay").fetchval("select app.replay_dead_deliveries()") == 1
    assert await relay.round() == 1


async def test_a_rolled_back_transaction_emits_nothing(
    relay: Relay, database: Database, two_tenants: tuple[People, People]
) -> None:
    register_writer()
    with pytest.raises(RuntimeError):
        async with database.tenant(two_tenants[0].tenant_id, actors.system("tests")) as tx:
            await emit(tx, "test.greeted", Greeted("never"))
            raise RuntimeError
    assert await relay.round() == 0


async def test_a_worker_listener_is_marked_done_after_its_work(
    work: tasks.Work,
    relay: Relay,
    broker: StubBroker,
    database: Database,
    two_tenants: tuple[People, People],
) -> None:
    seen: list[str] = []

    @worker_listener("test.greeted", Greeted)
    async def outside(work: tasks.Work, event: Event[Greeted]) -> None:
        assert event.tenant_id == two_tenants[1].tenant_id
        seen.append(event.payload.word)

    await greet(database, two_tenants[1].tenant_id, "outside")
    assert await relay.round() == 1
    assert await run_all(work, broker) == 1
    assert seen == ["outside"]
    assert await relay.round() == 0
