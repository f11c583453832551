"""The shortlist: who stands in a stage, in the order of what they have proven."""

from uuid import UUID

from passerelle.hiring import candidate_store, store
from passerelle.hiring.model import (
    Candidate,
    Requirement,
    Requisition,
    Shortlist,
    Stage,
    Standing,
    candidate_code,
)
from passerelle.hiring.ports import Explanation, Matcher, RequiredSkill, RequisitionNeed
from passerelle.kernel.database import TenantRead
from passerelle.kernel.errors import NotFound


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
    first = stages[0].id
    wanted = need(requisition, await store.requirements(read, requisition.id))
    counts = {
        one.stage_id: one.people
        for one in await candidate_store.stage_counts(read, requisition.id, first)
    }
    people = counts.get(stage.id, 0)
    everyone = sum(counts.values())
    # Of the best n, at most those who stand elsewhere are not of the first stage.
    limit = min(show + everyone - people, everyone) if stage.id == first else everyone
    matches = await matcher.shortlist(read, wanted, limit) if limit else []
    ids = [match.person_id for match in matches]
    standings = await candidate_store.standings(read, requisition.id, first, ids)
    here = {one.person_id: one for one in standings if one.stage_id == stage.id}
    ranked = [(match, here[match.person_id]) for match in matches if match.person_id in here]
    lines = [
        _candidate(requisition, standing, place, max(match.score, 0.0), match.evidence_count)
        for place, (match, standing) in enumerate(ranked[:show], 1)
    ]
    if len(lines) < show:
        besides = await candidate_store.standings_besides(
            read, requisition.id, first, stage.id, ids, show - len(lines)
        )
        lines += [_candidate(requisition, one, None, 0.0, one.evidence_count) for one in besides]
    return Shortlist(stage, lines, counts, people)


def _candidate(
    requisition: Requisition,
    standing: Standing,
    rank: int | None,
    score: float,
    evidence_count: int,
) -> Candidate:
    return Candidate(
        person_id=standing.person_id,
        code=candidate_code(requisition.code_key, standing.person_id),
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
