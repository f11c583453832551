"""Clocks: what the worker does by itself every few seconds, such as ending what ran out of time.

A clock finds what is due through a look-up that answers identifiers, and handles each in a bound
transaction of its own; any number of workers may run the same clock.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from passerelle.kernel.database import Database
from passerelle.kernel.log import logger
from passerelle.kernel.work import Work

log = logger(__name__)

Tick = Callable[[Database], Awaitable[int]]
WorkTick = Callable[[Work], Awaitable[int]]


class Clock(msgspec.Struct, frozen=True):
    name: str
    every_s: float
    tick: WorkTick


CLOCKS: dict[str, Clock] = {}


def clock(every_s: float) -> Callable[[Tick], Tick]:
    """Registers `async def tick(database) -> int` (how many it handled), run every `every_s`."""

    def register(tick: Tick) -> Tick:
        async def with_database(work: Work) -> int:
            return await tick(work.database)

        _add(tick, every_s, with_database)
        return tick

    return register


def work_clock(every_s: float) -> Callable[[WorkTick], WorkTick]:
    """The same for `async def tick(work) -> int`: a clock that mails, or writes a file."""

    def register(tick: WorkTick) -> WorkTick:
        _add(tick, every_s, tick)
        return tick

    return register


def _add(tick: Tick | WorkTick, every_s: float, run_tick: WorkTick) -> None:
    name = f"{tick.__module__}.{tick.__qualname__}".removeprefix("passerelle.")
    CLOCKS[name] = Clock(name, every_s, run_tick)


async def run(one: Clock, work: Work, stopping: asyncio.Event) -> None:
    """Ticks until `stopping`; an error is logged and the next tick tries again."""
    while not stopping.is_set():
        try:
            handled = await one.tick(work)
            if handled:
                log.info("clock", clock=one.name, handled=handled)
        except Exception as error:
            # Also what is no error of the database's, though it was killed (InternalClientError).
            log.warning("clock failed", clock=one.name, error=f"{type(error).__name__}: {error}")
        try:
            await asyncio.wait_for(stopping.wait(), one.every_s)
        except TimeoutError:
            continue
