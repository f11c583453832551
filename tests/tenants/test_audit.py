"""The audit record: what happened has a name on screen, is found, and leaves as CSV."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from tenants.access.guard import AccessRefused
from tenants.audit.labels import LABELS
from tests.conftest import ROOT, People, sign_in

EMITTED = re.compile(r'emit\(\s*tx,\s*"([a-z_.]+)"')


def test_every_event_of_an_organisation_has_a_name_on_screen() -> None:
    of_persons = {
        *("credential.received", "evidence.changed", "identity.linked", "person.signed_in"),
        *("sharing.granted", "sharing.withdrawn", "organisation.sign_up_asked"),
        *("erasure.asked", "erasure.taken_back", "export.asked", "export.made"),
    }
    emitted: set[str] = set()
    for folder in ("platform/passerelle", "tenants", "integrations", "lms", "ml"):
        for path in (ROOT / folder).rglob("*.py"):
            emitted |= set(EMITTED.findall(path.read_text(encoding="utf-8")))
    assert len(emitted) > 10
    assert emitted - of_persons <= LABELS.keys()


@pytest.fixture
async def admin(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> httpx.AsyncClient:
    await sign_in(client, app, two_tenants[1], "tenant_admin")
    return client


async def put_on_record(database: Database, people: People, path: str, reason: str) -> None:
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        await emit(tx, "access.refused", AccessRefused("learn", "GET", path), reason=reason)


async def test_entries_are_found_by_words_name_and_day(
    admin: httpx.AsyncClient, database: Database, two_tenants: tuple[People, People]
) -> None:
    await put_on_record(database, two_tenants[1], "/somewhere", "Because of the Weather")
    found = (await admin.get("/t/retail/api/audit?text=weather")).json()["entries"]
    assert [entry["reason"] for entry in found] == ["Because of the Weather"]
    none = (await admin.get("/t/retail/api/audit?name=exam.passed")).json()["entries"]
    assert none == []
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    before = await admin.get("/t/retail/api/audit", params={"as_of": yesterday})
    assert before.json()["entries"] == []
    page = await admin.get("/t/retail/audit?text=weather&lang=ar")
    assert page.status_code == 200
    assert "Because of the Weather" in page.text


async def test_another_organisations_record_is_not_here(
    admin: httpx.AsyncClient, database: Database, two_tenants: tuple[People, People]
) -> None:
    await put_on_record(database, two_tenants[0], "/secret", "theirs alone")
    assert "theirs alone" not in (await admin.get("/t/retail/audit")).text
    assert "theirs alone" not in (await admin.get("/t/retail/audit.csv")).text


async def test_a_formula_leaves_the_record_as_text(
    admin: httpx.AsyncClient, database: Database, two_tenants: tuple[People, People]
) -> None:
    await put_on_record(database, two_tenants[1], "/x", "=cmd|' /C calc'!A0")
    exported = (await admin.get("/t/retail/audit.csv")).text
    assert "\"'=cmd|" in exported
    assert exported.startswith('\ufeff"position"')


async def test_a_day_that_is_none_is_named(admin: httpx.AsyncClient) -> None:
    page = await admin.get("/t/retail/audit?as_of=soon&since=2026-11-23&until=2026-11-22")
    assert page.status_code == 400
    assert page.text.count("Give the date as year-month-day") == 2
    assert page.text.count("The last day comes before the first one") == 2
    answer = await admin.get("/t/retail/audit.csv?as_of=soon")
    assert answer.status_code == 400
    assert "as_of" in answer.json()["errors"]


async def test_many_entries_come_in_pages(
    admin: httpx.AsyncClient, database: Database, two_tenants: tuple[People, People]
) -> None:
    for number in range(55):
        await put_on_record(database, two_tenants[1], f"/{number}", "paged")
    first = (await admin.get("/t/retail/api/audit?text=paged")).json()
    assert len(first["entries"]) == 50
    rest = await admin.get(
        "/t/retail/api/audit", params={"text": "paged", "before": first["older"]}
    )
    assert len(rest.json()["entries"]) == 5
    assert rest.json()["older"] is None
    back = await admin.get(
        "/t/retail/api/audit", params={"text": "paged", "after": rest.json()["newer"]}
    )
    assert back.json() == first
