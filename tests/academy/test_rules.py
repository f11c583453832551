"""What comes next on a path, and which question is asked again when."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from passerelle.academy.model import (
    Level,
    Module,
    Progress,
    SkillProgress,
    answered,
    level_states,
    next_question,
    next_step,
    option_order,
)
from passerelle.exams.model import Form, Stand
from passerelle.kernel.language import Localised

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TEXT = Localised("text", "texte", "نص")


def fresh(position: int) -> Progress:
    return Progress(item_id=uuid4(), position=position)


def after(progress: Progress, *, right: bool, minutes: int = 0) -> Progress:
    return answered(progress, 0 if right else 1, 0, NOW + timedelta(minutes=minutes))


def test_a_right_answer_comes_again_after_longer_and_longer() -> None:
    progress = fresh(1)
    days = []
    for _ in range(6):
        progress = after(progress, right=True)
        assert progress.due_at is not None
        days.append((progress.due_at - NOW).days)
    assert days == [1, 3, 7, 21, 21, 21]


def test_a_wrong_answer_starts_over_and_is_due_at_once() -> None:
    progress = after(after(after(fresh(1), right=True), right=True), right=False)
    assert (progress.streak, progress.due_at) == (0, NOW)
    assert (progress.times, progress.times_right) == (3, 2)
    assert after(progress, right=True).due_at == NOW + timedelta(days=1)


def test_new_questions_come_in_their_order() -> None:
    items = [fresh(2), fresh(1), fresh(3)]
    chosen = next_question(items, NOW)
    assert chosen is not None
    assert chosen.position == 1


def test_a_wrong_question_comes_before_new_ones_but_not_twice_in_a_row() -> None:
    wrong, new = after(fresh(1), right=False), fresh(2)
    assert next_question([wrong, new], NOW) == wrong
    assert next_question([wrong, new], NOW, after=wrong.item_id) == new


def test_the_only_question_left_may_come_twice_in_a_row() -> None:
    wrong = after(fresh(1), right=False)
    assert next_question([wrong], NOW, after=wrong.item_id) == wrong


def test_a_question_answered_right_rests_until_its_day() -> None:
    right = after(fresh(1), right=True)
    assert next_question([right], NOW + timedelta(hours=23)) is None
    assert next_question([right], NOW + timedelta(days=1)) == right


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(2, 6))
def test_whatever_a_learner_answers_every_question_is_right_in_the_end(
    tries: list[bool], count: int
) -> None:
    items = {one.item_id: one for one in (fresh(place) for place in range(1, count + 1))}
    last: UUID | None = None
    attempts = [*tries, *[True] * 2 * count]
    for minute, right in enumerate(attempts):
        now = NOW + timedelta(minutes=minute)
        chosen = next_question(list(items.values()), now, last)
        if chosen is None:
            break
        open_questions = [one for one in items.values() if not one.last_right]
        assert chosen.item_id != last or len(open_questions) == 1
        items[chosen.item_id] = answered(chosen, 0 if right else 1, 0, now)
        last = chosen.item_id
    assert all(one.last_right for one in items.values())


@given(st.uuids(), st.uuids(), st.integers(0, 1000), st.integers(2, 8))
def test_each_round_shows_every_option_once(
    person_id: UUID, item_id: UUID, times: int, options: int
) -> None:
    order = option_order(person_id, item_id, times, options)
    assert sorted(order) == list(range(options))
    assert order == option_order(person_id, item_id, times, options)


def level(position: int, *, open_: bool = True) -> Level:
    return Level(
        id=uuid4(),
        path_id=uuid4(),
        position=position,
        code=f"level-{position}",
        name=TEXT,
        summary=TEXT,
        form_id=uuid4() if open_ else None,
    )


def module_of(of: Level, *, right: int, items: int = 3) -> Module:
    return Module(
        id=uuid4(),
        level_id=of.id,
        code="module",
        title=TEXT,
        summary=TEXT,
        minutes=10,
        items=items,
        answered=right,
        right=right,
    )


def stand(of: Level, *, running: bool = False, passed: bool = False, left: int = 2) -> Stand:
    assert of.form_id is not None
    form = Form(
        id=of.form_id,
        code="form",
        title=TEXT,
        achievement_id=uuid4(),
        cut_score=2,
        time_limit_minutes=20,
        attempts_allowed=2,
        items=3,
    )
    return Stand(form=form, open=running, passed=passed, attempts_left=left)


def step(levels: list[Level], modules: list[Module], *stands: Stand) -> str:
    return next_step(levels, modules, {one.form.id: one for one in stands}).kind


def test_a_level_is_studied_then_its_exam_sat() -> None:
    first = level(1)
    assert step([first], [module_of(first, right=1)], stand(first)) == "study"
    assert step([first], [module_of(first, right=3)], stand(first)) == "exam"


def test_an_exam_that_runs_comes_before_everything() -> None:
    first = level(1)
    assert step([first], [module_of(first, right=0)], stand(first, running=True)) == "continue-exam"


def test_who_has_no_attempt_left_is_told_whom_to_ask() -> None:
    first = level(1)
    assert step([first], [module_of(first, right=3)], stand(first, left=0)) == "ask"


def test_after_a_pass_comes_the_next_level_or_the_wait_for_it() -> None:
    first, second, third = level(1), level(2), level(3, open_=False)
    passed = stand(first, passed=True)
    assert step([first, second], [module_of(second, right=0)], passed, stand(second)) == "study"
    assert step([first, third], [], passed) == "wait"
    assert step([first], [], passed) == "done"


def test_one_level_is_where_the_learner_stands() -> None:
    levels = [level(1), level(2), level(3, open_=False)]
    forms = [one.form_id for one in levels if one.form_id is not None]
    assert level_states(levels, set()) == ["here", "ahead", "ahead"]
    assert level_states(levels, {forms[0]}) == ["done", "here", "ahead"]
    assert level_states(levels[:2], set(forms)) == ["done", "done"]


def test_a_skill_is_close_from_six_tenths_and_proven_by_the_exam_alone() -> None:
    skill = SkillProgress(skill_id=uuid4(), right=0, answered=0, total=5, proven=False)
    standings = [
        msgspec.structs.replace(skill, right=right, answered=answered).standing
        for right, answered in [(0, 0), (0, 3), (2, 5), (3, 5), (5, 5)]
    ]
    assert standings == ["ahead", "begun", "begun", "close", "close"]
    assert msgspec.structs.replace(skill, proven=True).standing == "proven"
