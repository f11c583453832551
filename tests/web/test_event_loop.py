"""No page holds up the event loop: while one is made, every other request waits for it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from tests.conftest import People, sign_in, sign_in_person

#: The longest that one step may run before it gives the loop back. Taken as the shortest of VISITS,
#: since a busy machine makes single steps long.
LIMIT_S = 0.1
VISITS = 4


@contextmanager
def longest_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The longest step of the loop, as asyncio's debug mode would report it, in seconds."""
    longest = [0.0]
    run: Any = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        started = time.perf_counter()
        run(handle)
        longest[0] = max(longest[0], time.perf_counter() - started)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", timed)
        yield longest


def pages(app: Litestar, permissions: set[str]) -> list[str]:
    """Every page that opens without an identifier, of those that need these permissions."""
    return sorted(
        route.path.replace("{slug:str}", "region")
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if isinstance(handler, HTTPRouteHandler)
        and "GET" in handler.http_methods
        and "{" not in route.path.replace("{slug:str}", "")
        and (handler.opt.get("permission") == "public" or handler.opt["permission"] in permissions)
    )


async def steps(
    client: httpx.AsyncClient, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, float]:
    """Page → its longest step in seconds; the first visit, which compiles templates, isn't one."""
    found: dict[str, float] = {}
    for path in paths:
        first = await client.get(path, headers={"accept": "text/html"})
        assert first.status_code < 500, (path, first.status_code)
        for _ in range(VISITS):
            with longest_step(monkeypatch) as longest:
                await client.get(path, headers={"accept": "text/html"})
            found[path] = min(found.get(path, 60.0), longest[0])
    return found


async def test_no_page_of_an_organisation_holds_up_the_loop(
    client: httpx.AsyncClient,
    app: Litestar,
    two_tenants: tuple[People, People],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    actor = await sign_in(client, app, two_tenants[0], "owner")
    paths = pages(app, set(actor.permissions) | {"member"})
    assert len(paths) > 20
    found = await steps(client, paths, monkeypatch)
    assert {path: took for path, took in found.items() if took > LIMIT_S} == {}


async def test_no_page_of_a_person_holds_up_the_loop(
    client: httpx.AsyncClient,
    app: Litestar,
    two_tenants: tuple[People, People],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await sign_in_person(client, app, two_tenants[0].learner_id)
    found = await steps(client, pages(app, {"person"}), monkeypatch)
    assert {path: took for path, took in found.items() if took > LIMIT_S} == {}


async def test_the_measure_sees_what_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    with longest_step(monkeypatch) as longest:
        await asyncio.sleep(0.2)
    assert longest[0] < LIMIT_S

    async def blocking() -> None:
        time.sleep(0.2)  # noqa: ASYNC251 - what nobody should do

    with longest_step(monkeypatch) as longest:
        await asyncio.create_task(blocking())
    assert longest[0] >= 0.2
