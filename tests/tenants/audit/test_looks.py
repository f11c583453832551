"""The audit pages on a phone and a desk, in three languages, light and dark."""

from uuid import UUID

import asyncpg
import msgspec
import pytest
from litestar import Litestar
from playwright.async_api import Browser

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit, source_address
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.work import Work
from tenants.access.guard import AccessRefused
from tenants.access.roles import permissions_of
from tenants.audit import chaining, checks
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import People
from tests.people.sessions import cookie
from tests.tenants.audit.tampering import past_every_guard

AGENCY = Localised("Digital agency", "Agence du numérique", "وكالة التنمية الرقمية")


class Renamed(msgspec.Struct, frozen=True):
    display_name: str
    roles: list[str]
    contact_address: str


def auditor(people: People, locale: str) -> Actor:
    return Actor(
        kind="person",
        display_name="Amina Benali",
        person_id=people.learner_id,
        tenant_id=people.tenant_id,
        tenant_slug=people.slug,
        tenant_name=AGENCY,
        permissions=permissions_of(["auditor"]),
        locale=locale,  # type: ignore[arg-type]
        origin="keycloak",
    )


@pytest.fixture(scope="module")
async def recorded(
    database: Database, superuser: asyncpg.Connection, two_tenants: tuple[People, People]
) -> People:
    """A month with every kind of entry."""
    people = two_tenants[0]
    token = source_address.set("2001:db8:85a3::8a2e:370:7334")
    subject = new_id()
    for number in range(64):
        async with database.tenant(people.tenant_id, auditor(people, "en")) as tx:
            if number % 3 == 0:
                await emit(
                    tx,
                    "access.refused",
                    AccessRefused("members.manage", "POST", f"/t/{people.slug}/members/invite"),
                    person_id=people.learner_id,
                )
            else:
                await emit(
                    tx,
                    "member.admitted",
                    Renamed("Youssef El Amrani", ["recruiter", "auditor"], "Rabat, Agdal"),
                    subject=subject,
                    before=Renamed("Y. El Amrani", ["recruiter"], "Rabat, Agdal"),
                    reason="Moved to the internal audit team on 1 November; see the letter.",
                )
    source_address.reset(token)
    async with past_every_guard(superuser) as power:
        await power.execute(
            "update tenant_event set occurred_at = occurred_at - interval '1 day' *"
            " (('x' || right(id::text, 2))::bit(8)::int % 30) where tenant_id = $1",
            people.tenant_id,
        )
    await chaining.chain(database, people.tenant_id)
    return people


async def ask(work: Work, people: People, *, carry_out: bool) -> UUID:
    async with work.database.tenant(people.tenant_id, auditor(people, "en")) as tx:
        check_id = await checks.ask(tx)
    if carry_out:
        await checks.carry_out(work, people.tenant_id, check_id)
    return check_id


@pytest.mark.parametrize(
    ("language", "phone", "dark"),
    [("en", False, False), ("fr", False, True), ("ar", True, False), ("en", True, True)],
)
async def test_the_record_holds(
    browser: Browser,
    app: Litestar,
    work: Work,
    recorded: People,
    language: str,
    phone: bool,
    dark: bool,
) -> None:
    await ask(work, recorded, carry_out=True)
    session = await cookie(app, auditor(recorded, language))
    name = f"{language}-{'phone' if phone else 'desktop'}{'-dark' if dark else ''}"
    async with serving(app) as address:
        for page, path in {
            "record": "audit",
            "filtered": f"audit?who={recorded.learner_id}&name=member.admitted",
            "nothing": "audit?text=zzz&as_of=2020-01-01",
            "wrong": "audit?since=soon",
            "check": "audit/check",
        }.items():
            visit = await visit_page(
                browser,
                f"{address}/t/{recorded.slug}/{path}",
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            # The sheet's own wording counts: everything that can be opened is open.
            await visit.page.evaluate(
                "document.querySelectorAll('details').forEach((one, at) => one.open = at < 6)"
            )
            if page != "wrong":
                await assert_page_holds(visit)
            await screenshot(visit.page, f"audit-{page}-{name}")
            await visit.context.close()


async def test_a_running_verification_shows_how_far_it_is_and_then_what_it_found(
    browser: Browser,
    app: Litestar,
    work: Work,
    recorded: People,
    superuser: asyncpg.Connection,
) -> None:
    async with past_every_guard(superuser) as power:
        await power.execute(
            "update tenant_event set reason = 'x' where tenant_id = $1 and id = (select event_id"
            " from audit_link where tenant_id = $1 and position = 12)",
            recorded.tenant_id,
        )
    session = await cookie(app, auditor(recorded, "en"))
    async with serving(app) as address:
        visit = await visit_page(
            browser, f"{address}/t/{recorded.slug}/audit", cookies=[session], phone=True
        )
        page = visit.page
        await page.get_by_role("button", name="Verify now").click()
        await page.get_by_text("Verifying the record").first.wait_for()
        await assert_page_holds(visit)
        await screenshot(page, "audit-running-en-phone")
        check_id = await ask(work, recorded, carry_out=False)
        await checks.carry_out(work, recorded.tenant_id, check_id)
        await page.get_by_text("The record was tampered with").wait_for()
        assert "position 12 was changed" in await page.inner_text("main")
        await assert_page_holds(visit)
        await screenshot(page, "audit-tampered-en-phone")
        await visit.context.close()


@pytest.fixture(autouse=True)
async def released(recorded: People, superuser: asyncpg.Connection) -> None:
    """Each test asks anew."""
    await superuser.execute("delete from audit_check where tenant_id = $1", recorded.tenant_id)
