"""Every privacy page on a phone and a desk, in three languages, light and dark."""

from uuid import UUID

import asyncpg
import msgspec
import pytest
from litestar import Litestar
from playwright.async_api import Browser

from passerelle.kernel import tasks
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from tenants.access.sessions import Sessions
from tenants.privacy import erasing, erasure, exporting
from tenants.service import admit
from tests.browser import assert_page_holds, screenshot, serving, visit_page
from tests.browser import browser as browser
from tests.credentials.conftest import Worker
from tests.people.factories import create_person, share, themselves, withdraw
from tests.people.sessions import cookie
from tests.tenants.privacy.lived import Lived, officer, owner
from tests.tenants.privacy.test_carrying import PASSPHRASE
from tests.tenants.privacy.test_erasure import ask, erase

NAME = Localised("Region of the North", "Région du Nord", "جهة الشمال")


class Seen(msgspec.Struct):
    lived: Lived
    waiting_id: UUID
    receipt_id: UUID
    member_receipt_id: UUID


_seen: list[Seen] = []


@pytest.fixture
async def seen(
    work: tasks.Work, lived: Lived, run_worker: Worker, superuser: asyncpg.Connection
) -> Seen:
    """A ledger, erasures in each state, exports made: what an officer sees after a while."""
    if _seen:
        return _seen[0]
    for name, back in (("Khadija El Amrani", True), ("Mehdi Ouazzani", False)):
        person_id = await create_person(work.database, name)
        sharing_id = await share(work.database, person_id, lived.tenant_id)
        if back:
            await withdraw(work.database, person_id, sharing_id)
    waiting, gone = new_id(), await create_person(work.database, "Sofia Lahlou")
    async with work.database.tenant(lived.tenant_id, officer(lived.people)) as tx:
        await admit(tx, waiting, "Amine Berrada", "amine@region.example", "fr", ["learner"])
        await admit(tx, gone, "Sofia Lahlou", "sofia@region.example", "fr", ["learner"])
        reason = "Asked for in a letter of 23 November."
        await erasing.ask_of_member(tx, waiting, reason)
        member_receipt_id = await erasing.ask_of_member(tx, gone, reason)
        await exporting.ask_of_tenant(tx, work.vault, PASSPHRASE)
    await superuser.execute(
        "update member_erasure set due_at = now() where id = $1", member_receipt_id
    )

    sessions = Sessions(work.valkey, work.settings)
    await erasure.erase_member(work.database, sessions, lived.tenant_id, member_receipt_id)
    receipt_id = await ask(work, gone, superuser)
    await erase(work, gone, receipt_id)
    async with work.database.person(lived.learner_id, themselves(lived.learner_id)) as tx:
        await exporting.ask_own(tx)
    await run_worker()
    _seen.append(Seen(lived, waiting, receipt_id, member_receipt_id))
    return _seen[0]


@pytest.mark.parametrize(
    ("language", "phone", "dark"),
    [("en", False, False), ("fr", False, True), ("ar", True, False), ("fr", True, False)],
)
async def test_each_page_holds(
    browser: Browser, app: Litestar, seen: Seen, language: str, phone: bool, dark: bool
) -> None:
    people = seen.lived.people
    desk = msgspec.structs.replace(
        owner(people), locale=language, tenant_name=NAME, display_name="Nadia Bennani"
    )
    own = msgspec.structs.replace(
        themselves(seen.lived.learner_id, "Youssef El-Idrissi"), locale=language
    )
    at_desk, own_session = await cookie(app, desk), await cookie(app, own)
    privacy = "/t/region/privacy"
    pages = {
        "map": privacy,
        "ledger": f"{privacy}/ledger",
        "people": f"{privacy}/people?search=youssef",
        "person": f"{privacy}/people/{people.learner_id}",
        "erase": f"{privacy}/people/{people.learner_id}/erase",
        "erasures": f"{privacy}/erasures?done=asked",
        "receipt": f"{privacy}/erasures/{seen.member_receipt_id}",
        "export": f"{privacy}/export",
        "retention": "/t/region/settings/retention",
        "own": "/me/privacy",
        "own-export": "/me/export",
        "own-erase": "/me/erase",
        "own-receipt": f"/erasure/{seen.receipt_id}",
    }
    async with serving(app) as address:
        for name, path in pages.items():
            visit = await visit_page(
                browser,
                address + path,
                language=language,
                phone=phone,
                dark=dark,
                cookies=[at_desk, own_session],
            )
            shade = "-dark" if dark else ""
            size = "phone" if phone else "desktop"
            await screenshot(visit.page, f"privacy-{name}-{language}-{size}{shade}")
            await assert_page_holds(visit)
            await visit.context.close()
