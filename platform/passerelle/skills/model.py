"""Skills and evidence: their shapes, limits and event."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable, register

SKILL_URI = "http://data.europa.eu/esco/skill/"
OCCUPATION_URI = "http://data.europa.eu/esco/occupation/"

#: Shown wherever people choose or read skills.
ATTRIBUTION = N_("This service uses the ESCO classification of the European Commission.")

SEARCH_LENGTH_LIMIT = 100
SEARCH_RESULTS_LIMIT = 20
LABELS_LIMIT = 1_000
EVIDENCE_BATCH_LIMIT = 100
LEVEL_LIMIT = 4

EvidenceKind = Literal["exam", "practical", "credential", "assessor"]


class SkillLabel(Struct, frozen=True):
    """A skill under its name in one language."""

    id: UUID
    label: str


class OccupationSkill(Struct, frozen=True):
    """A skill that an occupation needs; not essential means that it helps."""

    skill_id: UUID
    essential: bool


class NewEvidence(Struct, frozen=True, kw_only=True):
    """A verified result to be recorded: `level` from 1 to 4, `proven_at` when it was shown."""

    skill_id: UUID
    level: int
    kind: EvidenceKind
    proven_at: datetime
    credential_id: UUID | None = None
    expires_at: datetime | None = None


class Evidence(Struct, frozen=True):
    """A verified result on record."""

    person_id: UUID
    id: UUID
    skill_id: UUID
    level: int
    kind: EvidenceKind
    credential_id: UUID | None
    proven_at: datetime
    expires_at: datetime | None


class EvidenceChanged(Struct, frozen=True):
    """Event `evidence.changed`: these skills of the person are proven anew, or no longer."""

    skill_ids: list[UUID]


class UnknownSkill(Invalid):
    """A skill that is not in the taxonomy; the detail names it."""

    title = N_("This skill is not in the taxonomy")
    mend = N_("Choose a skill from the list.")


class EvidenceInvalid(Invalid):
    """A level outside 1 to 4, dates that can't be, or too much at once; the detail says which."""

    title = N_("This result can't be recorded as evidence")
    mend = N_("Mend what is listed and record it again.")


register(
    PersonalTable(
        table="evidence",
        owner="person",
        purpose=Localised(
            en="What you have proven: it ranks you where you share it",
            fr="Ce que vous avez prouvé : cela vous classe là où vous le partagez",
            ar="ما أثبتّه من مهارات: به يكون ترتيبك حيث تشاركه",
        ),
        columns=("skill_id", "level", "kind", "proven_at", "expires_at"),
    )
)
