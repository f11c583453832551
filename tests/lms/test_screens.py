"""The room's pages, looked at by a real Chromium in each language, on a phone and on a desk."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from playwright.async_api import Browser

from passerelle.kernel.actor import Actor
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants.access.sessions import COOKIE, Sessions
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.lms.connected import Connected
from tests.lms.learner import Learner

LOOKS = [("en", False, True), ("fr", False, False), ("ar", True, False), ("fr", True, True)]


@pytest.fixture(scope="module")
async def served(app: Litestar, settings: Settings) -> AsyncIterator[str]:
    async with serving(app) as address:
        yield address


async def cookie(app: Litestar, served: str, learner: Learner, locale: str) -> dict[str, str]:
    """The session of someone who both learns and runs the LMS, to look at all of it at once."""
    sessions: Sessions = app.state.sessions
    connected: Connected = learner.connected
    actor = Actor(
        kind="person",
        display_name="Amina Bennani",
        person_id=learner.person_id,
        tenant_id=connected.tenant_id,
        tenant_slug=connected.people.slug,
        tenant_name=Localised("Region", "Region", "Region"),
        permissions=frozenset({"learn", "tenant.admin"}),
        locale=locale,  # type: ignore[arg-type]
        origin="keycloak",
    )
    token = (await sessions.open(actor)).split(";", 1)[0].split("=", 1)[1]
    return {"name": COOKIE, "value": token, "url": f"{served}/t/{connected.people.slug}"}


@pytest.mark.parametrize(("language", "phone", "dark"), LOOKS)
async def test_the_pages_hold(
    app: Litestar,
    served: str,
    browser: Browser,
    learner: Learner,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    learner.plan(["fail"] * 40)
    await learner.finish_exam(6)
    await learner.deliver(rounds=learner.work.settings.delivery_attempts + 2)
    cookies = [await cookie(app, served, learner, language)]
    for path in ("lms", "learn/grade"):
        visit = await visit_page(
            browser,
            f"{served}/t/region/{path}",
            language=language,
            phone=phone,
            dark=dark,
            cookies=cookies,
        )
        await assert_page_holds(visit)
        device = "phone" if phone else "desk"
        await screenshot(visit.page, f"lms-{path.replace('/', '-')}-{language}-{device}")
        await visit.context.close()
