"""The pages of members in a tenant of 2,000: phone and desk, three languages, light and dark."""

import asyncpg
import pytest
from litestar import Litestar
from msgspec.structs import replace
from playwright.async_api import Browser

from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants.members import invitation_store, role_service, service
from tenants.members.invitation_model import token_of
from tenants.members.job_store import JobRow, insert_job, insert_rows
from tenants.members.model import Change, Held
from tenants.members.role_model import RoleText
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.people.sessions import cookie
from tests.tenants.members.conftest import SYSTEM, House, actor_of, make_house
from tests.tenants.members.crowd import crowd


@pytest.fixture(scope="module")
async def full_house(database: Database, superuser: asyncpg.Connection) -> House:
    house = await make_house(database, f"full-{new_id().hex[-8:]}")
    await crowd(superuser, house.tenant_id, 2000, list(house.units.values()))
    owner = await actor_of(database, house, "owner")
    amina = house.people["amina"]
    async with database.tenant(house.tenant_id, owner) as tx:
        text = RoleText(
            name=Localised("Front desk", "Accueil", "الاستقبال"),
            purpose="Who welcomes candidates in the regional offices.",
            permissions=["hiring.read", "members.read"],
        )
        code = await role_service.make(tx, text, "recruiter")
        house.people["role"] = new_id()
        await service.change(tx, [amina], Change("grant", held=Held(code)))
        await service.change(tx, [amina], Change("suspend"), "On leave until the summer")
        await service.change(tx, [amina], Change("reinstate"))
        for number, email in enumerate(
            ("nadia@example.org", "a.long.name.indeed@ministry.example")
        ):
            roles = ["recruiter", "learner"] if number else ["learner"]
            await service.invite(tx, email, roles, house.units["health"], "fr")
        job_id = await insert_job(tx, "import", "new-people.csv", None, "draft")
        problem = "There is no such role."
        rows = [
            JobRow(2, {"email": "a@example.org"}, "invite", None, "waiting"),
            JobRow(3, {"email": "b@example.org"}, "change", None, "waiting"),
            JobRow(4, {"email": "c@example.org"}, "problem", problem, "refused"),
        ]
        await insert_rows(tx, job_id, rows)
        house.people["job"] = job_id
    return house


@pytest.mark.parametrize(
    ("language", "phone", "dark"),
    [
        ("en", False, False),
        ("fr", False, True),
        ("ar", True, False),
        ("en", True, True),
    ],
)
async def test_each_page_of_members_holds(
    browser: Browser,
    app: Litestar,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    full_house: House,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    house = full_house
    amina, base = house.people["amina"], f"/t/{house.slug}/members"
    code = await superuser.fetchval("select code from tenant_role limit 1")
    invitation_id = await superuser.fetchval("select id from invitation order by id limit 1")
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    held = await invitation_store.invitation(read, invitation_id)
    assert held is not None
    pages = {
        "list": base,
        "filtered": f"{base}?q=khad&role=learner&status=active",
        "nobody": f"{base}?q=zzzz",
        "member": f"{base}/{amina}?day=2030-01-01",
        "look": f"{base}/{amina}/look",
        "action": f"{base}/actions?person={amina}",
        "roles": f"{base}/roles",
        "role": f"{base}/roles/{code}",
        "role-form": f"{base}/roles/{code}/change",
        "invitations": f"{base}/invitations",
        "invite": f"{base}/invite",
        "import": f"{base}/import",
        "job": f"{base}/jobs/{house.people['job']}",
        "join": f"/t/{house.slug}/join/{token_of(settings, house.tenant_id, held)}",
    }
    actor = replace(await actor_of(database, house, "owner"), locale=language)
    session = await cookie(app, actor)
    shade = "-dark" if dark else ""
    size = "phone" if phone else "desktop"
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
            await screenshot(visit.page, f"members-{name}-{language}-{size}{shade}")
            await assert_page_holds(visit)
            await visit.context.close()


async def test_whoever_looks_as_another_sees_so_on_every_page(
    browser: Browser, app: Litestar, database: Database, full_house: House
) -> None:
    house = full_house
    actor = replace(await actor_of(database, house, "admin"), locale="ar")
    session = await cookie(app, actor)
    async with serving(app) as address:
        path = f"{address}/t/{house.slug}/members/{house.people['amina']}/look"
        visit = await visit_page(browser, path, language="ar", phone=True, cookies=[session])
        await visit.page.fill("textarea", "A question")
        await visit.page.click("form button.button-primary")
        await visit.page.wait_for_selector(".looking")
        await screenshot(visit.page, "members-looking-ar-phone")
        await assert_page_holds(visit)
        await visit.page.click(".looking button")
        await visit.page.wait_for_selector(".looking", state="detached")
        await visit.context.close()
