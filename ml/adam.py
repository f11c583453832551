"""Adam (Kingma and Ba, ICLR 2015, algorithm 1), as plain tensors.

torch.optim loads torch's compiler on its first use: five seconds and 300 MB that a training of
twenty seconds has no use for.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

FIRST_DECAY = 0.9
SECOND_DECAY = 0.99
EPSILON = 1e-8


class Adam:
    """Keeps a mean and a mean square of each parameter's gradient."""

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self._parameters = list(parameters)
        self._means = [torch.zeros_like(one) for one in self._parameters]
        self._squares = [torch.zeros_like(one) for one in self._parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Moves every parameter that has a gradient, then forgets the gradients."""
        self._steps += 1
        mean_part = 1 - FIRST_DECAY**self._steps
        square_part = 1 - SECOND_DECAY**self._steps
        for parameter, mean, square in zip(
            self._parameters, self._means, self._squares, strict=True
        ):
            gradient = parameter.grad
            if gradient is None:
                continue
            mean.lerp_(gradient, 1 - FIRST_DECAY)
            square.mul_(SECOND_DECAY).addcmul_(gradient, gradient, value=1 - SECOND_DECAY)
            scale = (square / square_part).sqrt_().add_(EPSILON)
            parameter.addcdiv_(mean, scale, value=-learning_rate / mean_part)
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        return {"means": self._means, "squares": self._squares, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises RuntimeError where the shapes differ."""
        for own, held in zip(
            (*self._means, *self._squares), (*state["means"], *state["squares"]), strict=True
        ):
            own.copy_(held)
        self._steps = int(state["steps"])
