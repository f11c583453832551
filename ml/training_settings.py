"""How to train, and how far a training is. No torch: the worker and the command line use it."""

from msgspec import Struct


class TrainingSettings(Struct, frozen=True, kw_only=True):
    """How long and how hard to train. Memory grows with pairs², time with steps × pairs."""

    steps: int = 300
    pairs: int = 1_024
    hard_negatives: int = 64
    learning_rate: float = 0.03
    seed: int = 1
    threads: int = 1
    checkpoint_steps: int = 100
    # For ablations.
    corrected: bool = True
    with_text: bool = True


class Progress(Struct, frozen=True):
    """After `step` of `steps`; the loss is the batch's mean cross-entropy in nats."""

    step: int
    steps: int
    loss: float
    pairs_per_second: float
