"""From evidence and requirements to weights, and from weights to a score. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from msgspec import Struct

from ml.pooling import Floats, Vectors, evidence_weight, pooled
from passerelle.skills.model import Evidence


class Side(Struct, frozen=True):
    """One side of a match: skills, their vectors (float32, a row each) and their weights."""

    skill_ids: list[UUID]
    vectors: Vectors
    weights: Floats

    def unit(self) -> Floats:
        """The pooled vector, unit length."""
        return pooled(self.vectors, self.weights)


def proven_side(evidence: Iterable[Evidence], vectors: Mapping[UUID, Any], as_of: datetime) -> Side:
    """What a person has proven: each skill once, by its best proof.

    A skill that the model has no vector for counts nothing: the next training learns it.
    """
    best: dict[UUID, float] = {}
    for one in evidence:
        if one.skill_id in vectors and (one.expires_at is None or one.expires_at > as_of):
            weight = evidence_weight(one.level, one.kind, one.proven_at, as_of)
            best[one.skill_id] = max(weight, best.get(one.skill_id, 0.0))
    return _side(sorted(best.items()), vectors)


def required_side(weights: Mapping[UUID, float], vectors: Mapping[UUID, Any]) -> Side:
    """What a requisition asks for, as far as the model knows it."""
    known = {skill_id: weight for skill_id, weight in weights.items() if skill_id in vectors}
    return _side(sorted(known.items()), vectors)


def _side(weighted: Sequence[tuple[UUID, float]], vectors: Mapping[UUID, Any]) -> Side:
    ids = [skill_id for skill_id, _ in weighted]
    rows = np.array([vectors[skill_id] for skill_id in ids], np.float32)
    weights = np.array([weight for _, weight in weighted], np.float64)
    return Side(ids, rows, weights)
