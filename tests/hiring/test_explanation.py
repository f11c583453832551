"""What is drawn and what is told as the rest: together always the score."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.hiring.explanation import best_of_each_skill, spans_and_rest
from passerelle.hiring.ports import Contribution, Explanation
from passerelle.skills.model import Evidence

SKILLS = [UUID(int=number) for number in range(1, 9)]
amounts = st.floats(-0.3, 0.6, allow_nan=False)
contributions = st.lists(
    st.builds(Contribution, st.sampled_from(SKILLS), st.sampled_from(SKILLS), amounts), max_size=40
)


def explained(found: list[Contribution], missing: list[UUID]) -> Explanation:
    return Explanation(sum(one.amount for one in found), found, missing, "1")


@given(contributions, st.lists(st.sampled_from(SKILLS), unique=True))
def test_spans_and_rest_add_up_to_the_score(found: list[Contribution], missing: list[UUID]) -> None:
    explanation = explained(found, missing)
    spans, rest = spans_and_rest(explanation)
    total = sum(span.amount for span in spans) + rest
    assert total == pytest.approx(explanation.score, abs=1e-9)
    assert all(span.amount > 0 for span in spans)
    assert not {UUID(span.requirement) for span in spans} & set(missing)


def test_a_thin_link_is_part_of_the_rest() -> None:
    wide = Contribution(SKILLS[0], SKILLS[1], 0.5)
    thin = Contribution(SKILLS[2], SKILLS[1], 0.004)
    against = Contribution(SKILLS[2], SKILLS[3], -0.1)
    spans, rest = spans_and_rest(explained([wide, thin, against], []))
    assert [span.amount for span in spans] == [0.5]
    assert rest == pytest.approx(-0.096)


def test_what_carries_a_requirement_most_is_drawn_however_thin() -> None:
    """Without a span it would look as if it were missing."""
    wide = Contribution(SKILLS[0], SKILLS[1], 0.9)
    thin = Contribution(SKILLS[0], SKILLS[2], 0.004)
    thinner = Contribution(SKILLS[3], SKILLS[2], 0.003)
    spans, rest = spans_and_rest(explained([wide, thin, thinner], []))
    assert {span.requirement for span in spans} == {str(SKILLS[1]), str(SKILLS[2])}
    assert rest == pytest.approx(0.003)


def test_of_several_proofs_of_a_skill_the_highest_and_latest_is_shown() -> None:
    def proof(level: int, year: int) -> Evidence:
        at = datetime(year, 5, 1, tzinfo=UTC)
        return Evidence(SKILLS[0], SKILLS[1], SKILLS[2], level, "exam", None, at, None)

    proofs = [proof(2, 2026), proof(3, 2024), proof(3, 2025)]
    assert best_of_each_skill(proofs) == {SKILLS[2]: proofs[2]}
