"""What hiring needs from a room above it: something that ranks people for a requisition.

`ml.serving.matcher` is the adapter; `infra` plugs it in as the dependency `matcher`.
"""

from typing import Protocol
from uuid import UUID

from msgspec import Struct

from passerelle.kernel.database import TenantRead


class RequiredSkill(Struct, frozen=True):
    """One requirement: `weight` in (0, 1], `level` from 1 to 4."""

    skill_id: UUID
    weight: float
    level: int


class RequisitionNeed(Struct, frozen=True):
    """The side of a match that the organisation asks for: skills only, no prose."""

    requisition_id: UUID
    skills: list[RequiredSkill]


class Match(Struct, frozen=True):
    """A person's place in a ranking: `score` is at most 1, higher is better."""

    person_id: UUID
    score: float
    evidence_count: int


class Contribution(Struct, frozen=True):
    """What one proven skill adds to the score by carrying one requirement."""

    evidence_skill_id: UUID
    requirement_skill_id: UUID
    amount: float


class Explanation(Struct, frozen=True):
    """Why a person has this score: the amounts of the contributions add up to it.

    `missing` names the required skills that no evidence of the person carries.
    """

    score: float
    contributions: list[Contribution]
    missing: list[UUID]
    model_version: str


class Matcher(Protocol):
    """Ranks the people whom a tenant may see, on verified evidence only."""

    async def shortlist(
        self, read: TenantRead, requisition: RequisitionNeed, limit: int
    ) -> list[Match]:
        """The best `limit` people with evidence, best first; nobody whose sharing has ended."""
        ...

    async def explain(
        self, read: TenantRead, requisition: RequisitionNeed, person_id: UUID
    ) -> Explanation:
        """The person's score for this requisition, taken apart; zero where no evidence counts."""
        ...
