"""Evidence into stored vectors, in the binding of the tenant that it is shared with."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from ml.serving import store
from ml.serving.scoring import proven_side
from ml.serving.store import CANDIDATES_BATCH, CandidateVector
from passerelle.kernel.database import TenantTransaction
from passerelle.skills.model import Evidence
from passerelle.skills.store import shared_evidence


async def embed_candidates(tx: TenantTransaction, person_ids: Sequence[UUID]) -> None:
    """Makes the stored vectors of these people what their shared evidence says now.

    For the model in service and one about to be. Idempotent. Whoever shares nothing that counts
    has no vector afterwards.
    """
    await store.lock_candidates(tx, person_ids)
    evidence = await shared_evidence(tx, person_ids)
    of_person: defaultdict[UUID, list[Evidence]] = defaultdict(list)
    for one in evidence:
        of_person[one.person_id].append(one)
    skills = list({one.skill_id for one in evidence})
    as_of = datetime.now(UTC)
    for model_id in await store.live_models(tx):
        vectors = await store.evidence_vectors(tx, model_id, skills)
        candidates = []
        for person_id, rows in of_person.items():
            side = proven_side(rows, vectors, as_of)
            unit = side.unit().astype(np.float32)
            if side.skill_ids and np.any(unit):
                candidates.append(CandidateVector(person_id, unit, len(side.skill_ids)))
        with_vector = {one.person_id for one in candidates}
        without = [person_id for person_id in person_ids if person_id not in with_vector]
        await store.forget_candidates(tx, model_id, without)
        await store.save_candidates(tx, model_id, candidates)


async def embed_some(tx: TenantTransaction, after: UUID | None) -> UUID | None:
    """Embeds the next CANDIDATES_BATCH people who share; returns the last one, None at the end."""
    people = await store.people_who_share(tx, after, CANDIDATES_BATCH)
    if people:
        await embed_candidates(tx, people)
    return people[-1] if len(people) == CANDIDATES_BATCH else None
