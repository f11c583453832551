"""A finished exam's score reaches the independent LMS's grade book, once, whatever goes wrong."""

import asyncio

import asyncpg
import httpx
import pytest

from infra.demo.lms.book import Link, Outcome
from infra.demo.lms.server import LmsServer
from infra.demo.lms_browser import launch
from lms import grades, tasks
from lms.model import GradeDue
from passerelle.kernel import actor as actors
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from tests.lms.connected import Connected
from tests.lms.learner import LINK, Learner


async def test_a_score_is_written_once(learner: Learner) -> None:
    await learner.finish_exam(7)
    await learner.deliver(rounds=4)
    assert learner.in_book() == (7, 8, 1)
    assert learner.received() == ["written"]
    (grade,) = await learner.shown()
    assert (grade.state, grade.attempts, grade.last_error) == ("sent", 1, None)
    assert grade.sent_at is not None


async def test_zero_is_a_score(learner: Learner) -> None:
    await learner.finish_exam(0)
    await learner.deliver(rounds=2)
    assert learner.in_book() == (0, 8, 1)


@pytest.mark.parametrize(
    "plan",
    [
        ["fail"],
        ["fail", "fail", "fail"],
        ["conflict"],
        ["lose"],
        ["unauthorized"],
        ["unauthorized", "fail"],
        ["fail", "lose"],
        ["lose", "conflict"],
    ],
    ids="-".join,
)
async def test_a_score_is_written_once_whatever_the_lms_answers_first(
    learner: Learner, plan: list[Outcome]
) -> None:
    learner.plan(plan)
    await learner.finish_exam(6)
    await learner.deliver(rounds=6)
    assert learner.in_book() == (6, 8, 1)
    assert [grade.state for grade in await learner.shown()] == ["sent"]


async def test_a_token_that_the_lms_no_longer_takes_is_renewed_within_the_same_try(
    learner: Learner,
) -> None:
    learner.plan(["unauthorized"])
    await learner.finish_exam(6)
    await learner.deliver(rounds=2)
    assert learner.received() == ["unauthorized", "written"]
    assert [grade.attempts for grade in await learner.shown()] == [1]


async def test_one_event_delivered_many_times_writes_once(learner: Learner) -> None:
    await learner.finish_exam(5)
    await learner.deliver(rounds=2)
    (grade,) = await learner.shown()
    for _ in range(3):
        await grades.send(learner.work, tasks.TOKENS, learner.connected.tenant_id, grade.id)
    assert learner.received() == ["written"]


async def test_while_one_task_sends_another_leaves_the_grade_alone(learner: Learner) -> None:
    learner.plan(["slow"])
    await learner.finish_exam(5)
    await learner.deliver()
    (grade,) = await learner.shown()
    tenant_id = learner.connected.tenant_id
    first = asyncio.create_task(grades.send(learner.work, tasks.TOKENS, tenant_id, grade.id))
    await asyncio.sleep(0.5)
    with pytest.raises(grades.GradeBusy):
        await grades.send(learner.work, tasks.TOKENS, tenant_id, grade.id)
    await first
    assert learner.received() == ["written"]


async def test_a_better_score_replaces_a_worse_one_even_within_one_second(
    learner: Learner,
) -> None:
    await learner.finish_exam(3)
    await learner.deliver(rounds=2)
    await learner.finish_exam(7)
    await learner.deliver(rounds=2)
    assert learner.in_book() == (7, 8, 2)


async def test_a_worse_score_never_replaces_a_better_one(learner: Learner) -> None:
    await learner.finish_exam(7)
    await learner.finish_exam(3)
    await learner.deliver(rounds=3)
    assert learner.in_book() == (7, 8, 1)


async def test_a_better_score_that_comes_while_the_first_waits_is_the_one_that_arrives(
    learner: Learner,
) -> None:
    learner.plan(["fail"])
    await learner.finish_exam(3)
    await learner.deliver(rounds=2)
    assert learner.in_book() is None
    await learner.finish_exam(8)
    await learner.deliver(rounds=3)
    book = learner.in_book()
    assert book is not None
    assert book[:2] == (8, 8)


async def test_a_score_older_than_what_the_lms_holds_gets_there_with_a_later_time(
    learner: Learner,
) -> None:
    """The LMS holds another tool's, or an instructor's, later score: 409 until ours is later."""
    await learner.finish_exam(2)
    await learner.deliver(rounds=2)
    await learner.superuser.execute(
        "update lti_grade set state = 'pending', score_given = 6, maybe_written = false, "
        "score_timestamp = score_timestamp - interval '1 hour' where person_id = $1",
        learner.person_id,
    )
    (grade,) = await learner.shown()
    tenant_id = learner.connected.tenant_id
    with pytest.raises(grades.GradeNotSent):
        await grades.send(learner.work, tasks.TOKENS, tenant_id, grade.id)
    async with learner.work.database.tenant(tenant_id, actors.system("tests", tenant_id)) as tx:
        await emit(tx, "grade.due", GradeDue(grade.id))
    await learner.deliver(rounds=3)
    assert learner.in_book() == (6, 8, 2)
    assert learner.received() == ["written", "too early", "written"]


async def test_one_bad_score_does_not_stop_the_rest(
    learner: Learner, tool: httpx.AsyncClient, lms: LmsServer, connected: Connected
) -> None:
    link = Link(
        id="second-course",
        title="AI fluency, level 1",
        context_id="another-course",
        context_title="Another course",
        custom={"achievement": "ai-fluency-1"},
    )
    lms.add_link(link)
    await launch(tool, lms.url, user=learner.user_id, link=link.id, client=connected.client_id)
    await learner.superuser.execute(
        "update lti_line_item set line_item_url = replace(line_item_url, $1, 'gone') "
        "where resource_link_id = $1",
        LINK,
    )
    await learner.finish_exam(7)
    await learner.deliver(rounds=3)
    assert learner.in_book("second-course") == (7, 8, 1)
    assert sorted(grade.state for grade in await learner.shown()) == ["pending", "sent"]
    await learner.superuser.execute(
        "update lti_line_item set line_item_url = replace(line_item_url, 'gone', $1) "
        "where resource_link_id = $1",
        LINK,
    )


async def test_a_score_that_never_gets_there_ends_as_failed_and_can_be_sent_again(
    learner: Learner,
) -> None:
    tries = learner.work.settings.delivery_attempts
    learner.plan(["fail"] * tries)
    await learner.finish_exam(6)
    await learner.deliver(rounds=tries + 3)
    (grade,) = await learner.shown()
    assert (grade.state, grade.attempts, grade.last_error) == ("failed", tries, "HTTP 500")
    assert learner.in_book() is None
    tenant_id = learner.connected.tenant_id
    actor = actors.system("tests", tenant_id)
    async with learner.work.database.tenant(tenant_id, actor) as tx:
        await grades.queue_again(tx, grade.id, learner.person_id)
    await learner.deliver(rounds=2)
    assert learner.in_book() == (6, 8, 1)


async def test_who_came_through_no_link_of_this_achievement_has_no_grade(
    learner: Learner, superuser: asyncpg.Connection
) -> None:
    await superuser.execute("delete from lti_placement where person_id = $1", learner.person_id)
    await learner.finish_exam(7)
    await learner.deliver(rounds=2)
    assert await learner.shown() == []


async def test_nobody_sends_someone_elses_grade_again(learner: Learner) -> None:
    learner.plan(["fail"])
    await learner.finish_exam(6)
    await learner.deliver(rounds=2)
    (grade,) = await learner.shown()
    tenant_id = learner.connected.tenant_id
    async with learner.work.database.tenant(tenant_id, actors.system("tests", tenant_id)) as tx:
        with pytest.raises(grades.UnknownGrade):
            await grades.queue_again(tx, grade.id, new_id())


@pytest.mark.parametrize(
    ("line_item", "expected"),
    [
        ("https://lms.example/items/7", "https://lms.example/items/7/scores"),
        ("https://lms.example/items/7/", "https://lms.example/items/7/scores"),
        (
            "https://lms.example/7/lineitem?type_id=1",
            "https://lms.example/7/lineitem/scores?type_id=1",
        ),
        ("https://lms.example/7?a=1&b=%2F", "https://lms.example/7/scores?a=1&b=%2F"),
    ],
)
def test_the_services_name_goes_before_the_query(line_item: str, expected: str) -> None:
    assert grades.under(line_item, "scores") == expected
