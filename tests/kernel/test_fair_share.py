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

from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.relay import Relay
from passerelle.kernel.settings import Settings
from tests.conftest import People, create_people
from tests.kernel.deliveries import (
    empty_outbox,
    greet,
    greet_often,
    greet_person,
    messages,
    owners_of,
)

pytestmark = pytest.mark.usefixtures("heard", "nothing_waiting")

NOISE = 5_000


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
    await empty_outbox(superuser)
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
