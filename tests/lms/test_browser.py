"""A launch in a real Chromium: the tool in the LMS's frame, with and without foreign cookies.

The LMS is `lms.localhost`, the tool `localhost`: every cookie of the tool is a third party's.
"""

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from litestar import Litestar
from playwright.async_api import Browser, Frame

from infra.demo.lms.book import User
from infra.demo.lms.server import LmsServer
from infra.servers.process import free_port
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tests.browser import browser as browser
from tests.browser import serving
from tests.conftest import People
from tests.lms.connected import Connected, connect

# Of the DevTools protocol: block cookies of third parties that are not partitioned.
COOKIE_CONTROLS = {
    "enableThirdPartyCookieRestriction": True,
    "disableThirdPartyCookieMetadata": True,
    "disableThirdPartyCookieHeuristics": True,
}
LINK = "ai-fluency-1"


@pytest.fixture(scope="module")
def lms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LmsServer]:
    server = LmsServer(tmp_path_factory.mktemp("lms"), host="lms.localhost")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def settings(settings: Settings, lms: LmsServer) -> Settings:
    port = free_port()
    return msgspec.structs.replace(
        settings,
        public_url=f"http://localhost:{port}",
        web_port=port,
        allowed_private_addresses=frozenset({lms.address}),
    )


@pytest.fixture(scope="module")
async def served(app: Litestar, settings: Settings) -> AsyncIterator[str]:
    async with serving(app, settings.web_port) as address:
        yield address


@pytest.fixture(scope="module")
async def connected(
    database: Database, settings: Settings, lms: LmsServer, two_tenants: tuple[People, People]
) -> Connected:
    return await connect(database, settings, lms, two_tenants[0])


async def launched(
    browser: Browser, lms: LmsServer, connected: Connected, user: User, *, blocked: bool
) -> Frame:
    """The tool's frame in the LMS's page, once the launch has led to a page of ours."""
    lms.add_user(user)
    page = await (await browser.new_context()).new_page()
    if blocked:
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        await session.send("Network.setCookieControls", COOKIE_CONTROLS)
    query = f"user={user.id}&link={LINK}&client={connected.client_id}"
    await page.goto(f"{lms.url}/open?{query}")
    frame = next(one for one in page.frames if one.parent_frame is not None)
    await frame.wait_for_url("**/t/region/learn?**")
    return frame


@pytest.mark.parametrize("blocked", [False, True], ids=["cookies allowed", "cookies blocked"])
async def test_a_launch_opens_the_path_inside_the_lmss_frame_and_its_session_lasts(
    browser: Browser, served: str, lms: LmsServer, connected: Connected, blocked: bool
) -> None:
    user = User(id="framed", name="Amina Bennani", locale="fr")
    frame = await launched(browser, lms, connected, user, blocked=blocked)
    await frame.wait_for_selector("h1")
    assert await frame.get_attribute("html", "lang") == "fr"
    assert frame.url.startswith(served)
    kept = await frame.evaluate(
        """() => {
            document.cookie = "plain=1; SameSite=None; Secure; Path=/";
            document.cookie = "apart=1; SameSite=None; Secure; Path=/; Partitioned";
            return document.cookie;
        }"""
    )
    # Where the browser blocks them, ours live by being partitioned.
    assert "apart=1" in kept
    assert ("plain=1" in kept) != blocked
    await frame.goto(f"{served}/t/region/learn/grade")
    assert "Mes scores" in await frame.inner_text("h1")
    await frame.page.context.close()
