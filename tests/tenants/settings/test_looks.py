"""Settings and usage in a real Chromium: three languages, phone and desk, light and dark."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest
from litestar import Litestar
from playwright.async_api import Browser

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.tenant_settings import (
    SETTINGS,
    change_setting,
    read_setting,
    record_test,
    stored_setting,
)
from passerelle.kernel.tenant_settings import (
    TestResult as Outcome,
)
from tenants.access.roles import permissions_of
from tenants.plans import service as plans
from tenants.plans.model import PLANS
from tenants.settings import pictures
from tenants.settings.branding import BRANDING, Branding
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import People
from tests.people.sessions import cookie
from tests.tenants.audit.tampering import past_every_guard
from tests.tenants.settings.conftest import image

AGENCY = Localised(
    "Regional agency for employment", "Agence régionale pour l’emploi", "الوكالة الجهوية للتشغيل"
)
#: Language, phone, dark.
WAYS = [
    ("en", False, False),
    ("fr", False, True),
    ("ar", True, False),
    ("en", True, True),
]


def administrator(people: People, locale: str) -> Actor:
    return Actor(
        kind="person",
        display_name="Amina Benali",
        person_id=people.learner_id,
        tenant_id=people.tenant_id,
        tenant_slug=people.slug,
        tenant_name=AGENCY,
        permissions=permissions_of(["tenant_admin"]),
        locale=locale,  # type: ignore[arg-type]
        origin="keycloak",
    )


class Arrival(msgspec.Struct):
    subject: str = "x"


@pytest.fixture(scope="module")
async def lived_in(
    app: Litestar,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> People:
    """An organisation with a colour, a logo, a history, a failed test, and a month of arrivals."""
    people = two_tenants[0]
    actor = administrator(people, "en")
    for colour, reason in (("#7a1f5c", None), ("#1f5fa8", "The ministry’s new charter, page 12")):
        async with database.tenant(people.tenant_id, actor) as tx:
            logo = await pictures.keep(
                tx, app.state.objects, "logo", image(420, 120, "PNG", colour)
            )
            value = Branding(colour=colour, logo=logo)
            await change_setting(tx, BRANDING, value, reason=reason)
    async with database.tenant(people.tenant_id, actor) as tx:
        mail = SETTINGS["mail"].type(host="mail.example.org", from_address="academy@example.org")
        await change_setting(tx, SETTINGS["mail"], mail, reason="Our own server")
        await record_test(tx, "mail", Outcome(False, "The mail server is not taking messages."))
        await record_test(tx, "files", Outcome(True, "Written, read back and deleted."))
    limits = msgspec.structs.replace(PLANS["trial"], seats=2, training_minutes_per_month=90)
    async with database.operator(people.tenant_id, actors.system("tests")) as tx:
        await plans.set_plan(tx, "trial", limits)
    ids: list[tuple[UUID, datetime]] = []
    now = datetime.now(UTC)
    for step in range(60):
        name = "member.signed_in" if step % 3 else "lms.launched"
        async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
            event_id = await emit(tx, name, Arrival(), person_id=new_id())
        ids.append((event_id, now - timedelta(hours=11 * (step * step % 61))))
    async with past_every_guard(superuser) as power:
        await power.executemany("update tenant_event set occurred_at = $2 where id = $1", ids)
        await power.execute(
            "update tenant set created_at = now() - interval '100 days' where id = $1",
            people.tenant_id,
        )
    return people


@pytest.mark.parametrize(("language", "phone", "dark"), WAYS)
async def test_each_page_holds(
    browser: Browser,
    app: Litestar,
    lived_in: People,
    superuser: asyncpg.Connection,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    newest = await superuser.fetchval(
        "select id from tenant_event where tenant_id = $1 and name = 'setting.changed'"
        " and payload ->> 'name' = 'branding' order by id desc limit 1",
        lived_in.tenant_id,
    )
    month = f"{datetime.now(UTC):%Y-%m}"
    pages = {
        "list": "settings",
        **{name: f"settings/{name}" for name in sorted(SETTINGS)},
        "history": "settings/branding/history",
        "former": f"settings/branding/history/{newest}",
        "usage": "usage",
        "statement": f"usage/{month}",
        "proof": f"usage/{month}/sign_ins",
    }
    session = await cookie(app, administrator(lived_in, language))
    way = f"{language}-{'phone' if phone else 'desktop'}{'-dark' if dark else ''}"
    async with serving(app) as address:
        for name, path in pages.items():
            visit = await visit_page(
                browser,
                f"{address}/t/{lived_in.slug}/{path}",
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            await screenshot(visit.page, f"settings-{name}-{way}")
            await assert_page_holds(visit)
            await visit.context.close()


@pytest.mark.parametrize(("language", "phone", "dark"), [("ar", True, False), ("fr", False, True)])
async def test_the_sign_in_page_is_the_organisations(
    browser: Browser, app: Litestar, lived_in: People, language: str, phone: bool, dark: bool
) -> None:
    async with serving(app) as address:
        visit = await visit_page(
            browser,
            f"{address}/t/{lived_in.slug}/sign-in",
            language=language,
            phone=phone,
            dark=dark,
        )
        assert await visit.page.locator("img.logo").is_visible()
        await screenshot(visit.page, f"settings-sign-in-{language}")
        await assert_page_holds(visit)
        await visit.context.close()


async def test_a_colour_is_seen_while_it_is_typed_and_one_that_fails_is_mended_by_a_button(
    browser: Browser, app: Litestar, lived_in: People
) -> None:
    session = await cookie(app, administrator(lived_in, "en"))
    async with serving(app) as address:
        visit = await visit_page(
            browser, f"{address}/t/{lived_in.slug}/settings/branding", cookies=[session]
        )
        page = visit.page
        await page.locator("#field-colour").fill("#ffd700")
        await page.get_by_text("Can not be read").first.wait_for()
        await page.locator("#field-colour").fill("#0f7b3e")
        await page.get_by_text("Can not be read").first.wait_for(state="detached")
        button = page.locator(".preview-light .button-primary")
        await page.wait_for_function(
            "getComputedStyle(document.querySelector('.preview-light .button-primary'))"
            ".backgroundColor === 'rgb(15, 123, 62)'"
        )
        assert await button.is_visible()
        await page.locator("#field-colour").fill("#ffd700")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("alert").wait_for()
        await screenshot(page, "settings-branding-wrong-en-desktop")
        visit.complaints = [said for said in visit.complaints if "400" not in said]
        await assert_page_holds(visit)
        await page.get_by_role("button", name="Use #").click()
        await page.wait_for_function("document.querySelector('#field-colour').value !== '#ffd700'")
        await assert_page_holds(visit)
        await visit.context.close()


async def test_both_values_are_seen_when_someone_else_was_faster(
    browser: Browser, app: Litestar, lived_in: People, database: Database
) -> None:
    session = await cookie(app, administrator(lived_in, "fr"))
    async with serving(app) as address:
        visit = await visit_page(
            browser,
            f"{address}/t/{lived_in.slug}/settings/branding",
            language="fr",
            phone=True,
            cookies=[session],
        )
        faster = msgspec.structs.replace(
            administrator(lived_in, "fr"), display_name="Youssef Alami"
        )
        async with database.tenant(lived_in.tenant_id, faster) as tx:
            held = await read_setting(tx, BRANDING)
            await change_setting(tx, BRANDING, msgspec.structs.replace(held, colour="#0f7b3e"))
        await visit.page.locator("#field-colour").fill("#a3331f")
        await visit.page.get_by_role("button", name="Enregistrer").click()
        await visit.page.get_by_text("Youssef Alami a enregistré").wait_for()
        await screenshot(visit.page, "settings-conflict-fr-phone")
        visit.complaints = [said for said in visit.complaints if "409" not in said]
        await assert_page_holds(visit)
        await visit.context.close()


async def test_a_test_runs_without_leaving_the_page(
    browser: Browser, app: Litestar, lived_in: People, database: Database
) -> None:
    session = await cookie(app, administrator(lived_in, "en"))
    async with serving(app) as address:
        visit = await visit_page(
            browser, f"{address}/t/{lived_in.slug}/settings/audit", cookies=[session]
        )
        await visit.page.get_by_role("button", name="Test what is saved").click()
        await visit.page.get_by_text("No mailbox is set").wait_for()
        assert await visit.page.get_by_text("Amina Benali").count() >= 1
        await assert_page_holds(visit)
        await visit.context.close()
    read = database.tenant_reader(lived_in.tenant_id, actors.system("tests"))
    assert await stored_setting(read, "audit") is None
