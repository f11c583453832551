"""Whatever order a network delivers answers in, and however often, the newest one stands."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerelle.exams import service
from passerelle.exams.model import Answer, Letter
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tests.conftest import People
from tests.exams.factories import make_form

SYSTEM = actors.system("tests")
LETTERS: list[Letter] = ["A", "B", "C", "D"]


@dataclass(frozen=True)
class Delivery:
    """What a person chose, one revision after another, and the order in which it arrives: each
    revision at least once, some of them again."""

    chosen: list[Letter]
    arrivals: list[int]


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    chosen = draw(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=6))
    revisions = list(range(1, len(chosen) + 1))
    resent = draw(st.lists(st.sampled_from(revisions), max_size=6))
    return Delivery(chosen, draw(st.permutations([*revisions, *resent])))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(delivery=deliveries())
async def test_any_interleaving_of_resends_ends_with_the_newest_answer(
    database: Database,
    two_tenants: tuple[People, People],
    superuser: asyncpg.Connection,
    delivery: Delivery,
) -> None:
    people = two_tenants[0]
    async with database.live_exam(people.tenant_id, SYSTEM) as tx:
        form = await make_form(tx, code=f"order-{uuid4().hex[:8]}", items=1, cut_score=1)
        attempt = await service.start(tx, people.learner_id, form.code)
    newest = 0
    for revision in delivery.arrivals:
        newest = max(newest, revision)
        answer = Answer(delivery.chosen[revision - 1], revision=revision)
        async with database.live_exam(people.tenant_id, SYSTEM) as tx:
            held = await service.save_answer(
                tx, people.learner_id, attempt.id, form.items[0], answer
            )
        assert (held.letter, held.revision) == (delivery.chosen[newest - 1], newest)
    assert await revisions_held(superuser, attempt.id) == [len(delivery.chosen)]


async def revisions_held(superuser: asyncpg.Connection, attempt_id: UUID) -> list[int]:
    rows = await superuser.fetch("select revision from response where attempt_id = $1", attempt_id)
    return [row["revision"] for row in rows]
