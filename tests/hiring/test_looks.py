"""Hiring's pages on a phone and a desk, in three languages, light and dark."""

import pytest
from litestar import Litestar
from msgspec.structs import replace
from playwright.async_api import Browser

from passerelle.hiring.model import Requisition, Stage
from passerelle.kernel.database import Database
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import People
from tests.hiring.factories import open_requisition, recruiter, stages_of
from tests.people.factories import create_person, in_days, share
from tests.people.sessions import cookie

Tenants = tuple[People, People]
pytestmark = pytest.mark.usefixtures("taxonomy")


@pytest.fixture(scope="module")
async def opened(
    database: Database, two_tenants: Tenants, taxonomy: None
) -> tuple[Requisition, list[Stage]]:
    retail = two_tenants[1]
    requisition = await open_requisition(
        database, retail, place="Casablanca", unit="Opérations", closes_on=in_days(30)
    )
    return requisition, await stages_of(database, retail, requisition)


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
    database: Database,
    two_tenants: Tenants,
    opened: tuple[Requisition, list[Stage]],
    language: str,
    dark: bool,
    phone: bool,
) -> None:
    retail = two_tenants[1]
    requisition, stages = opened
    person_id = await create_person(database, "Khadija El Amrani")
    await share(database, person_id, retail.tenant_id)
    candidate = f"{requisition.id}/candidates/{person_id}"
    pages = {
        "requisitions": "",
        "nothing-fits": "?q=zzz",
        "new": "/new",
        "decide": f"/{candidate}/decide?to={stages[1].id}",
    }
    actor = replace(recruiter(retail), locale=language, tenant_name="Retail group")
    session = await cookie(app, actor)
    async with serving(app) as address:
        for name, path in pages.items():
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
