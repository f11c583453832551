"""Notices, their choices and the mail log, looked at in three languages, on phone and desktop."""

import pytest
from litestar import Litestar
from playwright.async_api import Browser

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.people.notices.service import notify
from tenants.access.roles import permissions_of
from tenants.notices.tasks import JOB_FINISHED, JOINED, LIMIT_NEAR
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.conftest import People
from tests.people.sessions import cookie

LOGGED = """
insert into mail_log (tenant_id, id, message_id, kind, address, subject, state, attempts, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
MAILS = (
    ("member.invited", "khadija.el-amrani@region.example", "Invitation à La Région", "sent", 1,
     "2.0.0 OK queued as 4F2A91"),
    ("credential.issued", "amal@example.org", "شهادتك جاهزة: إتقان الذكاء الاصطناعي", "waiting", 3,
     "SMTPConnectTimeoutError"),
    ("notice", "nobody@gone.example", "Nearly used up: seats", "refused", 1,
     "550 5.1.1 no such person here"),
    ("mail.test", "it@region.example", "A test of your organisation's mail", "given_up", 12, ""),
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "phone", "dark"),
    [("en", False, False), ("fr", False, True), ("ar", True, False)],
)
async def test_each_page_of_notices_and_mail_holds(
    browser: Browser,
    app: Litestar,
    database: Database,
    two_tenants: tuple[People, People],
    language: str,
    dark: bool,
    phone: bool,
) -> None:
    region = two_tenants[0]
    person_id = region.recruiter_id
    async with database.tenant(region.tenant_id, actors.system("tests")) as tx:
        limit = Localised("seats", "places", "المقاعد")
        mark = f"{language}{phone}"
        await notify(tx, person_id, JOINED, {"name": "Khadija El Amrani"}, link="/members")
        await notify(tx, person_id, LIMIT_NEAR, {"limit": limit}, link="/plan", key=mark)
        await notify(tx, person_id, JOB_FINISHED, key=mark)
        for kind, address, subject, state, attempts, said in MAILS:
            mail_id = new_id()
            values = (kind, address, subject, state, attempts, said)
            await tx.execute(LOGGED, tx.tenant_id, mail_id, str(mail_id), *values)
    actor = Actor(
        kind="person",
        display_name="Amal Bennani",
        person_id=person_id,
        tenant_id=region.tenant_id,
        tenant_slug=region.slug,
        tenant_name=Localised("Region", "Région", "الجهة"),
        permissions=permissions_of(["tenant_admin"]),
        locale=language,  # type: ignore[arg-type]
        origin="keycloak",
    )
    session = await cookie(app, actor)
    pages = {"notices": "/notices", "choices": "/notices/choices", "mail-log": "/mail"}
    async with serving(app) as address:
        for name, path in pages.items():
            visit = await visit_page(
                browser,
                f"{address}/t/{region.slug}{path}",
                language=language,
                phone=phone,
                dark=dark,
                cookies=[session],
            )
            size = "phone" if phone else "desktop"
            await screenshot(visit.page, f"services-{name}-{language}-{size}")
            await assert_page_holds(visit)
            await visit.context.close()
