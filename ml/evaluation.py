"""How good a model is, on pairs whose occupation it has never seen, beside simple methods.

Synthetic: a requisition and its right candidates come from the same occupation's list of skills.
It compares methods; it says nothing of hiring. NumPy only: it takes the model's vectors.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ml.artefact import Artefact
from ml.data import Need, TrainingData, held_out
from ml.pooling import LEVEL_WEIGHTS, Vectors

Matrix = NDArray[np.float32]
Scores = NDArray[np.float32]
ESSENTIAL_MINIMUM = 6
CANDIDATES_EACH = 3
FIRST = 10


class Held(NamedTuple):
    """What one candidate has: skills, each once, and their weights."""

    skills: NDArray[np.int64]
    weights: Matrix


class Pool(NamedTuple):
    """Requisitions (rows × skills, weights) and candidates; whose each is, by the need's place."""

    requisitions: Matrix
    candidates: list[Held]
    wanted: list[int]
    offered: list[int]


class Quality(Struct, frozen=True):
    """Share of a requisition's own candidates among the first ten; mean over requisitions."""

    method: str
    overlapping_recall_at_10: float
    disjoint_recall_at_10: float


def compare(data: TrainingData, models: dict[str, Artefact], seed: int) -> list[Quality]:
    """Each model and each simple method on the same pools; `data` has every concept.

    A model's rows stand in the order of `data.skill_ids`.
    """
    pools = [draw_pool(data, seed, disjoint=disjoint) for disjoint in (False, True)]
    siblings = _siblings(data.needs)
    methods: dict[str, Callable[[Pool], Scores]] = {"Jaccard": jaccard, "TF-IDF": tf_idf}
    for name, model in models.items():
        methods[name] = _towers(model)
    return [
        Quality(name, *(recall(score(pool), pool, siblings) for pool in pools))
        for name, score in methods.items()
    ]


def draw_pool(data: TrainingData, seed: int, *, disjoint: bool) -> Pool:
    """Held-out occupations as requisitions; all of them, three times each, as candidates.

    `disjoint`: each occupation's skills are split, half for each side.
    """
    random = np.random.default_rng([seed, disjoint])
    large = [
        place for place, one in enumerate(data.needs) if len(one.essential) >= ESSENTIAL_MINIMUM
    ]
    wanted = [place for place in large if held_out(data.needs[place].id)]
    halves = {place: _halves(random, data.needs[place], disjoint) for place in large}
    count = len(data.skill_ids)
    requisitions = np.zeros((len(wanted), count), np.float32)
    for row, place in enumerate(wanted):
        essential, optional = halves[place][0]
        requisitions[row, _some(random, optional, 0.1, 0.3)] = 0.4
        requisitions[row, _some(random, essential, 0.5, 0.9)] = 1.0
    offered = [place for place in large for _ in range(CANDIDATES_EACH)]
    candidates = [_candidate(random, halves[place][1], count) for place in offered]
    return Pool(requisitions, candidates, wanted, offered)


def _candidate(random: np.random.Generator, half: "_Half", count: int) -> Held:
    essential, optional = half
    own = [*_some(random, essential, 0.3, 0.7), *_some(random, optional, 0.1, 0.4)]
    noise = random.choice(count, round(0.25 * len(own)), replace=False)
    skills = np.unique([*own, *noise]).astype(np.int64)
    levels = np.array(LEVEL_WEIGHTS, np.float32)
    return Held(skills, random.choice(levels, len(skills)))


def recall(scores: Scores, pool: Pool, siblings: list[int]) -> float:
    """Recall@10. Candidates of another occupation that needs the very same skills are left out."""
    kin = np.array([siblings[place] for place in pool.offered])
    of = np.array(pool.offered)
    found = []
    for row, place in enumerate(pool.wanted):
        other_kin = (kin == siblings[place]) & (of != place)
        ranked = np.argsort(-np.where(other_kin, -np.inf, scores[row]), kind="stable")
        found.append(np.mean(of[ranked[:FIRST]] == place) * FIRST / CANDIDATES_EACH)
    return float(np.mean(found))


def jaccard(pool: Pool) -> Scores:
    """Shared skills over all skills of the two."""
    asked = (pool.requisitions > 0).astype(np.float32)
    shared = np.stack([asked[:, one.skills].sum(axis=1) for one in pool.candidates], axis=1)
    held = np.array([len(one.skills) for one in pool.candidates], np.float32)
    either = asked.sum(axis=1)[:, None] + held[None, :] - shared
    scores: Scores = shared / np.maximum(either, 1)
    return scores


def tf_idf(pool: Pool) -> Scores:
    """Cosine over skills, rare ones weighing more."""
    count = pool.requisitions.shape[1]
    seen = np.bincount(np.concatenate([one.skills for one in pool.candidates]), minlength=count)
    rarity = np.log(len(pool.candidates) / (1 + seen)).astype(np.float32)
    asked = _unit(pool.requisitions * rarity)
    columns = []
    for one in pool.candidates:
        weights = rarity[one.skills]
        norm = float(np.linalg.norm(weights))
        columns.append(asked[:, one.skills] @ (weights / (norm or 1.0)))
    return np.stack(columns, axis=1)


def _towers(model: Artefact) -> Callable[[Pool], Scores]:
    def score(pool: Pool) -> Scores:
        asked = _unit(pool.requisitions @ model.as_requirement)
        held = np.stack([one.weights @ model.as_evidence[one.skills] for one in pool.candidates])
        scores: Scores = asked @ _unit(held).T
        return scores

    return score


def _unit(rows: Vectors) -> Vectors:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = (rows / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit


def _siblings(needs: Sequence[Need]) -> list[int]:
    numbers: dict[tuple[int, ...], int] = {}
    return [numbers.setdefault(tuple(sorted(one.essential)), len(numbers)) for one in needs]


_Half = tuple[list[int], list[int]]


def _halves(random: np.random.Generator, need: Need, disjoint: bool) -> tuple[_Half, _Half]:
    essential = random.permutation(need.essential).tolist()
    optional = random.permutation(need.optional).tolist()
    if not disjoint:
        return (essential, optional), (essential, optional)
    middle, other_middle = len(essential) // 2, len(optional) // 2
    return (essential[:middle], optional[:other_middle]), (
        essential[middle:],
        optional[other_middle:],
    )


def _some(random: np.random.Generator, skills: list[int], low: float, high: float) -> list[int]:
    wanted = round(len(skills) * random.uniform(low, high))
    chosen: list[int] = random.choice(skills, wanted, replace=False).tolist() if wanted else []
    return chosen
