"""Requisitions, pipelines and decisions: their shapes, their limits and their events."""

import hashlib
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from passerelle.kernel import personal_data
from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable, Retention, Through

Status = Literal["open", "closed"]

REASON_LENGTH_MINIMUM = 10
REASON_LENGTH_LIMIT = 2_000
TITLE_LENGTH_LIMIT = 200
REQUIREMENTS_LIMIT = 40
STAGES_LIMIT = 12
POSTS_LIMIT = 1_000
PLACE_LENGTH_LIMIT = 200
LEVEL_LIMIT = 4
# A list shows this many people at first, and at most.
SHOWN_PEOPLE = 50
SHOWN_PEOPLE_LIMIT = 500
REQUISITIONS_PAGE_ROWS = 50
EXPORT_ROWS_LIMIT = 10_000
SEARCH_LENGTH_LIMIT = 200

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
    status: Status
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


class NewStage(Struct, frozen=True):
    """A stage to be, in the order of the list it stands in."""

    name: Localised
    names_shown: bool


class NewRequisition(Struct, frozen=True, kw_only=True):
    """What opens a requisition; without a pipeline it gets the organisation's first one."""

    title: Localised
    requirements: list[Requirement]
    unit: str = ""
    place: str = ""
    posts: int = 1
    closes_on: date | None = None
    pipeline_id: UUID | None = None


class Pipeline(Struct, frozen=True):
    """The stages that candidates go through, under a name."""

    id: UUID
    name: Localised


class Standing(Struct, frozen=True):
    """Where a person who shares stands in a requisition, and what may be shown of them.

    Nobody has an application before the first decision about them: until then they stand in the
    first stage. `display_name` is there only in a stage that shows names.
    """

    person_id: UUID
    stage_id: UUID
    application_id: UUID | None
    display_name: str | None


class UnrankedStanding(Standing, frozen=True):
    """Someone whom the matcher doesn't rank: with nothing proven, or not ranked yet."""

    evidence_count: int


class StageCount(Struct, frozen=True):
    """How many people who share stand in a stage."""

    stage_id: UUID
    people: int


class Candidate(Struct, frozen=True):
    """A line of the shortlist. Whom the matcher doesn't rank has no rank, and the score 0."""

    person_id: UUID
    code: str
    rank: int | None
    score: float
    evidence_count: int
    stage_id: UUID
    display_name: str | None


class Shortlist(Struct, frozen=True):
    """The people of one stage: ranked ones first, then those whom the matcher doesn't rank.

    `people` counts the whole stage, shown or not; `counts` has every stage that isn't empty.
    """

    stage: Stage
    candidates: list[Candidate]
    counts: dict[UUID, int]
    people: int


class Decided(Struct, frozen=True):
    """A decision as it stands on record."""

    id: UUID
    from_stage: UUID
    to_stage: UUID
    decided_by_name: str
    reason: str
    decided_at: datetime


class CandidateProfile(Struct, frozen=True):
    """A candidate's own words, in the language they wrote them in."""

    headline: str
    about: str
    locale: str


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


class RequisitionStatusChanged(Struct, frozen=True):
    """Event `requisition.closed` or `requisition.opened_again`."""

    requisition_id: UUID
    number: str


STANDARD_PIPELINE = Localised(
    en="Shortlist, interview, decision",
    fr="Présélection, entretien, décision",
    ar="القائمة المختصرة، المقابلة، القرار",
)
STANDARD_STAGES = (
    NewStage(Localised(en="Shortlist", fr="Présélection", ar="القائمة المختصرة"), False),
    NewStage(Localised(en="Interview", fr="Entretien", ar="المقابلة"), True),
    NewStage(Localised(en="Decision", fr="Décision", ar="القرار"), True),
)


def candidate_code(code_key: UUID, person_id: UUID) -> str:
    """Six characters that name a candidate inside one requisition, such as `7QK-41M`.

    The same person has another code in another requisition, and no one without the
    requisition's key can go back from the code to the person (BLAKE2 keyed hash).
    """
    digest = hashlib.blake2b(person_id.bytes, key=code_key.bytes, digest_size=8).digest()
    number = int.from_bytes(digest)
    characters = [CODE_ALPHABET[(number >> (5 * place)) & 31] for place in range(6)]
    return "".join(characters[:3]) + "-" + "".join(characters[3:])


personal_data.register(
    PersonalTable(
        table="application",
        owner="tenant",
        purpose=Localised(
            en="Where you stand in an organisation's hiring",
            fr="Où vous en êtes dans le recrutement d’une organisation",
            ar="موقعك في مسار التوظيف لدى مؤسسة",
        ),
        columns=("stage_id", "created_at", "moved_at"),
        ground="consent",
        retention=Retention(column="moved_at", days=730, least_days=180, most_days=3650),
        erasure="keep",
        kept_because=N_("An organisation must be able to show whom it decided about, and why."),
    ),
    PersonalTable(
        table="decision",
        owner="tenant",
        through=Through(table="application", column="application_id"),
        purpose=Localised(
            en="What was decided about your application, by whom and why",
            fr="Ce qui a été décidé de votre candidature, par qui et pourquoi",
            ar="ما تقرّر بشأن ترشحك، ومن قرّره ولماذا",
        ),
        columns=("from_stage", "to_stage", "reason", "decided_at"),
        ground="duty",
        erasure="keep",
        kept_because=N_("An organisation must be able to show whom it decided about, and why."),
        withheld=("decided_by",),
    ),
    PersonalTable(
        table="decision",
        owner="tenant",
        person_column="decided_by",
        purpose=Localised(
            en="Decisions about candidates that you made",
            fr="Les décisions que vous avez prises sur des candidatures",
            ar="القرارات التي اتخذتها بشأن ترشيحات",
        ),
        columns=("decided_by_name", "reason", "decided_at"),
        ground="duty",
        erasure="keep",
        kept_because=N_("A decision stands in the name of the person who made it."),
    ),
)
