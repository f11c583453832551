"""An explanation in words: names of skills instead of identifiers, and what would close a gap."""

from uuid import UUID

from msgspec import Struct

from passerelle.hiring import store
from passerelle.hiring.model import Requirement
from passerelle.hiring.ports import Contribution, Explanation
from passerelle.kernel.database import TenantRead
from passerelle.kernel.language import Localised
from passerelle.skills import store as skills
from passerelle.skills.model import Evidence


class ProvenSkill(Struct, frozen=True):
    """A skill on the candidate's bank, by its best evidence; None where that has just gone."""

    skill_id: UUID
    label: str
    evidence: Evidence | None
    amount: float


class CarriedRequirement(Struct, frozen=True):
    """A requirement on the other bank; without an amount it is missing, and `closes_with` names
    the achievements of the organisation that would prove it."""

    skill_id: UUID
    label: str
    level: int
    desired: bool
    amount: float
    missing: bool
    closes_with: list[Localised]


class Span(Struct, frozen=True):
    """What one proven skill adds by carrying one requirement."""

    proven: ProvenSkill
    requirement: CarriedRequirement
    amount: float


class ExplanationShown(Struct, frozen=True):
    """Everything the explanation page draws; the spans' amounts add up to the score."""

    score: float
    model_version: str
    proven: list[ProvenSkill]
    requirements: list[CarriedRequirement]
    spans: list[Span]

    @property
    def carried(self) -> int:
        """How many requirements some proven skill carries."""
        return sum(not one.missing for one in self.requirements)


def _total(
    contributions: list[Contribution], evidence: UUID | None, requirement: UUID | None
) -> float:
    return sum(
        one.amount
        for one in contributions
        if evidence in (None, one.evidence_skill_id)
        and requirement in (None, one.requirement_skill_id)
    )


def _best(evidence: list[Evidence]) -> dict[UUID, Evidence]:
    """One row a skill: of the highest level, the latest."""
    best: dict[UUID, Evidence] = {}
    for one in evidence:
        kept = best.get(one.skill_id)
        if kept is None or (one.level, one.proven_at) > (kept.level, kept.proven_at):
            best[one.skill_id] = one
    return best


async def in_words(
    read: TenantRead,
    explanation: Explanation,
    requirements: list[Requirement],
    person_id: UUID,
    locale: str,
) -> ExplanationShown:
    """The explanation with names in `locale`; proven skills that add most come first."""
    evidence = _best(await skills.shared_evidence(read, [person_id]))
    carrying = [one.evidence_skill_id for one in explanation.contributions]
    named = {*evidence, *carrying, *(one.skill_id for one in requirements)}
    labels = await skills.labels(read, list(named), locale)
    closers = await store.achievements_proving(read, explanation.missing)
    contributions = explanation.contributions
    proven = {
        skill_id: ProvenSkill(
            skill_id=skill_id,
            label=labels.get(skill_id, ""),
            evidence=evidence.get(skill_id),
            amount=_total(contributions, skill_id, None),
        )
        for skill_id in {*evidence, *carrying}
    }
    asked = {
        one.skill_id: CarriedRequirement(
            skill_id=one.skill_id,
            label=labels.get(one.skill_id, ""),
            level=one.level,
            desired=one.desired,
            amount=_total(contributions, None, one.skill_id),
            missing=one.skill_id in explanation.missing,
            closes_with=closers.get(one.skill_id, []),
        )
        for one in requirements
    }
    spans = [
        Span(proven[one.evidence_skill_id], asked[one.requirement_skill_id], one.amount)
        for one in contributions
        if one.requirement_skill_id in asked
    ]
    return ExplanationShown(
        score=explanation.score,
        model_version=explanation.model_version,
        proven=sorted(proven.values(), key=lambda one: (-one.amount, one.label)),
        requirements=sorted(asked.values(), key=lambda one: (one.missing, -one.amount)),
        spans=sorted(spans, key=lambda one: -one.amount),
    )
