"""The pages of organisations on a phone and a desk, in three languages, light and dark."""

import pytest
from litestar import Litestar
from playwright.async_api import Browser, expect

from passerelle.kernel.database import Database
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import create_people
from tests.people.sessions import cookie
from tests.tenants.organisations.factories import administrator, plant_ministry

FACES = [("en", False, False), ("fr", True, False), ("fr", False, True), ("ar", True, False)]


@pytest.mark.parametrize(("language", "phone", "dark"), FACES)
async def test_the_pages_of_units_hold(
    browser: Browser, app: Litestar, database: Database, language: str, phone: bool, dark: bool
) -> None:
    people = await create_people(database, f"looks-{language}-{phone:d}{dark:d}")
    units = await plant_ministry(database, people)
    hospitals, north = units["hospitals"], units["hospitals-north"]
    pages = {
        "units": "/units",
        "unit": f"/units?unit={hospitals}&done=renamed",
        "found": "/units?q=hospitals&closed=yes",
        "nothing": "/units?q=zzz",
        "new": f"/units/new?below={hospitals}",
        "rename": f"/units/{north}/rename",
        "move": f"/units/{hospitals}/move?q=care",
        "move-check": f"/units/{hospitals}/move?to={units['care']}",
        "close": f"/units/{units['people']}/close",
        "close-not": f"/units/{hospitals}/close",
        "import": "/units/import",
    }
    session = await cookie(app, administrator(people, language))
    shape = f"{language}-{'phone' if phone else 'desktop'}{'-dark' if dark else ''}"
    async with serving(app) as address:
        for name, path in pages.items():
            visit = await visit_page(
                browser,
                f"{address}/t/{people.slug}{path}",
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            await assert_page_holds(visit)
            await screenshot(visit.page, f"organisations-{name}-{shape}")
            await visit.context.close()


async def test_the_tree_is_moved_through_with_the_arrow_keys(
    browser: Browser, app: Litestar, database: Database
) -> None:
    people = await create_people(database, "keyed-tree")
    await plant_ministry(database, people)
    session = await cookie(app, administrator(people))
    async with serving(app) as address:
        visit = await visit_page(browser, f"{address}/t/{people.slug}/units", cookies=[session])
        page = visit.page
        items = page.locator("[role=treeitem]")
        await items.first.focus()
        await page.keyboard.press("ArrowDown")
        await expect(items.nth(1)).to_be_focused()
        await page.keyboard.press("h")
        await expect(items.filter(has_text="Human resources")).to_be_focused()
        await page.keyboard.press("Home")
        await page.keyboard.press("ArrowRight")
        await expect(items.filter(has_text="Directorate of hospitals")).to_be_focused()
        await page.keyboard.press("ArrowRight")
        north = items.filter(has_text="Hospitals of the north")
        await expect(north).to_be_visible()
        # The branch is open now, and the keys go on from where they were.
        await expect(items.filter(has_text="Directorate of hospitals")).to_be_focused()
        await page.keyboard.press("ArrowRight")
        await expect(north).to_be_focused()
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("ArrowLeft")
        await expect(items.first).to_be_focused()
        await visit.context.close()
