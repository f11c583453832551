"""A score comes apart exactly: the contributions add up to it, whatever the vectors are."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.pooling import (
    DIMENSIONS,
    KIND_WEIGHTS,
    RECENCY_FLOOR,
    RECENCY_HALF_LIFE_DAYS,
    contributions,
    evidence_weight,
    pooled,
)

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def side(seed: int, count: int, scale: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    vectors = (random.standard_normal((count, DIMENSIONS)) * scale).astype(np.float32)
    return vectors, random.uniform(0.05, 1, count)


@given(
    seed=st.integers(0, 2**32),
    proven=st.integers(1, 40),
    required=st.integers(1, 40),
    scale=st.sampled_from([1e-3, 1.0, 50.0]),
)
def test_contributions_add_up_to_the_cosine_of_the_pooled_sides(
    seed: int, proven: int, required: int, scale: float
) -> None:
    held, held_weights = side(seed, proven, scale)
    asked, asked_weights = side(seed + 1, required, 1.0)
    amounts = contributions(held, held_weights, asked, asked_weights)
    score = float(pooled(held, held_weights) @ pooled(asked, asked_weights))
    assert amounts.shape == (proven, required)
    assert abs(float(amounts.sum()) - score) < 1e-9
    assert -1 - 1e-9 <= score <= 1 + 1e-9


def test_a_side_that_cancels_out_gives_nothing_and_no_number_that_is_none() -> None:
    opposite = np.array([[1.0] + [0.0] * 95, [-1.0] + [0.0] * 95], np.float32)
    amounts = contributions(opposite, np.ones(2), opposite[:1], np.ones(1))
    assert not amounts.any()
    assert not pooled(opposite, np.ones(2)).any()


@given(
    level=st.integers(1, 4),
    kind=st.sampled_from(sorted(KIND_WEIGHTS)),
    days=st.integers(0, 20_000),
)
def test_a_proof_weighs_something_and_never_more_with_age_or_at_a_lower_level(
    level: int, kind: str, days: int
) -> None:
    proven_at = AS_OF - timedelta(days=days)
    weight = evidence_weight(level, kind, proven_at, AS_OF)
    assert 0 < weight <= 1
    assert evidence_weight(level, kind, proven_at - timedelta(days=400), AS_OF) <= weight
    if level > 1:
        assert evidence_weight(level - 1, kind, proven_at, AS_OF) < weight


def test_a_proof_halves_in_its_half_life_and_stops_at_the_floor() -> None:
    half = AS_OF - timedelta(days=RECENCY_HALF_LIFE_DAYS)
    ancient = AS_OF - timedelta(days=RECENCY_HALF_LIFE_DAYS * 10)
    assert evidence_weight(4, "exam", half, AS_OF) == pytest.approx(0.5)
    assert evidence_weight(4, "exam", ancient, AS_OF) == RECENCY_FLOOR
    assert evidence_weight(4, "exam", AS_OF + timedelta(days=1), AS_OF) == 1.0
