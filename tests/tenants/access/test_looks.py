"""The lists of sessions: phone and desk, three languages, light and dark."""

import pytest
from litestar import Litestar
from msgspec.structs import replace
from playwright.async_api import Browser

from passerelle.kernel.database import Database
from passerelle.kernel.events import source_address
from passerelle.kernel.identifiers import new_id
from tenants.access.browsers import user_agent
from tenants.access.sessions import person_actor
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.people.sessions import cookie
from tests.tenants.access.test_living import FIREFOX, SAFARI
from tests.tenants.members.conftest import House, actor_of, make_house


@pytest.fixture(scope="module")
async def busy_house(app: Litestar, database: Database) -> House:
    """Amina is signed in here from three browsers, once through an LMS."""
    house = await make_house(database, f"busy-{new_id().hex[-8:]}")
    amina = await actor_of(database, house, "amina")
    sessions = app.state.sessions
    for header, address, origin in (
        (FIREFOX, "192.0.2.17", "keycloak"),
        (SAFARI, "2001:db8:85a3:8d3:1319:8a2e:370:7348", "lti"),
        ("curl/8.0", "198.51.100.9", "keycloak"),
    ):
        user_agent.set(header)
        source_address.set(address)
        await sessions.open(replace(amina, origin=origin))
    user_agent.set(FIREFOX)
    return house


@pytest.mark.parametrize(
    ("language", "phone", "dark"),
    [("en", False, False), ("fr", False, True), ("ar", True, False), ("en", True, True)],
)
async def test_each_list_of_sessions_holds(
    browser: Browser,
    app: Litestar,
    database: Database,
    busy_house: House,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    house, amina = busy_house, busy_house.people["amina"]
    member = f"/t/{house.slug}/members"
    admin = replace(await actor_of(database, house, "admin"), locale=language)
    own = replace(person_actor(amina, "Amina Élan-Benaïssa", "en", {}), locale=language)
    pages = {
        "own": ("/me/sessions?done=one", own),
        "member": (f"{member}/{amina}/sessions", admin),
        "none": (f"{member}/{house.people['bilal']}/sessions?done=all", admin),
    }
    shade, size = "-dark" if dark else "", "phone" if phone else "desktop"
    async with serving(app) as address:
        for name, (path, actor) in pages.items():
            session = await cookie(app, actor)
            visit = await visit_page(
                browser,
                address + path,
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            await screenshot(visit.page, f"sessions-{name}-{language}-{size}{shade}")
            await assert_page_holds(visit)
            await visit.context.close()
            await app.state.sessions.close(
                (await app.state.sessions.find(session["value"])).session_id
            )
