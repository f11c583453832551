"""Measuring ours and a baseline in turn, in one run, and saying it as one JSON object.

These machines are noisy: ours and the baseline alternate, medians and quartiles of the rounds are
reported, and what counts is the ratio.
"""

import statistics
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

Round = Callable[[], Awaitable[float]]


class Result(msgspec.Struct, kw_only=True, omit_defaults=False):
    bench: str
    metric: str
    unit: str
    ours: float
    baseline_value: float | None
    baseline: str
    ratio: float | None
    better: str
    limit: float
    met: bool
    rounds: int
    q1: float
    q3: float
    extra: dict[str, Any] = {}

    def line(self) -> str:
        """One line of JSON; the figures that an issue names stand beside the common ones."""
        fields = msgspec.structs.asdict(self)
        extra = fields.pop("extra")
        return msgspec.json.encode({**fields, **extra}).decode()


async def compare(
    *,
    bench: str,
    metric: str,
    unit: str,
    ours: Round,
    baseline: Round,
    baseline_name: str,
    limit: float,
    better: str = "higher",
    rounds: int = 9,
    extra: dict[str, Any] | None = None,
) -> Result:
    """Alternates `ours` and `baseline`, each giving its figure for one round, after a warm-up."""
    await ours()
    await baseline()
    our_figures: list[float] = []
    their_figures: list[float] = []
    for number in range(rounds):
        order = [(ours, our_figures), (baseline, their_figures)]
        for measure, figures in order if number % 2 == 0 else reversed(order):
            figures.append(await measure())
    ratios = [one / other for one, other in zip(our_figures, their_figures, strict=True)]
    # The ratio of each round pairs figures of the same moment, so a slow spell touches both.
    ratio = statistics.median(ratios)
    q1, _, q3 = statistics.quantiles(ratios, n=4)
    return Result(
        bench=bench,
        metric=metric,
        unit=unit,
        ours=round(statistics.median(our_figures), 3),
        baseline_value=round(statistics.median(their_figures), 3),
        baseline=baseline_name,
        ratio=round(ratio, 4),
        better=better,
        limit=limit,
        met=ratio >= limit if better == "higher" else ratio <= limit,
        rounds=rounds,
        q1=round(q1, 4),
        q3=round(q3, 4),
        extra=extra or {},
    )
