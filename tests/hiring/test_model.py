"""Codes that stand for people, and the rules of a new requisition."""

from datetime import date
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from passerelle.hiring.model import (
    CODE_ALPHABET,
    NewRequisition,
    Requirement,
    candidate_code,
)
from passerelle.hiring.rules import requisition_errors
from passerelle.kernel.language import Localised


@given(st.uuids(), st.uuids())
def test_a_code_is_stable_short_and_readable(key: UUID, person_id: UUID) -> None:
    code = candidate_code(key, person_id)
    assert code == candidate_code(key, person_id)
    assert len(code) == 7
    assert code[3] == "-"
    assert set(code) <= set(CODE_ALPHABET) | {"-"}


def test_a_person_has_another_code_in_another_requisition() -> None:
    person_id = uuid4()
    assert len({candidate_code(uuid4(), person_id) for _ in range(50)}) == 50


def test_codes_of_a_full_list_are_all_different() -> None:
    key = UUID(int=7)
    assert len({candidate_code(key, UUID(int=number)) for number in range(500)}) == 500


SKILL = uuid4()
TODAY = date(2026, 11, 23)
GOOD = NewRequisition(
    title=Localised("Officer", "Agent", "موظف"),
    requirements=[Requirement(SKILL, 1.0, 2, False)],
    posts=2,
)


def test_a_good_requisition_has_no_errors() -> None:
    assert requisition_errors(GOOD, {SKILL}, set(), TODAY) == {}


def test_each_wrong_field_is_named() -> None:
    wrong = replace(
        GOOD,
        title=Localised("Officer", "", "موظف"),
        requirements=[],
        posts=0,
        unit="x" * 201,
        place="x" * 201,
        closes_on=date(2026, 11, 22),
        pipeline_id=uuid4(),
    )
    fields = {"title", "requirements", "posts", "unit", "place", "closes_on", "pipeline_id"}
    assert set(requisition_errors(wrong, {SKILL}, set(), TODAY)) == fields


def test_requirements_are_known_distinct_and_within_their_scales() -> None:
    def refused(*requirements: Requirement) -> bool:
        new = replace(GOOD, requirements=list(requirements))
        return "requirements" in requisition_errors(new, {SKILL}, set(), TODAY)

    assert refused(Requirement(uuid4(), 1.0, 2, False))
    assert refused(Requirement(SKILL, 1.0, 2, False), Requirement(SKILL, 0.5, 1, True))
    for weight in (0.0, -1.0, 1.01, float("nan"), float("inf")):
        assert refused(Requirement(SKILL, weight, 2, False))
    for level in (0, 5):
        assert refused(Requirement(SKILL, 1.0, level, False))
