"""The sign-in pages in a real Chromium: what is seen, and what a real browser's rules allow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from litestar import Litestar
from playwright.async_api import Browser, Page, expect

from passerelle.kernel.settings import Settings
from tenants.access.sessions import COOKIE, Sessions
from tests.browser import Visit, assert_page_holds, screenshot, visit_page
from tests.browser import browser as browser
from tests.integrations.conftest import PASSWORD, House
from tests.integrations.launched import Learner
from tests.integrations.launched import launched as launched
from tests.integrations.launched import own_account as own_account

pytestmark = pytest.mark.usefixtures("served")
LANGUAGES = ["en", "fr", "ar"]
Launch = Callable[..., Awaitable[Learner]]


async def sign_in_at_keycloak(page: Page, email: str) -> None:
    await page.fill("#username", email)
    await page.click("[name=login]")
    await page.fill("#password", PASSWORD)
    await page.click("[name=login]")


async def kept(visit: Visit, name: str, phone: bool) -> None:
    """Takes the picture, then judges the page. The refusal's own status is no complaint."""
    visit.complaints = [said for said in visit.complaints if "status of 4" not in said]
    await screenshot(visit.page, f"{name}-{'phone' if phone else 'desktop'}")
    await assert_page_holds(visit)


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_sign_in_and_the_refusal_hold(
    browser: Browser, house: House, web_settings: Settings, language: str, phone: bool
) -> None:
    address = f"{web_settings.public_url}/t/{house.region[1]}/sign-in"
    visit = await visit_page(browser, address, language=language, phone=phone)
    await kept(visit, f"sign-in-{language}", phone)
    await visit.page.click("main a.button-primary")
    await expect(visit.page.locator("#username")).to_be_visible()
    await screenshot(visit.page, f"sign-in-keycloak-{language}-{'phone' if phone else 'desktop'}")
    assert await visit.page.locator("html").get_attribute("lang") == language
    await sign_in_at_keycloak(visit.page, house.emails["stranger"])
    await expect(visit.page.locator("main")).to_contain_text(house.emails["stranger"])
    await kept(visit, f"sign-in-refused-{language}", phone)
    # The way to another account leads through Keycloak's sign-out, back to the door.
    await visit.page.click("main a.button-primary")
    await visit.page.wait_for_url(f"**/t/{house.region[1]}/sign-in")
    await visit.context.close()


async def test_a_person_signs_in_and_out_with_a_real_browsers_cookies(
    browser: Browser, house: House, web_settings: Settings
) -> None:
    visit = await visit_page(browser, f"{web_settings.public_url}/me/sign-in", language="en")
    page = visit.page
    await page.click("main a.button-primary")
    await sign_in_at_keycloak(page, house.emails["stranger"])
    await page.wait_for_url("**/me")
    cookies = {cookie["name"]: cookie for cookie in await visit.context.cookies()}
    assert cookies[COOKIE]["path"] == "/me"
    assert cookies[COOKIE]["httpOnly"]
    assert cookies[COOKIE]["secure"]
    await page.click("text=Sign out")
    await page.wait_for_url("**/auth/signed-out**")
    await kept(visit, "signed-out-en", False)
    assert COOKIE not in {cookie["name"] for cookie in await visit.context.cookies()}
    await page.goto(f"{web_settings.public_url}/auth/start?{urlencode({'next': '/me'})}")
    await expect(page.locator("#username")).to_be_visible()
    await visit.context.close()


@pytest.fixture
async def lms_page() -> AsyncIterator[Callable[[str], Awaitable[str]]]:
    """A page of another site that shows ours in a frame, as an LMS does; returns its address."""
    servers: list[asyncio.Server] = []

    async def serve(framed: str) -> str:
        body = f'<!doctype html><iframe title="tool" src="{framed}" width="380" height="800">'
        head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n"
        answer = f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        servers.append(await asyncio.start_server(handle, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield serve
    for server in servers:
        server.close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_learner_links_from_an_lmss_frame_through_a_new_window(
    browser: Browser,
    house: House,
    served: Litestar,
    web_settings: Settings,
    launched: Launch,
    own_account: Any,
    lms_page: Callable[[str], Awaitable[str]],
    language: str,
) -> None:
    """The frame's cookies are partitioned: the new window sees none of them, and needs none."""
    slug = house.region[1]
    outer = await lms_page(f"{web_settings.public_url}/t/{slug}/learn/link?lang={language}")
    learner = await launched(frame_origin=outer)
    sessions: Sessions = served.state.sessions
    token = (await sessions.open(learner.actor)).split(";", 1)[0].split("=", 1)[1]
    cookie = {
        "name": COOKIE,
        "value": token,
        "domain": "localhost",
        "path": f"/t/{slug}",
        "secure": True,
        "httpOnly": True,
        "sameSite": "None",
        "partitionKey": "http://127.0.0.1",
    }
    visit = await visit_page(browser, outer, language=language, phone=True, cookies=[cookie])
    frame = visit.page.frame_locator("iframe")
    await expect(frame.locator("h1")).to_be_visible()
    await screenshot(visit.page, f"link-{language}-phone")
    async with visit.context.expect_page() as opened:
        await frame.locator("main a.button-primary").click()
    window = await opened.value
    email, _ = await own_account()
    await sign_in_at_keycloak(window, email)
    await expect(window.locator("main form button").first).to_be_visible()
    question = Visit(window, visit.context, [], [])
    await kept(question, f"link-confirm-{language}", True)
    await window.locator("main form button").first.click()
    await window.wait_for_url("**/me")
    await visit.context.close()
