"""The worker of `fair-share`: the product's own, with two listeners more. Both take 20 ms."""

import asyncio

import msgspec

from infra.worker import broker
from passerelle.kernel.events import Event, worker_listener
from passerelle.kernel.tasks import Work

__all__ = ["broker"]

NOISE = "bench.noise"
QUIET = "bench.quiet"
TASK_S = 0.02
#: Where a quiet task leaves its event's identifier: the effect that is waited for.
EFFECTS_KEY = "bench:effects"


class Task(msgspec.Struct):
    number: int


@worker_listener(NOISE, Task)
async def make_noise(work: Work, event: Event[Task]) -> None:
    await asyncio.sleep(TASK_S)


@worker_listener(QUIET, Task)
async def have_an_effect(work: Work, event: Event[Task]) -> None:
    await asyncio.sleep(TASK_S)
    await work.valkey.lpush(EFFECTS_KEY, str(event.id))
