"""The two towers: one turns evidence into a vector, the other a requisition.

They share the direction of a skill (its text's, turned, plus what is learned of the skill itself);
each has its own weight for it. Measured on all of ESCO (R@10 overlapping, disjoint): so .84, .31;
with free weights .82, .31, and then some required skills count for next to nothing; with a turn of
each tower's own as well .75, .28, since a proven skill no longer lies where the same required one
does. Pooling is a weighted sum, so a score comes apart into the contributions of pairs of skills
(see ml.pooling).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.pooling import DIMENSIONS
from ml.sampling import Batch, Side

FIRST_SCALE = 2.5
#: What the model may make of a skill: at most twice or half what the recruiter's weight says.
WEIGHT_LIMIT = 2.0
SCALE_LIMIT = 4.6  # e^4.6 ≈ 100, where a softmax over cosines saturates


class Towers(nn.Module):
    """`text_vectors` has one row a skill; a row of zeros for a skill whose names are unseen."""

    text_vectors: Tensor

    def __init__(self, text_vectors: Tensor) -> None:
        super().__init__()
        skills = len(text_vectors)
        self.register_buffer("text_vectors", text_vectors)
        self.turn = nn.Parameter(torch.eye(DIMENSIONS))
        self.own = nn.Parameter(torch.zeros(skills, DIMENSIONS))
        self.evidence_weight = nn.Parameter(torch.zeros(skills, 1))
        self.requirement_weight = nn.Parameter(torch.zeros(skills, 1))
        self.scale = nn.Parameter(torch.tensor(FIRST_SCALE))

    def skill_vectors(self) -> tuple[Tensor, Tensor]:
        """Every skill as evidence, and as a requirement: a direction, by the tower's weight."""
        directions = functional.normalize(self.text_vectors @ self.turn + self.own, dim=1)
        as_evidence = directions * _bounded(self.evidence_weight)
        return as_evidence, directions * _bounded(self.requirement_weight)

    def forward(self, batch: Batch) -> Tensor:
        """Cosines of requisitions (rows) and candidates (columns), over the temperature."""
        as_evidence, as_requirement = self.skill_vectors()
        requisitions = functional.normalize(pooled(as_requirement, batch.requisitions), dim=1)
        candidates = functional.normalize(pooled(as_evidence, batch.candidates), dim=1)
        scale = self.scale.clamp(max=SCALE_LIMIT).exp()
        scores: Tensor = requisitions @ candidates.T * scale
        return scores


def _bounded(weight: Tensor) -> Tensor:
    """Between 1 / WEIGHT_LIMIT and WEIGHT_LIMIT; 1 for 0."""
    return (math.log(WEIGHT_LIMIT) * weight.tanh()).exp()


def pooled(vectors: Tensor, side: Side) -> Tensor:
    """Each row's weighted sum of its skills' vectors; zeros for a row without any."""
    counts = torch.bincount(side.rows, minlength=side.size)
    return functional.embedding_bag(
        side.skills,
        vectors,
        counts.cumsum(0) - counts,
        mode="sum",
        per_sample_weights=side.weights,
    )


def sampled_softmax_loss(scores: Tensor, batch: Batch, *, corrected: bool = True) -> Tensor:
    """In-batch sampled softmax with the logQ correction (Yi et al., RecSys 2019, section 3).

    Without the correction, occupations that are drawn often are pushed away for being frequent.
    Other candidates of the same occupation are no negatives.
    """
    logits = scores - batch.log_chance if corrected else scores
    own = torch.eye(*scores.shape, dtype=torch.bool)
    logits = logits.masked_fill(batch.same & ~own, float("-inf"))
    return functional.cross_entropy(logits, torch.arange(len(scores)))
