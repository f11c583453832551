"""The monthly statement: reconciled with the events one by one, and the same next time."""

import csv
import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from tenants.plans import accounting, tasks
from tenants.plans.statement import KINDS, Line, next_month, parse_month, start_of
from tests.conftest import People, sign_in
from tests.tenants.audit.tampering import past_every_guard

MONTH = date(2026, 3, 1)
START, END = start_of(MONTH), start_of(next_month(MONTH))
LATER = END + timedelta(days=40)
ACTOR = actors.system("tests")


class Anything(msgspec.Struct):
    duration_s: float | None = None
    size_bytes: int | None = None


class Planted(msgspec.Struct):
    """Events put on record at chosen moments, as they truly are."""

    events: list[tuple[UUID, str, datetime, UUID | None]]

    def ids(self, *names: str, since: datetime = START, until: datetime = END) -> list[UUID]:
        return sorted(
            event_id
            for event_id, name, at, _ in self.events
            if name in names and since <= at < until
        )

    def digest(self, *names: str, until: datetime = END) -> str:
        text = ",".join(str(event_id) for event_id in self.ids(*names, until=until))
        return hashlib.sha256(text.encode()).hexdigest()


async def plant(
    database: Database,
    superuser: asyncpg.Connection,
    people: People,
    told: list[tuple[str, datetime, UUID | None, Anything, UUID | None]],
) -> Planted:
    planted = Planted([])
    for name, at, person_id, payload, subject in told:
        async with database.tenant(people.tenant_id, ACTOR) as tx:
            event_id = await emit(tx, name, payload, person_id=person_id, subject=subject)
        planted.events.append((event_id, name, at, person_id))
    async with past_every_guard(superuser) as power:
        for event_id, _, at, _ in planted.events:
            await power.execute(
                "update tenant_event set occurred_at = $2 where id = $1", event_id, at
            )
        await power.execute(
            "update tenant set created_at = $2 where id = $1",
            people.tenant_id,
            START - timedelta(days=3),
        )
    return planted


@pytest.fixture(scope="module")
async def planted(
    database: Database, superuser: asyncpg.Connection, two_tenants: tuple[People, People]
) -> Planted:
    """A March: its first and last moments, both sides of its edges, and every line's events."""
    amina, youssef, sara = new_id(), new_id(), new_id()
    kept, gone, removed_later = new_id(), new_id(), new_id()
    nothing = Anything()
    second = timedelta(seconds=1)
    day = timedelta(days=1)
    return await plant(
        database,
        superuser,
        two_tenants[0],
        [
            ("member.signed_in", START - second, sara, nothing, None),
            ("member.signed_in", START, amina, nothing, None),
            ("member.signed_in", START + 5 * day, amina, nothing, None),
            ("lms.launched", START + 5 * day, youssef, nothing, None),
            ("lms.launched", START + 20 * day, amina, nothing, None),
            ("member.signed_in", END - second, youssef, nothing, None),
            ("member.signed_in", END, sara, nothing, None),
            ("exam.finished", START + day, amina, nothing, None),
            ("exam.finished", START + 25 * day, youssef, nothing, None),
            ("credential.issued", START + 25 * day, youssef, nothing, None),
            ("mail.sent", START + 25 * day, youssef, nothing, None),
            ("model.trained", START + 2 * day, None, Anything(duration_s=90.0), None),
            ("model.trained", START + 9 * day, None, Anything(duration_s=45.0), None),
            ("object.stored", START - 9 * day, None, Anything(size_bytes=700), kept),
            ("object.stored", START + day, None, Anything(size_bytes=5_000), gone),
            ("object.stored", START + 2 * day, None, Anything(size_bytes=90), removed_later),
            ("object.removed", START + 8 * day, None, nothing, gone),
            ("object.removed", END, None, nothing, removed_later),
        ],
    )


def figures(lines: list[Line]) -> dict[str, float]:
    return {line.key: line.quantity for line in lines}


async def test_each_line_is_what_its_events_say_and_nothing_of_the_neighbouring_months(
    database: Database, planted: Planted, two_tenants: tuple[People, People]
) -> None:
    read = database.tenant_reader(two_tenants[0].tenant_id, ACTOR)
    stated = await accounting.statement(read, MONTH, LATER)
    assert figures(stated.lines) == {
        "active_persons": 2,
        "sign_ins": 3,
        "launches": 2,
        "exams": 2,
        "credentials": 1,
        "mails": 1,
        "training": 2.2,
        "storage": 790,
    }
    for line in stated.lines:
        kind = next(one for one in KINDS if one.key == line.key)
        if line.key == "storage":
            continue
        assert line.digest == planted.digest(*kind.events), line.key
        assert line.events == len(planted.ids(*kind.events))


@pytest.mark.parametrize("key", [kind.key for kind in KINDS])
async def test_the_events_shown_for_a_line_add_up_to_it(
    database: Database, planted: Planted, two_tenants: tuple[People, People], key: str
) -> None:
    read = database.tenant_reader(two_tenants[0].tenant_id, ACTOR)
    stated = await accounting.statement(read, MONTH, LATER)
    line = next(one for one in stated.lines if one.key == key)
    found, after = [], None
    while page := await accounting.proof(read, stated, key, after, 2):
        found += page
        after = page[-1].id
    assert len(found) == len({one.id for one in found}) == line.events
    digest = hashlib.sha256(",".join(str(one.id) for one in found).encode()).hexdigest()
    assert digest == line.digest
    if line.unit == "minutes":
        assert round(sum(one.duration_s or 0 for one in found) / 60, 1) == line.quantity
    elif line.unit == "bytes":
        assert sum(one.size_bytes or 0 for one in found) == line.quantity
    elif key == "active_persons":
        assert len({one.person_id for one in found}) == line.quantity
    else:
        assert len(found) == line.quantity


async def test_as_of_a_day_leaves_out_what_came_later(
    database: Database, planted: Planted, two_tenants: tuple[People, People]
) -> None:
    read = database.tenant_reader(two_tenants[0].tenant_id, ACTOR)
    stated = await accounting.statement(read, MONTH, LATER, date(2026, 3, 6))
    shown = figures(stated.lines)
    assert shown["sign_ins"] == 2
    assert shown["storage"] == 700 + 5_000 + 90
    assert shown["exams"] == 1
    assert stated.closed_at is None


async def test_a_closed_month_says_the_same_whatever_happens_to_its_events(
    database: Database,
    superuser: asyncpg.Connection,
    planted: Planted,
    two_tenants: tuple[People, People],
) -> None:
    tenant_id = two_tenants[0].tenant_id
    read = database.tenant_reader(tenant_id, ACTOR)
    await superuser.execute("delete from usage_statement where tenant_id = $1", tenant_id)
    before = await accounting.statement(read, MONTH, LATER)
    async with database.tenant(tenant_id, ACTOR) as tx:
        assert not await accounting.close(tx, MONTH, END + timedelta(hours=23))
        assert await accounting.close(tx, MONTH, LATER)
        assert not await accounting.close(tx, MONTH, LATER)
    doomed = planted.ids("exam.finished")[0]
    async with past_every_guard(superuser) as power:
        await power.execute(
            "update tenant_event set occurred_at = $2 where id = $1",
            doomed,
            START - timedelta(days=1),
        )
    after = await accounting.statement(read, MONTH, LATER)
    async with past_every_guard(superuser) as power:
        await power.execute(
            "update tenant_event set occurred_at = $2 where id = $1",
            doomed,
            START + timedelta(days=1),
        )
    assert after.lines == before.lines
    assert after.closed_at is not None


async def test_the_clock_closes_every_month_that_is_over_and_no_other(
    database: Database,
    superuser: asyncpg.Connection,
    planted: Planted,
    two_tenants: tuple[People, People],
) -> None:
    while await tasks.close_statements(database):
        continue
    rows = await superuser.fetch(
        "select month from usage_statement where tenant_id = $1 order by month",
        two_tenants[0].tenant_id,
    )
    closed = [row["month"] for row in rows]
    this_month = datetime.now(UTC).date().replace(day=1)
    assert MONTH in closed
    assert this_month not in closed
    assert await tasks.close_statements(database) == 0
    younger = await superuser.fetchval(
        "select count(*) from usage_statement where tenant_id = $1", two_tenants[1].tenant_id
    )
    assert younger == 0


async def test_no_month_is_stated_before_the_organisation_or_after_now(
    database: Database, planted: Planted, two_tenants: tuple[People, People]
) -> None:
    read = database.tenant_reader(two_tenants[0].tenant_id, ACTOR)
    for month in (date(2026, 1, 1), date(2099, 1, 1)):
        with pytest.raises(NotFound):
            await accounting.statement(read, month, LATER)
    assert [parse_month(text) for text in ("2026-13", "2026-3", "2026-03-01", "x")] == [None] * 4


@pytest.fixture
async def auditor(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> httpx.AsyncClient:
    await sign_in(client, app, two_tenants[0], "auditor")
    return client


async def test_page_file_and_api_say_the_same(
    auditor: httpx.AsyncClient, planted: Planted, two_tenants: tuple[People, People]
) -> None:
    slug = two_tenants[0].slug
    page = await auditor.get(f"/t/{slug}/usage/2026-03")
    assert page.status_code == 200
    assert f"/t/{slug}/usage/2026-03/sign_ins" in page.text
    exported = await auditor.get(f"/t/{slug}/usage/2026-03/statement.csv")
    rows = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    told = (await auditor.get(f"/t/{slug}/api/usage/2026-03")).json()["lines"]
    assert [float(row["Quantity"]) for row in rows] == [line["quantity"] for line in told]
    assert [row["Digest of the events (SHA-256)"] for row in rows] == [
        line["digest"] for line in told
    ]
    proof = await auditor.get(f"/t/{slug}/usage/2026-03/sign_ins/events.csv")
    ids = [row["Event"] for row in csv.DictReader(io.StringIO(proof.content.decode("utf-8-sig")))]
    assert ids == [str(one) for one in planted.ids("member.signed_in")]
    for path in ("usage/2026-03/nothing", "usage/2026-13", "usage/soon/sign_ins"):
        assert (await auditor.get(f"/t/{slug}/{path}")).status_code == 404
    wrong = await auditor.get(f"/t/{slug}/usage/2026-03?as_of=2026-04-02")
    assert wrong.status_code == 400


async def test_who_may_not_read_usage_is_refused(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    people = two_tenants[0]
    await sign_in(client, app, people, "recruiter")
    for path in ("usage", "usage/2026-03", "usage/2026-03/exams", "api/usage"):
        assert (await client.get(f"/t/{people.slug}/{path}")).status_code == 403
