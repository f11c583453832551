"""Clocks: what the worker does by itself every few seconds, such as ending what ran out of time.

A clock finds what is due through a look-up that answers identifiers, and handles each in a bound
transaction of its own; any number of workers may run the same clock.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec

from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from passerelle.kernel.log import logger

log = logger(__name__)

Tick = Callable[[Database], Awaitable[int]]


class Clock(msgspec.Struct, frozen=True):
    name: str
    every_s: float
    tick: Tick


CLOCKS: dict[str, Clock] = {}


def clock(every_s: float) -> Callable[[Tick], Tick]:
    """Registers `async def tick(database) -> int` (how many it handled), run every `every_s`."""

    def register(tick: Tick) -> Tick:
        name = f"{tick.__module__}.{tick.__qualname__}".removeprefix("passerelle.")
        CLOCKS[name] = Clock(name, every_s, tick)
        return tick

    return register


async def run(one: Clock, database: Database, stopping: asyncio.Event) -> None:
    """Ticks until `stopping`; an error is logged and the next tick tries again."""
    while not stopping.is_set():
        try:
            handled = await one.tick(database)
            if handled:
                log.info("clock", clock=one.name, handled=handled)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Problem) as error:
            log.warning("clock failed", clock=one.name, error=f"{type(error).__name__}: {error}")
        try:
            await asyncio.wait_for(stopping.wait(), one.every_s)
        except TimeoutError:
            continue
