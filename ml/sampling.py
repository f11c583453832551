"""Pairs to learn from: a requisition and a candidate drawn from the same occupation's needs.

Requisition: 50–90 % of the essential skills (weight 1), 10–30 % of the optional ones (.4).
Candidate: 30–70 % and 10–40 %, plus a quarter of random other skills, at levels 1 to 4. In half of
the pairs the occupation's skills are split between the two sides, so that no skill is shared and
the model has to learn which skills go together.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ml.data import TrainingData, padded
from ml.pooling import LEVEL_WEIGHTS

NOISE_SHARE = 0.25
DISJOINT_SHARE = 0.5
OPTIONAL_WEIGHT = 0.4
#: Occupations with many skills are drawn more often, as they would be in real data.
POPULARITY_POWER = 0.5
#: ISCO's minor group: the occupations that are hardest to tell apart.
NEAR_DIGITS = 3


class Side(NamedTuple):
    """The skills of `size` requisitions or candidates, one after the other.

    Entry k belongs to row `rows[k]` (ascending), is skill `skills[k]` and weighs `weights[k]`.
    """

    rows: Tensor
    skills: Tensor
    weights: Tensor
    size: int


class Batch(NamedTuple):
    """`requisitions` (n rows) and `candidates` (n + hard negatives); row i matches row i.

    `log_chance` is the log of the chance with which each candidate's occupation is drawn;
    `same` marks candidates of the requisition's own occupation, or of one that needs the same.
    """

    requisitions: Side
    candidates: Side
    log_chance: Tensor
    same: Tensor


class Drawn(NamedTuple):
    """All skills of drawn occupations: whose each is, and whether it is essential there."""

    rows: Tensor
    skills: Tensor
    essential: Tensor
    size: int


class PairSampler:
    """Draws batches. The same seed draws the same batches."""

    def __init__(self, data: TrainingData, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        rows = [[*need.essential, *need.optional] for need in data.needs]
        self._skills = torch.tensor([place for row in rows for place in row])
        self._lengths = torch.tensor([len(row) for row in rows])
        self._starts = self._lengths.cumsum(0) - self._lengths
        essential = torch.tensor([len(need.essential) for need in data.needs])
        self._essential = _within(self._lengths) < essential.repeat_interleave(self._lengths)
        self._used = torch.unique(self._skills)
        self._kin = _kin([tuple(sorted(need.essential)) for need in data.needs])
        self._chance = essential.double() ** POPULARITY_POWER
        self._chance /= self._chance.sum()
        self._near, self._near_count = _near([need.isco[:NEAR_DIGITS] for need in data.needs])
        self._near_chance = self._chance_of_near()

    def draw(self, pairs: int, hard_negatives: int) -> Batch:
        """`pairs` pairs, and for the first of them a candidate of a near occupation each."""
        own = torch.multinomial(self._chance, pairs, replacement=True, generator=self.generator)
        columns = torch.cat([own, self._near_ones(own[:hard_negatives])])
        asked, offered = self._all_skills(own), self._all_skills(columns)
        ask, offer = self._split(asked, offered)
        same = self._kin[own][:, None] == self._kin[columns][None, :]
        log_chance = torch.log(self._column_chance(pairs, hard_negatives)[columns]).float()
        return Batch(
            self._requisitions(asked, ask), self._candidates(offered, offer), log_chance, same
        )

    def _all_skills(self, occupations: Tensor) -> Drawn:
        lengths = self._lengths[occupations]
        rows = torch.arange(len(occupations)).repeat_interleave(lengths)
        places = self._starts[occupations][rows] + _within(lengths)
        return Drawn(rows, self._skills[places], self._essential[places], len(occupations))

    def _split(self, asked: Drawn, offered: Drawn) -> tuple[Tensor, Tensor]:
        """Which skills each side may use: all, or in a part of the pairs one half each.

        The candidates' first rows are the requisitions' occupations, in the same order.
        """
        mine = self._uniform(len(asked.rows)) < 0.5
        whole = (self._uniform(asked.size) >= DISJOINT_SHARE)[asked.rows]
        theirs = torch.ones(len(offered.rows), dtype=torch.bool)
        theirs[: len(mine)] = whole | ~mine
        return whole | mine, theirs

    def _requisitions(self, asked: Drawn, allowed: Tensor) -> Side:
        taken = self._taken(asked, (0.5, 0.9), (0.1, 0.3)) & allowed
        weights = torch.where(asked.essential, 1.0, OPTIONAL_WEIGHT)
        return Side(asked.rows[taken], asked.skills[taken], weights[taken], asked.size)

    def _candidates(self, offered: Drawn, allowed: Tensor) -> Side:
        taken = self._taken(offered, (0.3, 0.7), (0.1, 0.4)) & allowed
        rows, skills = offered.rows[taken], offered.skills[taken]
        held = torch.bincount(rows, minlength=offered.size)
        # A fraction of a skill is one with that chance.
        also = (held * NOISE_SHARE + self._uniform(offered.size)).long()
        other_rows = torch.arange(offered.size).repeat_interleave(also)
        other = self._used[self._integers(len(self._used), len(other_rows))]
        rows, order = torch.cat([rows, other_rows]).sort(stable=True)
        levels = torch.tensor(LEVEL_WEIGHTS)[self._integers(len(LEVEL_WEIGHTS), len(rows))]
        return Side(rows, torch.cat([skills, other])[order], levels, offered.size)

    def _taken(
        self, drawn: Drawn, essential: tuple[float, float], optional: tuple[float, float]
    ) -> Tensor:
        """A share of each row's skills: how large is drawn for the row, which ones for each."""

        def share(between: tuple[float, float]) -> Tensor:
            low, high = between
            return (low + (high - low) * self._uniform(drawn.size))[drawn.rows]

        chances = torch.where(drawn.essential, share(essential), share(optional))
        return self._uniform(len(drawn.rows)) < chances

    def _near_ones(self, occupations: Tensor) -> Tensor:
        which = self._uniform(len(occupations)) * self._near_count[occupations]
        return self._near[occupations, which.long()]

    def _column_chance(self, pairs: int, hard_negatives: int) -> Tensor:
        """How likely each occupation is among the candidates, given both ways of drawing."""
        drawn = pairs * self._chance + hard_negatives * self._near_chance
        return drawn / (pairs + hard_negatives)

    def _chance_of_near(self) -> Tensor:
        chance = torch.zeros_like(self._chance)
        share = (self._chance / self._near_count)[:, None].expand_as(self._near)
        real = torch.arange(self._near.shape[1])[None, :] < self._near_count[:, None]
        return chance.index_add_(0, self._near[real], share[real])

    def _uniform(self, size: int) -> Tensor:
        return torch.rand(size, generator=self.generator)

    def _integers(self, below: int, size: int) -> Tensor:
        return torch.randint(below, (size,), generator=self.generator)


def _within(lengths: Tensor) -> Tensor:
    """0, 1, 2 … anew for each length."""
    starts = lengths.cumsum(0) - lengths
    return torch.arange(int(lengths.sum())) - starts.repeat_interleave(lengths)


def _kin(needs: list[tuple[int, ...]]) -> Tensor:
    """A number for each occupation, the same for those with the same essential skills."""
    numbers: dict[tuple[int, ...], int] = {}
    return torch.tensor([numbers.setdefault(need, len(numbers)) for need in needs])


def _near(codes: list[str]) -> tuple[Tensor, Tensor]:
    """For each occupation those of its group, and how many they are; itself where it is alone."""
    groups: dict[str, list[int]] = {}
    for place, code in enumerate(codes):
        groups.setdefault(code, []).append(place)
    rows = [
        [other for other in groups[code] if other != place] or [place]
        for place, code in enumerate(codes)
    ]
    counts = np.array([len(row) for row in rows])
    return torch.from_numpy(padded(rows)[0]), torch.from_numpy(counts)
