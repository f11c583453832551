"""Fair shares of the relay: who has much waiting doesn't delay who has little."""

import asyncio
from collections import Counter
from uuid import UUID

import asyncpg
import pytest
from dramatiq.brokers.stub import StubBroker
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as examples
from redis.asyncio import Redis

from passerelle.kernel import tasks
from passerelle.kernel.database import Database
from passerelle.kernel.events import BULK_QUEUE, Event, listener
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.relay import Relay
from passerelle.kernel.settings import Settings
from tests.conftest import People, create_people
from tests.kernel.deliveries import (
    Greeted,
    greet,
    greet_often,
    greet_person,
    messages,
    run_all,
)

NOISE = 5_000


@pytest.fixture(autouse=True)
def heard(only_our_listeners: None) -> list[UUID]:
    """One listener, which does nothing but say whose event it heard."""
    owners: list[UUID] = []

    @listener("test.greeted", Greeted)
    async def hear(tx: object, event: Event[Greeted]) -> None:
        owners.append(event.owner_id)

    return owners


@pytest.fixture(autouse=True)
async def nothing_waiting(superuser: asyncpg.Connection) -> None:
    await empty(superuser)


async def empty(superuser: asyncpg.Connection) -> None:
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


async def test_a_quiet_tenants_event_goes_with_the_next_messages_whatever_waits_before_it(
    relay: Relay,
    broker: StubBroker,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    noisy, quiet = two_tenants
    await greet_often(superuser, noisy.tenant_id, NOISE)
    for _ in range(3):
        await relay.round()
    owners_of(broker)
    await greet(database, quiet.tenant_id, "now")
    await relay.round()
    # Its turn, and at most one of the other's before it.
    assert quiet.tenant_id in owners_of(broker)[:2]


async def test_what_one_share_leaves_others_take(
    relay: Relay,
    broker: StubBroker,
    settings: Settings,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    noisy, quiet = two_tenants
    await greet_often(superuser, noisy.tenant_id, NOISE)
    await greet(database, quiet.tenant_id, "one")
    window = settings.worker_threads * settings.relay_window_messages_per_thread
    assert await relay.round() == window
    assert Counter(owners_of(broker)) == {noisy.tenant_id: window - 1, quiet.tenant_id: 1}


async def test_a_tenants_events_for_many_persons_are_one_share(
    relay: Relay,
    broker: StubBroker,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    """A person who acts alone doesn't wait for the hundreds to whom a tenant does something."""
    noisy = two_tenants[0].tenant_id
    alone = new_id()
    await superuser.execute(
        """
        insert into person_event
          (person_id, id, name, payload, tenant_id, actor_kind, actor_name)
        select uuidv7(), uuidv7(), 'test.greeted', '{"word": "noise"}', $1, 'system', 'tests'
        from generate_series(1, 300)
        """,
        noisy,
    )
    await relay.round()
    await relay.round()
    owners_of(broker)
    await greet_person(database, alone, "alone")
    await relay.round()
    assert alone in owners_of(broker)[:2]


async def test_persons_and_tenants_take_turns_where_both_have_much(
    relay: Relay,
    broker: StubBroker,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    person = new_id()
    await greet_often(superuser, two_tenants[0].tenant_id, 300)
    for _ in range(60):
        await greet_person(database, person, "often")
    for _ in range(6):
        await relay.round()
    counts = Counter(owners_of(broker))
    assert counts[person] == counts[two_tenants[0].tenant_id] > 0


async def test_more_shares_than_messages_are_all_served_within_one_lap(
    relay: Relay, broker: StubBroker, settings: Settings, database: Database
) -> None:
    window = settings.worker_threads * settings.relay_window_messages_per_thread
    persons = [new_id() for _ in range(3 * window)]
    for person in persons:
        for _ in range(5):
            await greet_person(database, person, "often")
    # All of them wait at once, and then three rounds are a lap.
    while await relay._expand():
        continue
    for _ in range(3):
        await relay.round()
    assert Counter(owners_of(broker)) == Counter(persons)


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


async def test_two_relays_hand_out_each_delivery_once(
    relay: Relay,
    broker: StubBroker,
    settings: Settings,
    database: Database,
    valkey: Redis,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    another = Relay(settings, database, broker, valkey)
    for people in two_tenants:
        await greet_often(superuser, people.tenant_id, 150)
    found: Counter[str] = Counter()
    for _ in range(40):
        await asyncio.gather(relay.round(), another.round())
        found.update(message[2] for message in messages(broker))
    assert len(found) == 300
    assert set(found.values()) == {1}


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


@pytest.fixture(scope="module")
async def five_tenants(database: Database) -> list[UUID]:
    return [(await create_people(database, f"share-{number}")).tenant_id for number in range(5)]


@examples(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(counts=strategies.lists(strategies.integers(0, 40), min_size=5, max_size=5))
async def test_in_any_backlog_nobody_is_more_than_one_turn_a_round_ahead(
    counts: list[int],
    broker: StubBroker,
    settings: Settings,
    database: Database,
    valkey: Redis,
    superuser: asyncpg.Connection,
    five_tenants: list[UUID],
) -> None:
    await empty(superuser)
    messages(broker)
    relay = Relay(settings, database, broker, valkey)
    for tenant_id, count in zip(five_tenants, counts, strict=True):
        await greet_often(superuser, tenant_id, count)
    while await relay._expand():
        continue
    left = Counter(dict(zip(five_tenants, counts, strict=True)))
    while left.total():
        handed_out = await relay.round()
        served = Counter(owners_of(broker))
        assert handed_out == served.total() == min(8, left.total())
        unsatisfied = [served[owner] for owner in left if left[owner] > served[owner]]
        if unsatisfied:
            # Who still has something waiting got as much as anyone, but for the last turn.
            assert min(unsatisfied) >= max(served.values()) - 1
        left -= served
