"""Training: from a taxonomy to the vectors of its skills. Deterministic for a seed and a machine.

It runs in a process of its own (ml.training_process), on the CPU, and can be killed at any moment:
a checkpoint lies beside it, and the same call goes on from there.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ml.adam import Adam
from ml.artefact import Artefact
from ml.data import TrainingData
from ml.problems import TrainingFailed
from ml.sampling import PairSampler
from ml.text_base import encode_many, fit_text_encoder
from ml.towers import Towers, sampled_softmax_loss
from ml.training_settings import Progress, TrainingSettings

CHECK_PAIRS = 256
CHECK_SEED = 7
WARM_UP_STEPS = 20
PAIRS_OF_AN_OCCUPATION = 4


Watcher = Callable[[Progress], None]


def train(
    data: TrainingData,
    settings: TrainingSettings,
    *,
    watch: Watcher | None = None,
    checkpoint: Path | None = None,
    served_texts: list[str] | None = None,
) -> Artefact:
    """A model of the data. Goes on from `checkpoint` where there is one of the same settings.

    `served_texts` are the skills' names to make vectors of, where nothing may be learned of some.
    Raises TrainingFailed where the loss is no number or the model no better than untrained.
    """
    torch.set_num_threads(settings.threads)
    seeded = torch.Generator().manual_seed(settings.seed)
    encoder, text_vectors = fit_text_encoder(data.texts, seeded)
    if served_texts is not None:
        text_vectors = encode_many(encoder, served_texts)
    if not settings.with_text:
        noise = torch.randn(text_vectors.shape, generator=seeded)
        text_vectors = functional.normalize(noise, dim=1)
    towers = Towers(text_vectors)
    before = accuracy(towers, data)
    began = time.perf_counter()
    pairs = _steps(towers, data, settings, watch, checkpoint)
    seconds = time.perf_counter() - began
    after = accuracy(towers, data)
    if not after > before:
        raise TrainingFailed(f"accuracy {after:.3f} after training, {before:.3f} before")
    with torch.no_grad():
        as_evidence, as_requirement = towers.skill_vectors()
    return Artefact(
        skill_ids=data.skill_ids,
        as_evidence=as_evidence.numpy(),
        as_requirement=as_requirement.numpy(),
        rarity=encoder.rarity,
        table=encoder.table,
        turn=towers.turn.detach().numpy(),
        metrics={
            "accuracy_untrained": before,
            "accuracy": after,
            "scale": float(towers.scale.detach().exp()),
            "seconds": seconds,
            "pairs_per_second": pairs / seconds if seconds else 0.0,
        },
    )


def accuracy(towers: Towers, data: TrainingData) -> float:
    """How often a requisition's own candidate is the first of CHECK_PAIRS, on fixed pairs."""
    batch = PairSampler(data, CHECK_SEED).draw(CHECK_PAIRS, 0)
    with torch.no_grad():
        scores = towers(batch)
    own = torch.eye(CHECK_PAIRS, dtype=torch.bool)
    first = scores.masked_fill(batch.same & ~own, float("-inf")).argmax(dim=1)
    return float((first == torch.arange(CHECK_PAIRS)).double().mean())


def _steps(
    towers: Towers,
    data: TrainingData,
    settings: TrainingSettings,
    watch: Watcher | None,
    checkpoint: Path | None,
) -> int:
    """Runs the steps that are left; returns how many pairs it learned from."""
    sampler = PairSampler(data, settings.seed)
    # More of the same few occupations are no more negatives.
    pairs = min(settings.pairs, PAIRS_OF_AN_OCCUPATION * len(data.needs))
    optimizer = Adam(towers.parameters())
    first = _resumed(towers, optimizer, sampler, settings, checkpoint)
    began = time.perf_counter()
    for step in range(first, settings.steps):
        batch = sampler.draw(pairs, min(settings.hard_negatives, pairs))
        loss = sampled_softmax_loss(towers(batch), batch, corrected=settings.corrected)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(settings.learning_rate * _pace(step, settings.steps))
        value = float(loss.detach())
        if not np.isfinite(value):
            raise TrainingFailed(f"the loss is {value} at step {step}")
        done = step + 1
        if watch:
            speed = (done - first) * pairs / (time.perf_counter() - began)
            watch(Progress(done, settings.steps, value, speed))
        if checkpoint and done % settings.checkpoint_steps == 0 and done < settings.steps:
            _save(towers, optimizer, sampler, settings, done, checkpoint)
    return (settings.steps - first) * pairs


def _pace(step: int, steps: int) -> float:
    """Up within WARM_UP_STEPS, then down to nearly nothing."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * max(1 - step / steps, 0.001)


def _save(
    towers: Towers,
    optimizer: Adam,
    sampler: PairSampler,
    settings: TrainingSettings,
    step: int,
    path: Path,
) -> None:
    """Whole or not at all: written beside, then moved into place."""
    beside = path.with_suffix(".part")
    torch.save(
        {
            "settings": repr(settings),
            "step": step,
            "towers": towers.state_dict(),
            "optimizer": optimizer.state_dict(),
            "generator": sampler.generator.get_state(),
        },
        beside,
    )
    beside.replace(path)


def _resumed(
    towers: Towers,
    optimizer: Adam,
    sampler: PairSampler,
    settings: TrainingSettings,
    path: Path | None,
) -> int:
    """The step to go on from: 0 where there is no checkpoint of this training."""
    if path is None or not path.is_file():
        return 0
    try:
        held = torch.load(path, weights_only=True)
        if held["settings"] != repr(settings):
            return 0
        towers.load_state_dict(held["towers"])
        optimizer.load_state_dict(held["optimizer"])
        sampler.generator.set_state(held["generator"])
        return int(held["step"])
    except (OSError, RuntimeError, KeyError, ValueError, EOFError):
        # A cut checkpoint costs time, nothing else.
        return 0
