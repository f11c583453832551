"""The record on the page and over the API: found, paged, exported, verified; and reading is on
record."""

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.work import Work
from tenants.audit import chaining, checks, plot
from tenants.audit.chain import link_hash
from tenants.audit.differences import rows
from tenants.audit.model import Cursor
from tests.conftest import People, csrf_headers, sign_in
from tests.tenants.audit.tampering import past_every_guard

MARK = """
update tenant_event set actor_name = actor_name || '!'
where tenant_id = $1 and name = 'tenant.created'
"""
UNMARK = """
update tenant_event set actor_name = left(actor_name, -1)
where tenant_id = $1 and name = 'tenant.created'
"""


class Named(msgspec.Struct, frozen=True):
    name: str
    roles: list[str]


@pytest.fixture
async def auditor(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> "Auditor":
    actor = await sign_in(client, app, two_tenants[1], "auditor")
    return client, two_tenants[1], actor


Auditor = tuple[httpx.AsyncClient, People, Actor]


async def entries(client: httpx.AsyncClient, **wanted: Any) -> list[dict[str, Any]]:
    answer = await client.get("/t/retail/api/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


async def test_reading_and_exporting_the_record_are_on_record_once(
    auditor: Auditor, database: Database
) -> None:
    client, _, actor = auditor
    for _ in range(3):
        await client.get("/t/retail/audit?name=tests.read_three_times")
    read = [
        entry
        for entry in await entries(client, name="audit.read")
        if entry["payload"]["filter"]["name"] == "tests.read_three_times"
    ]
    assert len(read) == 1
    assert read[0]["actor_person_id"] == str(actor.person_id)
    assert (await client.get("/t/retail/audit.csv?text=x")).status_code == 200
    exported = await entries(client, name="audit.exported")
    assert exported[0]["payload"]["form"] == "csv"
    assert exported[0]["payload"]["filter"]["text"] == "x"


async def test_before_and_after_are_shown_side_by_side(
    auditor: Auditor, database: Database
) -> None:
    client, people, _ = auditor
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        await emit(
            tx,
            "tests.renamed",
            Named("Ministry of Digital", ["one", "two"]),
            before=Named("Ministry of Paper", ["one", "two"]),
        )
    page = (await client.get("/t/retail/audit?name=tests.renamed")).text
    assert "<del><bdi>Ministry of Paper</bdi></del>" in page
    assert "<ins><bdi>Ministry of Digital</bdi></ins>" in page
    assert "<del><bdi>one, two" not in page


def test_a_difference_tells_what_was_added_changed_and_removed() -> None:
    found = rows({"a": 1, "b": {"c": "x"}, "d": True}, {"a": 1, "b": {"c": "y"}, "e": [1, 2]})
    marks = {row.label: (row.mark, row.before, row.after) for row in found}
    assert marks == {
        "b.c": ("changed", "x", "y"),
        "e": ("added", None, "1, 2"),
        "d": ("removed", "Yes", None),
        "a": ("same", "1", "1"),
    }
    assert found[-1].label == "a"


async def test_an_entry_proves_itself_over_the_api(auditor: Auditor, database: Database) -> None:
    client, people, _ = auditor
    await chaining.chain(database, people.tenant_id)
    (entry,) = await entries(client, name="tenant.created", proof=True)
    digest = sha256(entry["body"].encode()).digest()
    assert digest.hex() == entry["body_hash"]
    chained_at = datetime.fromisoformat(entry["chained_at"])
    previous = bytes.fromhex(entry["previous_hash"])
    made = link_hash(
        people.tenant_id, entry["position"], UUID(entry["id"]), chained_at, previous, digest
    )
    assert made.hex() == entry["hash"]
    head = (await client.get("/t/retail/api/audit/head")).json()
    assert head["position"] >= entry["position"]
    assert len(head["hash"]) == 64


async def test_entries_are_found_by_who_by_subject_and_between_days(
    auditor: Auditor, database: Database
) -> None:
    client, _people, actor = auditor
    await client.get("/t/retail/audit?since=2020-01-01")
    mine = await entries(client, who=str(actor.person_id))
    assert mine
    assert {entry["actor_person_id"] for entry in mine} == {str(actor.person_id)}
    (created,) = await entries(client, name="tenant.created")
    about = await entries(client, subject=created["subject"])
    assert [entry["name"] for entry in about] == ["tenant.created"]
    today = datetime.now(UTC).date().isoformat()
    assert "Not only" in (await client.get(f"/t/retail/audit?who={actor.person_id}")).text
    page = await client.get(f"/t/retail/audit?since={today}&until={today}&name=tenant.created")
    assert page.text.count("in the chain") + page.text.count("Not chained yet") == 1
    assert (
        "Nothing on record matches" in (await client.get("/t/retail/audit?until=2020-01-01")).text
    )


async def test_pages_go_both_ways_and_a_bent_address_is_refused(
    auditor: Auditor, database: Database
) -> None:
    client, people, _ = auditor
    for number in range(120):
        async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
            await emit(tx, "tests.paged", Named(str(number), []))

    async def walk(way: str, start: dict[str, Any]) -> list[list[str]]:
        answers = [start]
        while answers[-1][way]:
            key = "before" if way == "older" else "after"
            params = {"name": "tests.paged", key: answers[-1][way]}
            answers.append((await client.get("/t/retail/api/audit", params=params)).json())
        return [[entry["payload"]["name"] for entry in answer["entries"]] for answer in answers]

    first = (await client.get("/t/retail/api/audit?name=tests.paged")).json()
    down = await walk("older", first)
    assert [len(page) for page in down] == [50, 50, 20]
    assert [name for page in down for name in page] == [str(n) for n in range(119, -1, -1)]
    last = (
        await client.get(
            "/t/retail/api/audit",
            params={"name": "tests.paged", "before": first["older"]},
        )
    ).json()
    up = await walk("newer", last)
    assert up[1] == down[0]
    for bent in ("x", "1-2", "99999999999999999999-" + "0" * 32):
        answer = await client.get("/t/retail/api/audit", params={"before": bent})
        assert answer.status_code == 400


def test_a_cursor_keeps_the_microsecond() -> None:
    cursor = Cursor(datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC), UUID("0" * 32))
    assert Cursor.parse(str(cursor)) == cursor


async def test_who_may_not_read_the_record_can_not_have_it_verified(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    await sign_in(client, app, two_tenants[1], "recruiter")
    headers = await csrf_headers(client)
    for path in ("audit", "audit.csv", "audit.jsonl", "audit/check", "api/audit", "api/audit/head"):
        assert (await client.get(f"/t/retail/{path}")).status_code == 403
    assert (await client.post("/t/retail/audit/check", headers=headers)).status_code == 403


async def test_a_verification_is_asked_for_once_and_its_verdict_is_shown(
    auditor: Auditor, database: Database, work: Work, superuser: asyncpg.Connection
) -> None:
    client, people, actor = auditor
    await chaining.chain(database, people.tenant_id)
    headers = await csrf_headers(client)
    for _ in range(2):
        answer = await client.post("/t/retail/audit/check", headers=headers)
        assert answer.status_code == 303
    asked = await entries(client, name="audit.check_asked")
    assert len(asked) == 1
    running = (await client.get("/t/retail/audit/check", headers={"hx-request": "true"})).text
    assert "Verifying the record" in running
    assert "hx-trigger" in running
    assert "<html" not in running
    check_id = UUID(asked[0]["payload"]["check_id"])
    await asyncio.gather(*(checks.carry_out(work, people.tenant_id, check_id) for _ in range(2)))
    page = (await client.get("/t/retail/audit")).text
    assert "The record is whole" in page
    assert actor.display_name in page
    assert len(await entries(client, name="audit.checked")) == 1

    at = (await entries(client, name="tenant.created"))[0]["position"]
    async with past_every_guard(superuser) as power:
        await power.execute(MARK, people.tenant_id)
    try:
        await client.post("/t/retail/audit/check", headers=headers)
        asked = await entries(client, name="audit.check_asked")
        check_id = UUID(asked[0]["payload"]["check_id"])
        await checks.carry_out(work, people.tenant_id, check_id)
    finally:
        await superuser.execute(UNMARK, people.tenant_id)
    page = (await client.get("/t/retail/audit?lang=fr")).text
    assert "Le registre a été altéré" in page
    assert f"L’entrée en position {at} a été modifiée" in page
    (found, *_) = await entries(client, name="audit.checked")
    assert (found["payload"]["kind"], found["payload"]["position"]) == ("changed", at)


async def test_a_refusal_says_from_which_address_it_came(
    auditor: Auditor, app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    await sign_in(client, app, two_tenants[1], "recruiter")
    assert (await client.get("/t/retail/audit")).status_code == 403
    await sign_in(client, app, two_tenants[1], "auditor")
    (refused, *_) = await entries(client, name="access.refused")
    assert refused["source_address"] == "127.0.0.1"
    assert refused["origin"] == "keycloak"


def test_bars_are_as_high_as_their_days() -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC).date() for day in range(1, 31)]
    drawn = plot.draw(days, {days[0]: 10, days[29]: 5, days[3]: 1}, False)
    heights = {bar.day: bar.height for bar in drawn.bars if bar.count}
    assert heights == {days[0]: plot.HEIGHT, days[29]: plot.HEIGHT / 2, days[3]: 6.4}
    assert (drawn.most, drawn.total) == (10, 16)
    mirrored = plot.draw(days, {days[0]: 10}, True)
    assert mirrored.bars[0].x == max(bar.x for bar in mirrored.bars)
