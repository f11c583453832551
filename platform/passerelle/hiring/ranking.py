"""The shortlist: who stands in a stage, in the order of what they have proven."""

from uuid import UUID

from msgspec import Struct

from passerelle.hiring import candidate_store, store
from passerelle.hiring.model import (
    Candidate,
    Requirement,
    Requisition,
    Shortlist,
    Stage,
    Standing,
    UnrankedStanding,
    candidate_code,
)
from passerelle.hiring.ports import Explanation, Match, Matcher, RequiredSkill, RequisitionNeed
from passerelle.kernel.database import TenantRead
from passerelle.kernel.errors import NotFound

FIRST_SEARCH_PEOPLE = 200


def need(requisition: Requisition, requirements: list[Requirement]) -> RequisitionNeed:
    """What the matcher gets to see of a requisition: skills, weights and levels."""
    skills = [RequiredSkill(one.skill_id, one.weight, one.level) for one in requirements]
    return RequisitionNeed(requisition.id, skills)


async def shortlist(
    read: TenantRead,
    matcher: Matcher,
    requisition: Requisition,
    stages: list[Stage],
    stage: Stage,
    show: int,
) -> Shortlist:
    """The first `show` people of a stage: by score, then those whom nothing ranks.

    Ranks count within the stage. People are read back under row-level security, so nobody
    stands here whose sharing ended while the matcher was searching.
    """
    asked = need(requisition, await store.requirements(read, requisition.id))
    counts = {
        one.stage_id: one.people
        for one in await candidate_store.stage_counts(read, requisition.id, stages[0].id)
    }
    search = _Search(read, matcher, requisition.id, asked, stages[0].id, sum(counts.values()))
    people = counts.get(stage.id, 0)
    if stage.id == stages[0].id:
        ranked, others = await search.first_stage(show, people)
    else:
        ranked, others = await search.later_stage(stage.id, people)
    code_key = requisition.code_key
    lines = [
        _candidate(code_key, standing, place, max(match.score, 0.0), match.evidence_count)
        for place, (match, standing) in enumerate(ranked, 1)
    ]
    lines += [_candidate(code_key, one, None, 0.0, one.evidence_count) for one in others]
    return Shortlist(stage, lines[:show], counts, people)


Found = tuple[list[tuple[Match, Standing]], list[UnrankedStanding]]


class _Search(Struct, frozen=True):
    """Ranked people with where they stand, and those whom nothing ranks, of one stage."""

    read: TenantRead
    matcher: Matcher
    requisition_id: UUID
    asked: RequisitionNeed
    first: UUID
    everyone: int

    async def first_stage(self, show: int, people: int) -> Found:
        """The best of whoever nobody has decided about, or who was sent back."""
        # Of the best n, at most those who stand elsewhere are not of the first stage.
        limit = min(show + self.everyone - people, self.everyone)
        matches = await self.matcher.shortlist(self.read, self.asked, limit) if limit else []
        ids = [match.person_id for match in matches]
        held = await candidate_store.standings(self.read, self.requisition_id, self.first, ids)
        here = {one.person_id: one for one in held if one.stage_id == self.first}
        ranked = [(match, here[match.person_id]) for match in matches if match.person_id in here]
        others = await self._besides(self.first, ids, max(show - len(ranked), 0))
        return ranked, others

    async def later_stage(self, stage: UUID, people: int) -> Found:
        """Everybody who was moved to the stage."""
        inside = await self._besides(stage, [], people)
        matches = await self._matches({one.person_id for one in inside if one.evidence_count})
        here = {one.person_id: one for one in inside}
        ranked: list[tuple[Match, Standing]] = [
            (match, here.pop(match.person_id)) for match in matches
        ]
        return ranked, list(here.values())

    async def _besides(self, stage: UUID, ids: list[UUID], limit: int) -> list[UnrankedStanding]:
        return await candidate_store.standings_besides(
            self.read, self.requisition_id, self.first, stage, ids, limit
        )

    async def _matches(self, wanted: set[UUID]) -> list[Match]:
        """The matches of these people, best first.

        Whoever was moved on mostly stands near the top: the search begins there and widens.
        """
        limit = FIRST_SEARCH_PEOPLE
        while wanted:
            matches = await self.matcher.shortlist(self.read, self.asked, min(limit, self.everyone))
            found = [match for match in matches if match.person_id in wanted]
            if len(found) == len(wanted) or limit >= self.everyone:
                return found
            limit *= 4
        return []


def _candidate(
    code_key: UUID, standing: Standing, rank: int | None, score: float, evidence_count: int
) -> Candidate:
    return Candidate(
        person_id=standing.person_id,
        code=candidate_code(code_key, standing.person_id),
        rank=rank,
        score=score,
        evidence_count=evidence_count,
        stage_id=standing.stage_id,
        display_name=standing.display_name,
    )


async def standing_of(
    read: TenantRead, requisition: Requisition, stages: list[Stage], person_id: UUID
) -> Standing:
    """Where this person stands. Raises NotFound for whoever doesn't share, as for a stranger."""
    found = await candidate_store.standings(read, requisition.id, stages[0].id, [person_id])
    if not found:
        raise NotFound()
    return found[0]


async def explain(
    read: TenantRead, matcher: Matcher, requisition: Requisition, person_id: UUID
) -> Explanation:
    """Why this person has their score. Ask `standing_of` first: it says whether they share."""
    requirements = await store.requirements(read, requisition.id)
    return await matcher.explain(read, need(requisition, requirements), person_id)
