"""What is on the screen of a real Chromium: phone and desktop, light and dark, three languages."""

import pytest
from playwright.async_api import Browser, Page

from tests.browser import (
    Visit,
    assert_accessible,
    assert_page_holds,
    screenshot,
    visit_page,
)

LANGUAGES = ["en", "fr", "ar"]


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_style_guide_holds_everywhere(
    browser: Browser, address: str, language: str, dark: bool, phone: bool
) -> None:
    visit = await visit_page(
        browser, f"{address}/styleguide", language=language, phone=phone, dark=dark
    )
    name = f"styleguide-{language}-{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}"
    await screenshot(visit.page, name)
    await assert_page_holds(visit)
    foreign = [url for url in visit.requests if not url.startswith((address, "data:"))]
    assert not foreign, "a request left for another site"
    await visit.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_error_is_a_page_that_holds(browser: Browser, address: str, language: str) -> None:
    visit = await visit_page(browser, f"{address}/nowhere", language=language, phone=True)
    await screenshot(visit.page, f"problem-{language}-phone")
    # Chromium itself notes the status 404 in the console.
    visit.complaints = [said for said in visit.complaints if "404" not in said]
    await assert_page_holds(visit)
    await visit.context.close()


async def centre(page: Page, selector: str) -> float:
    box = await page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2


async def test_the_bridge_runs_the_other_way_in_arabic(browser: Browser, address: str) -> None:
    sides = {}
    for language in ("en", "ar"):
        visit = await visit_page(browser, f"{address}/styleguide", language=language)
        proven = await centre(visit.page, "svg.bridge .bridge-proof")
        needed = await centre(visit.page, "svg.bridge .bridge-label:not(.bridge-proof)")
        sides[language] = proven < needed
        await visit.context.close()
    assert sides == {"en": True, "ar": False}


async def test_a_phone_shows_the_bridge_stacked_and_a_desktop_drawn(
    browser: Browser, address: str
) -> None:
    for phone in (True, False):
        visit = await visit_page(browser, f"{address}/styleguide", phone=phone)
        assert await visit.page.locator("svg.bridge").is_visible() is not phone
        assert await visit.page.locator(".bridge-stacked").is_visible() is phone
        await visit.context.close()


@pytest.mark.parametrize(
    ("language", "family"), [("fr", "IBM Plex Sans"), ("ar", "IBM Plex Sans Arabic")]
)
async def test_our_own_letters_are_drawn_and_no_more_are_fetched_than_needed(
    browser: Browser, address: str, language: str, family: str
) -> None:
    visit = await visit_page(browser, f"{address}/nowhere", language=language)
    loaded = await visit.page.evaluate(
        "[...document.fonts].filter((one) => one.status === 'loaded').map((one) => one.family)"
    )
    assert family in {name.strip('"') for name in loaded}
    # The name of the Arabic pages stands in Arabic on every page, in one weight.
    scripts = {"fr": "arabic", "ar": "latin-ext"}
    assert len([url for url in visit.requests if scripts[language] in url]) <= 1
    await visit.context.close()


async def test_the_menu_of_a_phone_opens_and_closes_without_a_script(
    browser: Browser, address: str
) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page = await context.new_page()
    await page.goto(f"{address}/styleguide?lang=ar")
    french = page.get_by_role("link", name="Français")
    assert not await french.is_visible()
    await page.get_by_role("button", name="القائمة").click()
    await french.click()
    assert await page.title() == "Guide de style · Passerelle"
    await context.close()


async def test_the_open_menu_of_a_phone_is_accessible(browser: Browser, address: str) -> None:
    visit = await visit_page(browser, f"{address}/styleguide", phone=True)
    await visit.page.get_by_role("button", name="Menu").click()
    await screenshot(visit.page, "menu-en-phone")
    await assert_accessible(visit.page)
    await visit.page.keyboard.press("Escape")
    assert not await visit.page.get_by_role("link", name="Français").is_visible()
    await visit.context.close()


@pytest.mark.parametrize("zoom", [200, 400])
async def test_a_page_reads_without_sideways_scrolling_at(
    browser: Browser, address: str, zoom: int
) -> None:
    """WCAG 2.2, 1.4.10: a window of 1280 px, enlarged, leaves so many CSS pixels."""
    visit: Visit = await visit_page(browser, f"{address}/styleguide")
    await visit.page.set_viewport_size({"width": 1280 * 100 // zoom, "height": 900})
    whole = await visit.page.evaluate("document.documentElement.scrollWidth")
    assert whole <= 1280 * 100 // zoom
    await visit.context.close()


async def test_on_paper_there_is_the_content_alone(browser: Browser, address: str) -> None:
    visit = await visit_page(browser, f"{address}/styleguide")
    await visit.page.emulate_media(media="print")
    assert not await visit.page.locator("footer").is_visible()
    assert await visit.page.locator("h1").is_visible()
    await visit.context.close()
