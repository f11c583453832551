"""The pure rules: the score, the order of options, what an item must have."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.exams.model import (
    LETTERS,
    Attempt,
    KeyedItem,
    SkillOutcome,
    choice_of,
    flaws,
    letter_of,
    score,
    shown_order,
)
from passerelle.kernel.language import Localised
from tests.exams.factories import item

uuids = st.uuids()


def keyed(key: int, choice: int | None) -> KeyedItem:
    return KeyedItem(uuid4(), key, choice)


def test_the_score_counts_right_answers_and_nothing_else() -> None:
    items = [keyed(0, 0), keyed(1, 2), keyed(3, 3), keyed(0, None)]
    result = score(items, cut_score=2)
    assert (result.given, result.maximum, result.passed) == (2, 4, True)


def test_one_below_the_cut_score_does_not_pass() -> None:
    assert score([keyed(0, 0), keyed(0, 1)], cut_score=2).passed is False
    assert score([keyed(0, 0), keyed(1, 1)], cut_score=2).passed is True


def test_an_unanswered_item_whose_key_is_the_first_option_is_not_right() -> None:
    assert score([keyed(0, None)], cut_score=1).given == 0


@given(st.lists(st.tuples(st.integers(0, 7), st.none() | st.integers(0, 7)), max_size=40))
def test_the_score_lies_between_nothing_and_everything(pairs: list[tuple[int, int | None]]) -> None:
    result = score([keyed(key, choice) for key, choice in pairs], cut_score=1)
    assert 0 <= result.given <= result.maximum == len(pairs)
    assert result.passed == (result.given >= 1)


@given(uuids, uuids, st.integers(2, 8))
def test_the_order_of_options_is_the_same_each_time_and_holds_each_once(
    attempt_id: UUID, item_id: UUID, options: int
) -> None:
    order = shown_order(attempt_id, item_id, options)
    assert order == shown_order(attempt_id, item_id, options)
    assert sorted(order) == list(range(options))


@given(uuids, uuids, st.integers(2, 8), st.integers(0, 7))
def test_a_letter_leads_back_to_the_option_it_stood_for(
    attempt_id: UUID, item_id: UUID, options: int, place: int
) -> None:
    order = shown_order(attempt_id, item_id, options)
    if place >= options:
        with pytest.raises(ValueError, match="is not among"):
            choice_of(order, LETTERS[place])
    else:
        assert letter_of(order, choice_of(order, LETTERS[place])) == LETTERS[place]


def test_the_key_stands_under_each_letter_about_as_often() -> None:
    item_id = uuid4()
    letters = [letter_of(shown_order(uuid4(), item_id, 4), 0) for _ in range(2000)]
    assert all(400 < letters.count(letter) < 600 for letter in "ABCD")


def test_a_skill_is_strong_from_two_thirds_right() -> None:
    skill_id = uuid4()
    assert SkillOutcome(skill_id, 2, 3).strong
    assert not SkillOutcome(skill_id, 1, 2).strong
    assert SkillOutcome(skill_id, 1, 1).strong


def attempt_with(left: timedelta) -> Attempt:
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    return Attempt(
        id=uuid4(),
        person_id=uuid4(),
        form_id=uuid4(),
        number=1,
        started_at=now - timedelta(minutes=5),
        deadline_at=now + left,
        now=now,
    )


def test_minutes_left_are_rounded_up_and_never_negative() -> None:
    assert attempt_with(timedelta(minutes=20)).minutes_left == 20
    assert attempt_with(timedelta(minutes=19, seconds=1)).minutes_left == 20
    assert attempt_with(timedelta(seconds=1)).minutes_left == 1
    assert attempt_with(timedelta(seconds=-30)).minutes_left == 0


def test_an_attempt_is_over_at_its_deadline_exactly() -> None:
    assert attempt_with(timedelta(0)).overdue
    assert attempt_with(timedelta(microseconds=1)).open


def test_an_item_with_a_missing_translation_or_a_double_option_is_refused() -> None:
    good = item(1)
    assert flaws(good) == {}
    silent = msgspec.structs.replace(good, stem=Localised("A question?", "Une question ?", " "))
    assert set(flaws(silent)) == {"stem"}
    doubled = msgspec.structs.replace(good, options=[*good.options[:3], good.options[0]])
    assert set(flaws(doubled)) == {"options"}
    assert set(flaws(msgspec.structs.replace(good, key=4))) == {"key"}
    assert set(flaws(msgspec.structs.replace(good, options=good.options[:1]))) == {"options"}
