"""The pages of provisioning in a real Chromium: three languages, phone and desk, light and dark."""

import re

import httpx
import pytest
from litestar import Litestar
from playwright.async_api import Browser

from integrations.scim import clients, testing
from passerelle.kernel.database import Database
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.integrations.scim.conftest import TEST, Directory, create_directory
from tests.integrations.scim.payloads import group, patch, replace, user
from tests.integrations.scim.test_pages import TOKEN, administrator
from tests.people.sessions import cookie

WAYS = [
    ("en", False, False),
    ("fr", False, True),
    ("ar", True, False),
]


@pytest.fixture(scope="module")
async def lived_in(app: Litestar, database: Database) -> Directory:
    """Two connections, one of them tested and rotated, and a log with a refusal in it."""
    directory = await create_directory(database, "agency", kind="entra")
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    base = f"http://localhost/t/{directory.slug}/scim/v2"
    async with httpx.AsyncClient(
        transport=transport, base_url=base, headers=directory.headers
    ) as scim:
        for name in ("amal.idrissi", "bernard.de-la-rochefoucauld-liancourt", "chen"):
            made = await scim.post("/Users", json=user(name))
        path = f"/Users/{made.json()['id']}"
        await scim.patch(path, json=patch(replace("active", False), replace("title", "Chief")))
        await scim.post("/Users", json=user("AMAL.idrissi"))
        await scim.post("/Groups", json=group("Treasury", made.json()["id"]))
        await scim.delete(path)
    async with database.tenant(directory.tenant_id, TEST) as tx:
        await clients.rotate(tx, directory.client_id)
        await clients.create(tx, "Okta of the southern province", "okta")
        assert await testing.test(tx, directory.client_id)
    return directory


@pytest.mark.parametrize(("language", "phone", "dark"), WAYS)
async def test_each_page_holds(
    browser: Browser,
    app: Litestar,
    lived_in: Directory,
    database: Database,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    nobodys = await create_directory(database, "empty")
    one = f"settings/provisioning/{lived_in.client_id}"
    pages = [
        ("list", lived_in, "settings/provisioning"),
        ("client", lived_in, one),
        ("revoke", lived_in, f"{one}/revoke"),
        ("log", lived_in, "provisioning-log"),
        ("log-nothing", lived_in, "provisioning-log?name=zz"),
        ("log-empty", nobodys, "provisioning-log"),
    ]
    way = f"{language}-{'phone' if phone else 'desktop'}{'-dark' if dark else ''}"
    async with serving(app) as address:
        for name, directory, path in pages:
            session = await cookie(app, administrator(directory, locale=language))
            visit = await visit_page(
                browser,
                f"{address}/t/{directory.slug}/{path}",
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            await screenshot(visit.page, f"scim-{name}-{way}")
            await assert_page_holds(visit)
            if name == "list":
                await visit.page.fill("#field-name", "")
                await visit.page.click("main form button.button-primary")
                await visit.page.wait_for_selector(".errors")
                await screenshot(visit.page, f"scim-errors-{way}")
                visit.complaints.clear()
                await assert_page_holds(visit)
                await visit.page.fill("#field-name", "Ministère")
                await visit.page.click("main form button.button-primary")
                await visit.page.wait_for_selector("#token")
                assert TOKEN.fullmatch(await visit.page.inner_text("#token"))
                await screenshot(visit.page, f"scim-token-{way}")
                await assert_page_holds(visit)
                text = await visit.page.inner_text("main")
                assert re.search(r"[7٧]", text)
            await visit.context.close()
