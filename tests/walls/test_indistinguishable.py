""" "It isn't there" and "it isn't yours" are one answer: the same text, in the same time.

Times are of requests that alternate, so that a slow spell touches both; what is compared is the
median. Where a busy machine blurs it, more requests are added, twice at most.
"""

import statistics
import time
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tests.walls.attack import seen
from tests.walls.world import Visitor, World, build, visitor

REQUESTS = 2_000
TRIES = 3
LIMIT_RATIO = 1.05
#: An object by its identifier, and one inside another.
PATHS = {"hiring/{requisition}": REQUESTS // 2, "hiring/{own}/candidates/{person}": REQUESTS}


@pytest.fixture(scope="module")
async def world(database: Database, settings: Settings, superuser: asyncpg.Connection) -> World:
    return await build(database, settings, superuser)


async def timed(visiting: Visitor, path: str) -> float:
    started = time.perf_counter()
    answer = await visiting.send("GET", path, headers={"accept": "application/json"})
    took = time.perf_counter() - started
    assert answer.status_code == 404
    return took


async def alternate(
    visiting: Visitor,
    theirs: str,
    template: str,
    requests: int,
    taken: tuple[list[float], list[float]],
) -> None:
    """So many in turn: for what is theirs, and for what exists nowhere."""
    for number in range(requests // 2):
        made_up = template.replace("*", str(new_id()))
        for side in (0, 1) if number % 2 else (1, 0):
            taken[side].append(await timed(visiting, (theirs, made_up)[side]))


@pytest.mark.parametrize("path", PATHS)
async def test_not_there_and_not_yours_take_the_same_time_and_say_the_same(
    path: str, app: Litestar, settings: Settings, world: World
) -> None:
    base = f"/t/{world.ours.slug}/"
    template = base + path.format(requisition="*", own=world.ours.requisition_id, person="*")
    foreign: UUID = world.theirs.requisition_id if "requisition" in path else world.theirs.person_id
    theirs = template.replace("*", str(foreign))
    async with visitor(app, settings, world.ours.member()) as visiting:
        nowhere = str(new_id())
        one = await visiting.send("GET", theirs)
        other = await visiting.send("GET", template.replace("*", nowhere))
        first, second = seen(one, (str(foreign),)), seen(other, (nowhere,))
        assert first.text.splitlines() == second.text.splitlines()
        assert (first.status, first.headers) == (second.status, second.headers)
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(TRIES):
            await alternate(visiting, theirs, template, PATHS[path], taken)
            not_yours, not_there = (statistics.median(side) for side in taken)
            print(f"{path}: {not_yours * 1e3:.3f} ms theirs, {not_there * 1e3:.3f} ms nowhere")
            if 1 / LIMIT_RATIO <= not_yours / not_there <= LIMIT_RATIO:
                return
        raise AssertionError(f"{path}: {not_yours:.6f} s against {not_there:.6f} s")
