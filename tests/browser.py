"""A real Chromium for tests: serve an application, visit it, and judge what is on the screen.

async with serving(app) as address:
    visit = await visit_page(browser, f"{address}/styleguide", language="ar", phone=True)
    await assert_accessible(visit.page)
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import uvicorn
from litestar import Litestar
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from infra.setup import chromium
from infra.setup.places import MADE, WEB

PHONE: Final = (390, 844)
DESKTOP: Final = (1280, 900)
SCREENSHOTS: Final = MADE / "screenshots"
START_LIMIT_S: Final = 20.0

#: What tests ask of a page: `clipped`, `small`.
QUESTIONS: Final = Path(__file__).with_suffix(".js")


class Visit(msgspec.Struct):
    """A page in a context of its own, what its console complained of, and what it asked for."""

    page: Page
    context: BrowserContext
    complaints: list[str]
    requests: list[str]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the run. `make setup` brings it; CHROMIUM may name another."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=str(chromium.executable()), args=list(chromium.ARGUMENTS)
        )
        yield launched
        await launched.close()


@asynccontextmanager
async def serving(app: Litestar, port: int = 0) -> AsyncIterator[str]:
    """The application on this port (0: a free one) of this machine, in this event loop."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(START_LIMIT_S):
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
    bound = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://localhost:{bound}"
    server.should_exit = True
    await running


async def visit_page(
    browser: Browser,
    address: str,
    *,
    language: str = "en",
    phone: bool = False,
    dark: bool = False,
    cookies: list[Any] | None = None,
) -> Visit:
    """Opens `address` as a person with this device and language would."""
    width, height = PHONE if phone else DESKTOP
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale=language,
        has_touch=phone,
        reduced_motion="reduce",
    )
    if cookies:
        await context.add_cookies(cookies)
    page = await context.new_page()
    visit = Visit(page, context, [], [])
    page.on(
        "console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None
    )
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda request: visit.requests.append(request.url))
    await page.goto(address)
    await page.evaluate("document.fonts.ready")
    return visit


async def assert_accessible(page: Page) -> None:
    """axe-core's rules for WCAG 2.2 A and AA, and its best practices."""
    source = (WEB / "node_modules" / "axe-core" / "axe.min.js").read_text()
    await page.evaluate(source)
    report = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [
        f"{violation['id']}: {violation['help']}\n    "
        + "\n    ".join(node["html"][:200] for node in violation["nodes"][:4])
        for violation in report["violations"]
    ]
    assert not found, f"{page.url}\n" + "\n".join(found)


async def assert_nothing_clipped(page: Page) -> None:
    """No sideways scrolling, no text cut by its box, nothing outside the window."""
    found = await _asked(page, "clipped")
    assert not found, f"{page.url}\n" + "\n".join(found)


async def assert_reachable_by_finger(page: Page) -> None:
    """Every control is at least 44 px high."""
    found = await _asked(page, "small")
    assert not found, f"{page.url}\n" + "\n".join(found)


async def _asked(page: Page, question: str) -> list[str]:
    source = QUESTIONS.read_text().rstrip().rstrip(";")
    found: list[str] = await page.evaluate(f"{source}.{question}()")
    return found


async def assert_page_holds(visit: Visit) -> None:
    """All of the above, and a console without a complaint: a policy's violation is one."""
    await assert_accessible(visit.page)
    await assert_nothing_clipped(visit.page)
    await assert_reachable_by_finger(visit.page)
    assert not visit.complaints, json.dumps(visit.complaints, indent=1)


async def screenshot(page: Page, name: str) -> Path:
    """The whole page as `.passerelle/screenshots/<name>.png`."""
    path = SCREENSHOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path, full_page=True, animations="disabled")
    return path
