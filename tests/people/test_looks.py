"""The person's own pages on a phone and a desk, in three languages, light and dark."""

import pytest
from litestar import Litestar
from msgspec.structs import replace
from playwright.async_api import Browser

from passerelle.kernel.database import Database
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import People
from tests.people.factories import create_person, in_days, share, themselves, withdraw
from tests.people.sessions import cookie

Tenants = tuple[People, People]


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
async def test_each_page_of_the_person_holds(
    browser: Browser,
    app: Litestar,
    database: Database,
    two_tenants: Tenants,
    language: str,
    dark: bool,
    phone: bool,
) -> None:
    region, retail = two_tenants
    person_id = await create_person(
        database, "Khadija El Amrani", headline="Agente d’accueil", about="Dix ans.", locale="fr"
    )
    sharing_id = await share(database, person_id, retail.tenant_id)
    await withdraw(database, person_id, await share(database, person_id, region.tenant_id))
    check = f"organisation=retail&until={in_days(90).isoformat()}"
    pages = {
        "home": "/me",
        "share": "/me/sharing/new",
        "check": f"/me/sharing/check?{check}",
        "withdraw": f"/me/sharing/{sharing_id}/withdraw",
        "profile": "/me/profile",
    }
    actor = replace(themselves(person_id, "Khadija El Amrani"), locale=language)
    session = await cookie(app, actor)
    async with serving(app) as address:
        for name, path in pages.items():
            visit = await visit_page(
                browser,
                address + path,
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            await assert_page_holds(visit)
            shade = "-dark" if dark else ""
            size = "phone" if phone else "desktop"
            await screenshot(visit.page, f"people-{name}-{language}-{size}{shade}")
            await visit.context.close()
