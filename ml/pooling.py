"""The sums that make a score, and that take it apart again. NumPy only: the web process uses it.

A side of a match is a weighted sum of its skills' vectors, and nothing non-linear follows but the
norm. So the score, the cosine of the two sums, is exactly the sum over all pairs of a proven and a
required skill of `w v (a·b) / (|Σ w a| |Σ v b|)`. Everything here is float64; vectors are float32
as stored.
"""

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]

DIMENSIONS = 96
#: How much a proof counts by its level, 1 to 4.
LEVEL_WEIGHTS = (0.4, 0.6, 0.8, 1.0)
#: How much it counts by its kind: what we tested ourselves counts in full.
KIND_WEIGHTS = {"exam": 1.0, "practical": 1.0, "assessor": 0.9, "credential": 0.8}
#: A proof loses half of its weight in this time, but never more than down to the floor.
RECENCY_HALF_LIFE_DAYS = 5 * 365
RECENCY_FLOOR = 0.25


def evidence_weight(level: int, kind: str, proven_at: datetime, as_of: datetime) -> float:
    """What one proof counts for, in (0, 1]. Whole days: a list and its explanation agree."""
    age_days = max((as_of - proven_at).days, 0)
    recency = max(0.5 ** (age_days / RECENCY_HALF_LIFE_DAYS), RECENCY_FLOOR)
    return float(LEVEL_WEIGHTS[level - 1] * KIND_WEIGHTS[kind] * recency)


def pooled(vectors: Vectors, weights: Iterable[float]) -> Floats:
    """The weighted sum, unit length; zero where there is nothing to add."""
    total = np.asarray(list(weights), np.float64) @ vectors.astype(np.float64)
    norm = float(np.linalg.norm(total))
    unit: Floats = total / norm if norm > 0 else np.zeros(vectors.shape[-1], np.float64)
    return unit


def contributions(
    proven: Vectors, proven_weights: Floats, required: Vectors, required_weights: Floats
) -> Floats:
    """What each proven skill (row) adds by each required one (column): together, the score."""
    evidence = proven.astype(np.float64) * proven_weights[:, None]
    need = required.astype(np.float64) * required_weights[:, None]
    norms = float(np.linalg.norm(evidence.sum(axis=0)) * np.linalg.norm(need.sum(axis=0)))
    amounts: Floats = evidence @ need.T
    return amounts / norms if norms > 0 else np.zeros_like(amounts)


def similarities(proven: Vectors, required: Vectors) -> Floats:
    """The cosine of each proven (row) with each required skill (column)."""
    cosines: Floats = unit_rows(proven) @ unit_rows(required).T
    return cosines


def unit_rows(vectors: Vectors) -> Floats:
    """Each row at unit length; rows of zeros stay."""
    rows: Floats = vectors.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = rows / np.where(norms > 0, norms, 1.0)
    return unit
