"""The matcher: hiring's port, over stored vectors.

People are found by their stored vectors, under row-level security, and then scored again from the
evidence that is shared this moment. So the score that orders the list is the very sum that the
explanation shows, and a withdrawn sharing or an expired proof counts no more, whatever is stored.
"""

from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from ml.pooling import contributions, similarities
from ml.problems import NoModelServed
from ml.serving import store
from ml.serving.scoring import Side, proven_side, required_side
from passerelle.hiring.ports import Contribution, Explanation, Match, RequisitionNeed
from passerelle.kernel.database import TenantRead
from passerelle.skills.model import Evidence
from passerelle.skills.store import shared_evidence

#: People beyond these keep the score of their stored vectors.
EXACT_LIMIT = 1_000
#: A requirement is carried where a proven skill is at least this near to it (cosine).
CARRIED_SIMILARITY = 0.5


class StoredVectorMatcher:
    """`passerelle.hiring.ports.Matcher`. Holds nothing: one serves all requests."""

    async def shortlist(
        self, read: TenantRead, requisition: RequisitionNeed, limit: int
    ) -> list[Match]:
        """The best `limit` people with evidence, best first. Raises NoModelServed."""
        model, asked = await _asked(read, requisition)
        if not asked.skill_ids or limit < 1:
            return []
        query = asked.unit()
        found = await store.nearest(read, model.model_id, query.astype(np.float32), limit)
        near, far = found[:EXACT_LIMIT], found[EXACT_LIMIT:]
        proven = await _proven(read, model.model_id, [one.person_id for one in near])
        exact = [
            Match(person_id, float(side.unit() @ query), len(side.skill_ids))
            for person_id, side in proven.items()
        ]
        exact.sort(key=lambda match: (-match.score, match.person_id))
        return exact + [Match(one.person_id, one.score, one.evidence_count) for one in far]

    async def explain(
        self, read: TenantRead, requisition: RequisitionNeed, person_id: UUID
    ) -> Explanation:
        """The person's score taken apart, greatest amounts first. Raises NoModelServed."""
        model, asked = await _asked(read, requisition)
        held = (await _proven(read, model.model_id, [person_id])).get(person_id)
        wanted = [skill.skill_id for skill in requisition.skills]
        if held is None or not asked.skill_ids:
            return Explanation(0.0, [], wanted, str(model.number))
        amounts = contributions(held.vectors, held.weights, asked.vectors, asked.weights)
        parts = [
            Contribution(proven_id, required_id, float(amounts[row, column]))
            for row, proven_id in enumerate(held.skill_ids)
            for column, required_id in enumerate(asked.skill_ids)
        ]
        parts.sort(key=lambda part: -part.amount)
        carried = _carried(held, asked)
        return Explanation(
            score=float(amounts.sum()),
            contributions=parts,
            missing=[skill_id for skill_id in wanted if skill_id not in carried],
            model_version=str(model.number),
        )


async def _asked(read: TenantRead, requisition: RequisitionNeed) -> tuple[store.Requirement, Side]:
    """The served model and the requisition's side under it."""
    weights = {skill.skill_id: skill.weight for skill in requisition.skills}
    rows = await store.requirement_vectors(read, list(weights))
    if not rows:
        raise NoModelServed()
    vectors = {row.skill_id: row.vector for row in rows if row.skill_id is not None}
    return rows[0], required_side(weights, vectors)


async def _proven(read: TenantRead, model_id: UUID, person_ids: list[UUID]) -> dict[UUID, Side]:
    """What each of these people has proven and shares now; nobody without anything."""
    evidence = await shared_evidence(read, person_ids)
    skills = list({one.skill_id for one in evidence})
    vectors = await store.evidence_vectors(read, model_id, skills)
    of_person: defaultdict[UUID, list[Evidence]] = defaultdict(list)
    for one in evidence:
        of_person[one.person_id].append(one)
    as_of = datetime.now(UTC)
    sides = {person: proven_side(rows, vectors, as_of) for person, rows in of_person.items()}
    return {person: side for person, side in sides.items() if side.skill_ids}


def _carried(held: Side, asked: Side) -> set[UUID]:
    """The requirements that the person proved, or proved something near to."""
    nearest = similarities(held.vectors, asked.vectors).max(axis=0)
    proven = set(held.skill_ids)
    return {
        skill_id
        for skill_id, similarity in zip(asked.skill_ids, nearest, strict=True)
        if skill_id in proven or similarity >= CARRIED_SIMILARITY
    }
