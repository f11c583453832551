"""Requisitions, pipelines and decisions: their shapes, their limits and their events."""

import hashlib
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from passerelle.kernel.language import Localised

REASON_LENGTH_MINIMUM = 10
REASON_LENGTH_LIMIT = 2_000
TITLE_LENGTH_LIMIT = 200
REQUIREMENTS_LIMIT = 40
STAGES_LIMIT = 12
POSTS_LIMIT = 1_000
LEVEL_LIMIT = 4

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that a code survives being read aloud."""


class Requisition(Struct, frozen=True):
    """A post to fill. `code_key` is the secret that candidate codes are made with."""

    id: UUID
    number: str
    title: Localised
    unit: str
    place: str
    posts: int
    closes_on: date | None
    status: str
    pipeline_id: UUID
    code_key: UUID
    created_at: datetime


class Requirement(Struct, frozen=True):
    """A skill that a requisition asks for: `weight` in (0, 1], `level` from 1 to 4."""

    skill_id: UUID
    weight: float
    level: int
    desired: bool


class Stage(Struct, frozen=True):
    """A step of a pipeline; before the first one with `names_shown`, people are codes."""

    id: UUID
    position: int
    name: Localised
    names_shown: bool


class RequisitionOpened(Struct, frozen=True):
    """Event `requisition.opened`."""

    requisition_id: UUID
    number: str
    title: Localised
    pipeline_id: UUID
    requirements: list[Requirement]


class StagePlace(Struct, frozen=True):
    """Where an application stood before a decision."""

    stage_id: UUID
    stage_name: Localised


class ApplicationMoved(Struct, frozen=True):
    """Event `application.moved`: a decision of a named person, with the reason they wrote."""

    application_id: UUID
    decision_id: UUID
    requisition_id: UUID
    person_id: UUID
    stage_id: UUID
    stage_name: Localised
    decided_by: UUID
    decided_by_name: str
    reason: str


def candidate_code(code_key: UUID, person_id: UUID) -> str:
    """Six characters that name a candidate inside one requisition, such as `7QK-41M`.

    The same person has another code in another requisition, and no one without the
    requisition's key can go back from the code to the person (BLAKE2 keyed hash).
    """
    digest = hashlib.blake2b(person_id.bytes, key=code_key.bytes, digest_size=8).digest()
    number = int.from_bytes(digest)
    characters = [CODE_ALPHABET[(number >> (5 * place)) & 31] for place in range(6)]
    return "".join(characters[:3]) + "-" + "".join(characters[3:])
