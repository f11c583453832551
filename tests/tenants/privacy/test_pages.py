"""The officer's and the person's pages over HTTP: who may, what is refused, what is on record."""

import io
import zipfile
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from passerelle.kernel import tasks
from tenants.access.sessions import COOKIE
from tenants.privacy import receipts
from tests.conftest import csrf_headers, sign_in
from tests.credentials.conftest import Worker
from tests.people.factories import create_person, share, themselves, withdraw
from tests.people.sessions import cookie
from tests.tenants.privacy.lived import LEARNER_NAME, Lived, officer, owner
from tests.tenants.privacy.test_carrying import PASSPHRASE
from tests.tenants.privacy.test_erasure import ask, erase

REASON = "Asked for in a letter of 23 November."


async def signed_in(client: httpx.AsyncClient, app: Litestar, lived: Lived) -> httpx.AsyncClient:
    held = await cookie(app, officer(lived.people))
    client.cookies.set(COOKIE, held["value"], domain="localhost.local", path="/t/region")
    client.headers.update(await csrf_headers(client))
    return client


async def as_person(
    client: httpx.AsyncClient, app: Litestar, person_id: UUID, locale: str = "en"
) -> httpx.AsyncClient:
    actor = msgspec.structs.replace(themselves(person_id), locale=locale)
    held = await cookie(app, actor)
    client.cookies.set(COOKIE, held["value"], domain="localhost.local", path="/me")
    client.headers.update(await csrf_headers(client))
    return client


@pytest.fixture
async def at_desk(client: httpx.AsyncClient, app: Litestar, lived: Lived) -> httpx.AsyncClient:
    return await signed_in(client, app, lived)


@pytest.mark.parametrize(
    "path",
    ["", ".csv", "/ledger", "/ledger.csv", "/people", "/erasures"],
)
async def test_only_an_officer_comes_in(
    client: httpx.AsyncClient, app: Litestar, lived: Lived, path: str
) -> None:
    await sign_in(client, app, lived.people, "recruiter")
    assert (await client.get(f"/t/region/privacy{path}")).status_code == 403
    await signed_in(client, app, lived)
    assert (await client.get(f"/t/region/privacy{path}")).status_code == 200


async def test_the_map_says_what_for_and_how_long(at_desk: httpx.AsyncClient) -> None:
    page = (await at_desk.get("/t/region/privacy")).text
    assert "Your attempts at exams" in page
    assert "1,825 days" in page
    table = (await at_desk.get("/t/region/privacy.csv")).text
    assert '"study_progress"' in table
    assert '"wallet_credential"' in table


async def test_the_ledger_shows_the_words_and_stands_as_of_a_day(
    at_desk: httpx.AsyncClient, work: tasks.Work, lived: Lived, superuser: asyncpg.Connection
) -> None:
    person_id = await create_person(work.database, "Sara Of-The-Ledger")
    sharing_id = await share(work.database, person_id, lived.tenant_id)
    page = (await at_desk.get("/t/region/privacy/ledger")).text
    assert "Sara Of-The-Ledger" in page
    assert "I let this organisation see my proven skills" in page
    await superuser.execute(
        "update consent set given_at = '2026-01-05' where sharing_id = $1", sharing_id
    )
    await withdraw(work.database, person_id, sharing_id)
    page = (await at_desk.get("/t/region/privacy/ledger")).text
    assert "withdrawn" in page
    assert "Sara Of-The-Ledger" not in page, "their name went with the sharing"
    then = (await at_desk.get("/t/region/privacy/ledger?as_of=2026-01-10")).text
    assert "withdrawn" not in then
    assert "in force" in then
    before = (await at_desk.get("/t/region/privacy/ledger?as_of=2026-01-01")).text
    assert "Nobody has agreed" in before
    for bad in ("yesterday", "2026-13-01", "9999-12-31"):
        answer = await at_desk.get(f"/t/region/privacy/ledger?as_of={bad}")
        assert answer.status_code == 400, bad
    rows = (await at_desk.get("/t/region/privacy/ledger.csv")).text
    assert "hiring-2026-11" in rows
    event = await superuser.fetchrow(
        "select c.given_by_event, e.name from consent c join person_event e"
        " on e.person_id = c.person_id and e.id = c.given_by_event where c.sharing_id = $1",
        sharing_id,
    )
    assert event["name"] == "sharing.granted"


async def test_a_member_is_found_and_handed_a_copy_on_record(
    at_desk: httpx.AsyncClient, lived: Lived, superuser: asyncpg.Connection
) -> None:
    found = (await at_desk.get("/t/region/privacy/people?search=idrissi yous")).text
    assert LEARNER_NAME in found
    assert (
        "No member is called so"
        in (await at_desk.get("/t/region/privacy/people?search=nobody")).text
    )
    page = await at_desk.get(f"/t/region/privacy/people/{lived.learner_id}")
    assert "Your answers in exams" in page.text
    copy = await at_desk.post(f"/t/region/privacy/people/{lived.learner_id}/copy")
    with zipfile.ZipFile(io.BytesIO(copy.content)) as archive:
        names = archive.namelist()
    assert "organisations/region/member.json" in names
    assert not any(name.startswith(("own/", "organisations/retail")) for name in names)
    assert await superuser.fetchval(
        "select count(*) from tenant_event where name = 'member.exported' and person_id = $1",
        lived.learner_id,
    )
    for stranger in (lived.other.learner_id, UUID(int=7)):
        for path in ("", "/erase"):
            answer = await at_desk.get(f"/t/region/privacy/people/{stranger}{path}")
            assert answer.status_code == 404
        answer = await at_desk.post(f"/t/region/privacy/people/{stranger}/copy")
        assert answer.status_code == 404


async def test_an_officer_asks_with_a_reason_and_takes_it_back(
    at_desk: httpx.AsyncClient, lived: Lived, superuser: asyncpg.Connection
) -> None:
    path = f"/t/region/privacy/people/{lived.learner_id}/erase"
    assert "What stays, and why" in (await at_desk.get(path)).text
    short = await at_desk.post(path, data={"reason": "because"})
    assert short.status_code == 400
    assert "because" in short.text, "what was typed stays"
    asked = await at_desk.post(path, data={"reason": REASON}, follow_redirects=True)
    assert asked.status_code == 200
    assert LEARNER_NAME in asked.text
    again = await at_desk.post(path, data={"reason": REASON})
    assert again.status_code == 409
    erasure_id = await superuser.fetchval(
        "select id from member_erasure where finished_at is null and cancelled_at is null"
    )
    back = f"/t/region/privacy/erasures/{erasure_id}"
    assert (await at_desk.get(back)).status_code == 404, "no receipt before it is done"
    await at_desk.post(f"{back}/take-back")
    assert (await at_desk.post(f"{back}/take-back")).status_code == 409
    own = f"/t/region/privacy/people/{lived.people.recruiter_id}/erase"
    assert (await at_desk.get(own)).status_code == 403, "not one's own"


async def test_the_organisations_file_is_its_owners_alone(
    at_desk: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    """Live exams with their keys stand in it, and what signs credentials: an officer's desk shows
    neither, and whoever made the passphrase opens both."""
    path = "/t/region/privacy/export"
    both = {"passphrase": PASSPHRASE, "again": PASSPHRASE}
    before = await superuser.fetchval("select count(*) from tenant_export")
    assert (await at_desk.get(path)).status_code == 403
    assert (await at_desk.post(path, data=both)).status_code == 403
    assert (await at_desk.post(f"{path}/{UUID(int=1)}/file")).status_code == 403
    assert await superuser.fetchval("select count(*) from tenant_export") == before
    assert "Take it all out" not in (await at_desk.get("/t/region/privacy")).text


async def test_the_organisations_file_needs_a_passphrase_twice(
    at_desk: httpx.AsyncClient,
    app: Litestar,
    lived: Lived,
    run_worker: Worker,
    superuser: asyncpg.Connection,
) -> None:
    held = await cookie(app, owner(lived.people))
    at_desk.cookies.set(COOKIE, held["value"], domain="localhost.local", path="/t/region")
    path = "/t/region/privacy/export"
    for data in ({}, {"passphrase": "short", "again": "short"}, {"passphrase": PASSPHRASE}):
        answer = await at_desk.post(path, data=data)
        assert answer.status_code == 400
        assert PASSPHRASE not in answer.text
    both = {"passphrase": PASSPHRASE, "again": PASSPHRASE}
    assert (await at_desk.post(path, data=both)).status_code == 303
    assert (await at_desk.post(path, data=both)).status_code == 409
    export_id = await superuser.fetchval("select id from tenant_export")
    assert (await at_desk.post(f"{path}/{export_id}/file")).status_code == 409, "not yet"
    await run_worker()
    part = await at_desk.get(path, headers={"HX-Request": "true"})
    assert "Fetch the file" in part.text
    assert "<html" not in part.text
    fetched = await at_desk.post(f"{path}/{export_id}/file")
    assert fetched.status_code in (200, 201)
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        assert "manifest.json" in archive.namelist()
    assert (await at_desk.post(f"{path}/{UUID(int=1)}/file")).status_code == 404


async def test_a_copy_is_fetched_in_the_session_that_asked_alone(
    client: httpx.AsyncClient,
    app: Litestar,
    work: tasks.Work,
    lived: Lived,
    run_worker: Worker,
    superuser: asyncpg.Connection,
) -> None:
    await as_person(client, app, lived.learner_id)
    assert (await client.post("/me/export")).status_code == 303
    await run_worker()
    page = (await client.get("/me/export")).text
    assert "Fetch the file" in page
    export_id = await superuser.fetchval("select id from person_export where state = 'ready'")
    fetched = await client.post(f"/me/export/{export_id}/file")
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        assert "index.json" in archive.namelist()
    assert await superuser.fetchval("select fetched_at from person_export where id = $1", export_id)
    # Another session of the same person, and another person: nothing.
    await as_person(client, app, lived.learner_id)
    assert (await client.post(f"/me/export/{export_id}/file")).status_code == 404
    assert "Only the session" in (await client.get("/me/export")).text
    await as_person(client, app, lived.other.learner_id)
    assert (await client.post(f"/me/export/{export_id}/file")).status_code == 404


@pytest.mark.parametrize(
    ("locale", "typed"),
    [("en", "Erase  everything "), ("fr", "tout effacer"), ("ar", "امح كل شيء")],
    ids=["en", "fr", "ar"],
)
async def test_being_erased_takes_typed_words_and_can_be_taken_back(
    client: httpx.AsyncClient, app: Litestar, work: tasks.Work, locale: str, typed: str
) -> None:
    person_id = await create_person(work.database, "Lina Alaoui")
    await as_person(client, app, person_id, locale)
    for wrong in ("", "yes", "erase"):
        answer = await client.post("/me/erase", data={"confirmation": wrong})
        assert answer.status_code == 400
    assert (await client.post("/me/erase", data={"confirmation": typed})).status_code == 303
    page = (await client.get("/me/erase")).text
    assert "/erasure/" in page
    assert (await client.post("/me/erase", data={"confirmation": typed})).status_code == 409
    assert (await client.post("/me/erase/take-back")).status_code == 303
    assert (await client.post("/me/erase/take-back")).status_code == 409


async def test_a_receipt_proves_itself(
    client: httpx.AsyncClient, work: tasks.Work, superuser: asyncpg.Connection
) -> None:
    person_id = await create_person(work.database, "Omar Tazi-Gone")
    erasure_id = await ask(work, person_id, superuser)
    assert (await client.get(f"/erasure/{erasure_id}")).status_code == 404
    await erase(work, person_id, erasure_id)
    page = await client.get(f"/erasure/{erasure_id}")
    assert page.status_code == 200
    assert "Omar" not in page.text
    assert str(person_id) not in page.text
    given = (await client.get(f"/erasure/{erasure_id}/receipt.json")).json()
    assert receipts.checked(work.settings, given["jws"]) == given["receipt"]
    # Anyone's tool checks it with the published key; a changed one is refused.
    from joserfc import jws
    from joserfc.jwk import OKPKey

    key = OKPKey.import_key((await client.get("/erasure/key.json")).json())
    assert jws.deserialize_compact(given["jws"], key, algorithms=["Ed25519"])
    head, body, proof = given["jws"].split(".")
    assert receipts.checked(work.settings, f"{head}.{body[:-2]}AA.{proof}") is None
    assert receipts.checked(work.settings, "nonsense") is None
