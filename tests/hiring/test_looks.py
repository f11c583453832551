"""Hiring's pages on a phone and a desk, in three languages, light and dark."""

from uuid import UUID

import pytest
from litestar import Litestar
from msgspec import Struct
from msgspec.structs import replace
from playwright.async_api import Browser, expect

from infra.seed import hiring as seed
from ml.serving.embedding import embed_candidates
from passerelle.hiring.model import Requisition, Stage
from passerelle.kernel.database import Database
from passerelle.kernel.language import Localised
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import People
from tests.hiring.factories import move, recruiter, stages_of
from tests.people.sessions import cookie

Tenants = tuple[People, People]
CANDIDATES = 10
SHOP = Localised("Retail group", "Groupe de distribution", "مجموعة التوزيع")
# Looked at in every language and size; the others once in each language.
EVERYWHERE = {"shortlist", "candidate", "decide"}
ONCE = {("en", False), ("fr", True), ("ar", False)}

GROUP = Localised("Retail group", "Groupe de magasins", "مجموعة متاجر")


class Opened(Struct):
    """A requisition, its stages, and people; the first one stands in the second stage."""

    requisition: Requisition
    stages: list[Stage]
    candidates: list[UUID]


pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture(scope="module")
async def opened(database: Database, two_tenants: Tenants, model: None) -> Opened:
    """The demonstration's requisition, and its candidates."""
    retail = two_tenants[1]
    async with database.tenant(retail.tenant_id, recruiter(retail)) as tx:
        requisition = await seed.open_requisition(tx)
    candidates = await seed.create_candidates(database, retail.tenant_id, CANDIDATES)
    async with database.tenant(retail.tenant_id, recruiter(retail)) as tx:
        await embed_candidates(tx, candidates)
    stages = await stages_of(database, retail, requisition)
    await move(database, retail, requisition.id, candidates[0], stages)
    return Opened(requisition, stages, candidates)


@pytest.mark.parametrize(
    ("language", "phone", "dark"),
    [
        ("en", True, False),
        ("en", False, True),
        ("fr", True, False),
        ("fr", False, False),
        ("ar", True, True),
        ("ar", False, False),
    ],
)
async def test_each_page_of_a_recruiter_holds(
    browser: Browser,
    app: Litestar,
    two_tenants: Tenants,
    opened: Opened,
    language: str,
    dark: bool,
    phone: bool,
) -> None:
    retail = two_tenants[1]
    requisition, stages = opened.requisition, opened.stages
    moved, _, ranked, _, unproven = opened.candidates[:5]
    pages = {
        "requisitions": "",
        "nothing-fits": "?q=zzz",
        "new": "/new",
        "shortlist": f"/{requisition.id}",
        "interview": f"/{requisition.id}?stage={stages[1].id}",
        "nobody": f"/{requisition.id}?stage={stages[2].id}",
        "candidate": f"/{requisition.id}/candidates/{moved}",
        "unproven": f"/{requisition.id}/candidates/{unproven}",
        "decide": f"/{requisition.id}/candidates/{ranked}/decide",
    }
    actor = replace(
        recruiter(retail),
        locale=language,
        tenant_name=GROUP,
    )
    session = await cookie(app, actor)
    async with serving(app) as address:
        for name, path in pages.items():
            if name not in EVERYWHERE and (language, phone) not in ONCE:
                continue
            visit = await visit_page(
                browser,
                f"{address}/t/{retail.slug}/hiring{path}",
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            await assert_page_holds(visit)
            shade = "-dark" if dark else ""
            size = "phone" if phone else "desktop"
            await screenshot(visit.page, f"hiring-{name}-{language}-{size}{shade}")
            await visit.context.close()


async def test_a_recruiter_moves_through_the_list_by_keys_and_reads_why_beside_it(
    browser: Browser, app: Litestar, two_tenants: Tenants, opened: Opened
) -> None:
    retail = two_tenants[1]
    session = await cookie(
        app,
        replace(recruiter(retail), tenant_name=GROUP),
    )
    async with serving(app) as address:
        path = f"/t/{retail.slug}/hiring/{opened.requisition.id}"
        visit = await visit_page(browser, address + path, cookies=[session])
        page = visit.page
        links = page.locator("[data-keys=list] .ranked a")
        await expect(links.nth(0)).to_have_attribute("aria-current", "true")
        first = await page.locator("#why h2").inner_text()
        await page.keyboard.press("j")
        await expect(links.nth(1)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(links.nth(1)).to_have_attribute("aria-current", "true")
        await expect(links.nth(0)).not_to_have_attribute("aria-current", "true")
        await expect(page.locator("#why h2")).not_to_have_text(first)
        code = await links.nth(1).locator("bdi").inner_text()
        await expect(page.locator("#why h2")).to_contain_text(code)
        assert page.url == address + path
        await page.keyboard.press("k")
        await expect(links.nth(0)).to_be_focused()
        await assert_page_holds(visit)
        await visit.context.close()


async def test_without_scripts_the_links_lead_to_pages_of_their_own(
    browser: Browser, app: Litestar, two_tenants: Tenants, opened: Opened
) -> None:
    retail = two_tenants[1]
    context = await browser.new_context(java_script_enabled=False)
    await context.add_cookies([await cookie(app, recruiter(retail))])  # type: ignore[list-item]
    page = await context.new_page()
    async with serving(app) as address:
        await page.goto(f"{address}/t/{retail.slug}/hiring/{opened.requisition.id}")
        await page.locator(".ranked a").nth(1).click()
        await page.get_by_text("Decide with a reason").click()
        await page.locator("textarea").fill("Proved the customer skills in a task we watched.")
        await page.locator("main form button").click()
        await expect(page.get_by_role("status").first).to_contain_text("Interview")
    await context.close()
