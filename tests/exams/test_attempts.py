"""Starting, answering and finishing, against the real database."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from passerelle.exams import tasks
from passerelle.exams.model import Answer, ExamPassed
from passerelle.exams.service import (
    AlreadyPassed,
    AnswerInvalid,
    AnswerTooLate,
    AttemptsUsedUp,
)
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import Event
from tests.conftest import People
from tests.exams.factories import CANARY, make_form
from tests.exams.sitting import Sitting

SYSTEM = actors.system("tests")


@pytest.fixture
async def sitting(database: Database, two_tenants: tuple[People, People]) -> Sitting:
    """A form that nobody sat, before the learner of the first tenant."""
    people = two_tenants[0]
    async with database.live_exam(people.tenant_id, SYSTEM) as tx:
        form = await make_form(tx, code=f"form-{uuid4().hex[:8]}")
    return Sitting(database, people, form)


async def events(superuser: asyncpg.Connection, attempt_id: UUID) -> list[str]:
    rows = await superuser.fetch(
        "select name from tenant_event where subject = $1 order by name", attempt_id
    )
    return [row["name"] for row in rows]


async def make_overdue(superuser: asyncpg.Connection, attempt_id: UUID) -> None:
    await superuser.execute(
        "update attempt set started_at = started_at - interval '1 hour',"
        " deadline_at = clock_timestamp() - interval '1 second' where id = $1",
        attempt_id,
    )


async def test_a_pass_is_scored_and_told_once(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    attempt = await sitting.start()
    assert attempt.deadline_at - attempt.started_at == timedelta(minutes=20)
    for place, item_id in enumerate(sitting.form.items):
        await sitting.answer(attempt.id, item_id, right=place > 0)
    finished = await sitting.finish(attempt.id)
    assert (finished.score_given, finished.score_maximum, finished.passed) == (3, 4, True)
    assert finished.ended_by == "person"
    again = await sitting.finish(attempt.id)
    assert again.finished_at == finished.finished_at
    assert await events(superuser, attempt.id) == ["exam.finished", "exam.passed"]


async def test_a_fail_emits_no_pass(sitting: Sitting, superuser: asyncpg.Connection) -> None:
    attempt = await sitting.start()
    await sitting.answer(attempt.id, sitting.form.items[0])
    finished = await sitting.finish(attempt.id)
    assert (finished.score_given, finished.passed) == (1, False)
    assert await events(superuser, attempt.id) == ["exam.finished"]


async def test_finishes_at_the_same_moment_give_one_result(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    attempt = await sitting.start()
    for item_id in sitting.form.items:
        await sitting.answer(attempt.id, item_id)
    results = await asyncio.gather(*(sitting.finish(attempt.id) for _ in range(5)))
    assert len({result.finished_at for result in results}) == 1
    assert await events(superuser, attempt.id) == ["exam.finished", "exam.passed"]


async def test_every_answer_acknowledged_while_another_window_finishes_is_counted(
    sitting: Sitting,
) -> None:
    attempt = await sitting.start()

    async def try_answer(item_id: UUID) -> int:
        try:
            await sitting.answer(attempt.id, item_id)
        except AnswerTooLate:
            return 0
        return 1

    *acknowledged, finished = await asyncio.gather(
        *(try_answer(item_id) for item_id in sitting.form.items), sitting.finish(attempt.id)
    )
    assert finished.score_given == sum(acknowledged)  # type: ignore[union-attr]


async def test_starts_at_the_same_moment_open_one_attempt(sitting: Sitting) -> None:
    started = await asyncio.gather(*(sitting.start() for _ in range(5)))
    assert len({attempt.id for attempt in started}) == 1


async def test_attempts_are_limited(sitting: Sitting) -> None:
    for number in (1, 2):
        attempt = await sitting.start()
        assert attempt.number == number
        await sitting.finish(attempt.id)
    with pytest.raises(AttemptsUsedUp):
        await sitting.start()


async def test_who_passed_does_not_sit_again(sitting: Sitting) -> None:
    attempt = await sitting.start()
    for item_id in sitting.form.items:
        await sitting.answer(attempt.id, item_id)
    await sitting.finish(attempt.id)
    with pytest.raises(AlreadyPassed):
        await sitting.start()


async def test_an_answer_after_the_deadline_is_refused_and_nothing_is_written(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    attempt = await sitting.start()
    await sitting.answer(attempt.id, sitting.form.items[0], right=False, revision=1)
    before = await superuser.fetch("select * from response where attempt_id = $1", attempt.id)
    await make_overdue(superuser, attempt.id)
    for item_id in sitting.form.items:
        with pytest.raises(AnswerTooLate):
            await sitting.answer(attempt.id, item_id, revision=2)
    after = await superuser.fetch("select * from response where attempt_id = $1", attempt.id)
    assert after == before


async def test_an_answer_after_finishing_is_refused(sitting: Sitting) -> None:
    attempt = await sitting.start()
    await sitting.finish(attempt.id)
    with pytest.raises(AnswerTooLate):
        await sitting.answer(attempt.id, sitting.form.items[0])


async def test_resending_an_answer_saved_in_time_is_acknowledged_even_after_the_deadline(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    attempt = await sitting.start()
    answer = Answer("B", revision=1)
    saved = await sitting.send(attempt.id, sitting.form.items[0], answer)
    await make_overdue(superuser, attempt.id)
    assert await sitting.send(attempt.id, sitting.form.items[0], answer) == saved


async def test_an_older_revision_never_overwrites_a_newer(sitting: Sitting) -> None:
    attempt = await sitting.start()
    item_id = sitting.form.items[0]
    await sitting.send(attempt.id, item_id, Answer("B", revision=5))
    held = await sitting.send(attempt.id, item_id, Answer("C", revision=4))
    assert (held.letter, held.revision, held.accepted) == ("B", 5, False)


async def test_a_plain_form_without_revision_replaces_what_is_held(sitting: Sitting) -> None:
    attempt = await sitting.start()
    item_id = sitting.form.items[0]
    await sitting.send(attempt.id, item_id, Answer("B", revision=5))
    held = await sitting.send(attempt.id, item_id, Answer("C"))
    assert (held.letter, held.revision, held.accepted) == ("C", 6, True)
    again = await sitting.send(attempt.id, item_id, Answer("C"))
    assert again == held


async def test_a_question_can_be_marked_for_later_without_an_answer(sitting: Sitting) -> None:
    attempt = await sitting.start()
    held = await sitting.send(attempt.id, sitting.form.items[0], Answer(None, later=True))
    assert (held.letter, held.later) == (None, True)
    assert (await sitting.finish(attempt.id)).score_given == 0


async def test_a_letter_beyond_the_options_is_refused(sitting: Sitting) -> None:
    attempt = await sitting.start()
    with pytest.raises(AnswerInvalid):
        await sitting.send(attempt.id, sitting.form.items[0], Answer("H"))


async def test_the_attempt_of_another_person_or_tenant_is_as_unknown_as_none(
    sitting: Sitting, two_tenants: tuple[People, People]
) -> None:
    attempt = await sitting.start()
    item_id = sitting.form.items[0]
    colleague = Sitting(sitting.database, two_tenants[0], sitting.form)
    colleague.person_id = two_tenants[0].recruiter_id
    stranger = Sitting(sitting.database, two_tenants[1], sitting.form)
    for other in (colleague, stranger):
        with pytest.raises(NotFound):
            await other.send(attempt.id, item_id, Answer("A"))
        with pytest.raises(NotFound):
            await other.finish(attempt.id)
    # The person's own identifier is of no help in another tenant.
    stranger.person_id = sitting.person_id
    with pytest.raises(NotFound):
        await stranger.finish(attempt.id)
    with pytest.raises(NotFound):
        await stranger.start()


async def test_an_item_of_another_form_is_not_found(sitting: Sitting) -> None:
    async with sitting.database.live_exam(sitting.people.tenant_id, SYSTEM) as tx:
        other = await make_form(tx, code=f"other-{uuid4().hex[:8]}")
    attempt = await sitting.start()
    with pytest.raises(NotFound):
        await sitting.send(attempt.id, other.items[0], Answer("A"))


async def test_the_clock_finishes_an_overdue_attempt_with_the_answers_it_holds(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    attempt = await sitting.start()
    for item_id in sitting.form.items[:3]:
        await sitting.answer(attempt.id, item_id)
    await tasks.finish_overdue_attempts(sitting.database)
    assert (await sitting.start()).id == attempt.id, "time is left, so it stays open"
    await make_overdue(superuser, attempt.id)
    assert await tasks.finish_overdue_attempts(sitting.database) == 1
    assert await tasks.finish_overdue_attempts(sitting.database) == 0
    finished = await sitting.finish(attempt.id)
    assert (finished.ended_by, finished.score_given, finished.passed) == ("time", 3, True)
    assert finished.finished_at == finished.deadline_at
    assert await events(superuser, attempt.id) == ["exam.finished", "exam.passed"]


async def test_starting_again_after_the_time_ran_out_opens_the_next_attempt(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    first = await sitting.start()
    await make_overdue(superuser, first.id)
    second = await sitting.start()
    assert (second.number, second.id != first.id) == (2, True)
    assert (await sitting.finish(first.id)).ended_by == "time"


async def test_events_hold_no_text_of_an_item(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    attempt = await sitting.start()
    await sitting.answer(attempt.id, sitting.form.items[0])
    await sitting.finish(attempt.id)
    rows = await superuser.fetch("select * from tenant_event")
    assert all(CANARY not in msgspec.json.encode(str(dict(row))).decode() for row in rows)


async def test_a_pass_earns_one_credential_however_often_it_is_heard(
    sitting: Sitting, superuser: asyncpg.Connection
) -> None:
    attempt = await sitting.start()
    for item_id in sitting.form.items:
        await sitting.answer(attempt.id, item_id)
    finished = await sitting.finish(attempt.id)
    row = await superuser.fetchrow(
        "select id, payload, occurred_at from tenant_event"
        " where subject = $1 and name = 'exam.passed'",
        attempt.id,
    )
    event = Event(
        id=row["id"],
        name="exam.passed",
        payload=msgspec.json.decode(row["payload"], type=ExamPassed),
        occurred_at=row["occurred_at"],
        owner_scope="tenant",
        owner_id=sitting.people.tenant_id,
        person_id=sitting.person_id,
        actor_name="tests",
    )
    for _ in range(2):
        async with sitting.database.live_exam(sitting.people.tenant_id, SYSTEM) as tx:
            await tasks.issue_credential(tx, event)
    issued = await superuser.fetch(
        "select person_id, achievement_id, earned_at from issued_credential where attempt_id = $1",
        attempt.id,
    )
    assert [tuple(one) for one in issued] == [
        (sitting.person_id, sitting.form.achievement_id, finished.finished_at)
    ]
