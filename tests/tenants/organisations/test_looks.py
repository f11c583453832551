"""The pages of organisations on a phone and a desk, in three languages, light and dark."""

from typing import Any

import asyncpg
import pytest
from litestar import Litestar
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tenants.access.operator import operator
from tenants.organisations import hosts, sign_up, standing
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import create_people
from tests.people.factories import themselves
from tests.people.sessions import cookie
from tests.tenants.organisations.factories import MINISTRY, administrator, plant_ministry

FACES = [("en", False, False), ("fr", True, False), ("fr", False, True), ("ar", True, False)]


class Looks:
    """Visits pages on one device in one language, holds them to the rules, and keeps a picture."""

    def __init__(self, browser: Browser, address: str, language: str, phone: bool, dark: bool):
        self.browser, self.address = browser, address
        self.face: dict[str, Any] = {"language": language, "phone": phone, "dark": dark}
        self.shape = f"{language}-{'phone' if phone else 'desktop'}{'-dark' if dark else ''}"

    async def at(self, pages: dict[str, str], cookies: list[Any]) -> None:
        for name, path in pages.items():
            visit = await visit_page(
                self.browser, self.address + path, cookies=cookies, **self.face
            )
            await assert_page_holds(visit)
            await screenshot(visit.page, f"organisations-{name}-{self.shape}")
            await visit.context.close()


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
    async with serving(app) as address:
        look = Looks(browser, f"{address}/t/{people.slug}", language, phone, dark)
        await look.at(pages, [session])


@pytest.mark.parametrize(("language", "phone", "dark"), FACES)
async def test_the_pages_of_host_names_and_of_a_suspended_organisation_hold(
    browser: Browser,
    app: Litestar,
    database: Database,
    superuser: asyncpg.Connection,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    people = await create_people(database, f"hosts-{language}-{phone:d}{dark:d}")
    session = await cookie(app, administrator(people, language))
    async with serving(app) as address:
        look = Looks(browser, f"{address}/t/{people.slug}", language, phone, dark)
        await look.at({"hosts-none": "/hosts"}, [session])
        async with database.tenant(people.tenant_id, administrator(people)) as tx:
            for name in (f"academy.{people.slug}.example.org", f"learn.{people.slug}.example.org"):
                await hosts.claim(tx, "http://localhost:8000", name)
        await superuser.execute(
            "update tenant_host set proved_at = now(), checked_at = now(), check_ok = true,"
            " detail = $2 where tenant_id = $1 and host like 'academy.%'",
            people.tenant_id,
            hosts.FOUND,
        )
        await look.at({"hosts": "/hosts?done=not-proved"}, [session])
        await standing.suspend(database, app.state.sessions, people.slug, "Unpaid.", operator())
        look.address = address
        visit = await visit_page(browser, f"{address}/t/{people.slug}/sign-in", **look.face)
        await screenshot(visit.page, f"organisations-suspended-{look.shape}")
        await visit.context.close()


@pytest.mark.parametrize(("language", "phone", "dark"), FACES)
async def test_the_pages_of_a_sign_up_hold_and_lead_from_one_to_the_next(
    browser: Browser,
    app: Litestar,
    database: Database,
    settings: Settings,
    superuser: asyncpg.Connection,
    valkey: Redis,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    for key in [key async for key in valkey.scan_iter("limit:*")]:
        await valkey.delete(key)
    slug = f"school-{language}-{phone:d}{dark:d}"
    async with serving(app) as address:
        look = Looks(browser, address, language, phone, dark)
        visit = await visit_page(browser, f"{address}/organisations/new", **look.face)
        page = visit.page

        async def hold(name: str) -> None:
            await assert_page_holds(visit)
            await screenshot(page, f"organisations-sign-up-{name}-{look.shape}")

        await hold("1-name")
        await _go_on(page)
        visit.complaints.clear()
        await hold("1-name-wrong")
        await page.fill(f"#field-name_{language}", MINISTRY.in_(language))
        await _go_on(page)
        await page.fill("#field-slug", "admin")
        await expect(page.locator("#answer .error")).to_be_visible()
        await page.fill("#field-slug", slug)
        await expect(page.locator("#answer")).to_contain_text(slug)
        visit.complaints.clear()
        await hold("2-address")
        await _go_on(page)
        await hold("3-language")
        await _go_on(page)
        await page.fill("#field-email", "head.of.school@lighthouse.example")
        await hold("4-email")
        await _go_on(page)
        await hold("5-check")
        await _go_on(page)
        await hold("6-sent")
        await visit.context.close()
        row = await superuser.fetchrow("select * from sign_up where slug = $1", slug)
        token = sign_up.token_of(Vault(settings.master_key), row["person_id"], row["id"])
        actor = actors.Actor(**_fields(themselves(new_id(), "Khadija El Amrani"), language))
        pages = {"sign-up-7-confirm": f"/me/organisations/{token}", "front": "/"}
        await look.at(pages, [await cookie(app, actor)])


def _fields(actor: actors.Actor, language: str) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in actor.__struct_fields__} | {"locale": language}


async def _go_on(page: Page) -> None:
    await page.locator("main form .button-primary").click()
    await page.wait_for_load_state()


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
