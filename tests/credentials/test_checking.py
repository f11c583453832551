"""The public page and API: what anyone is told of a credential, step by step."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from passerelle.credentials import badge, did, proof, service, store
from passerelle.credentials.keys import opened
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from passerelle.kernel.tasks import Work
from tests.conftest import People, csrf_headers
from tests.credentials.conftest import FLUENCY, SKILLS, Earn, Worker
from tests.credentials.documents import ISSUED_AT, Issuer, credential

DocumentOf = Callable[[People, UUID], Awaitable[bytes]]
STEPS = ["issuer", "form", "signature", "dates", "record", "standing"]


class Issued(msgspec.Struct):
    """A credential that was issued and signed, and its document."""

    id: UUID
    people: People
    document: bytes


@pytest.fixture
async def issued(
    earn: Earn, run_worker: Worker, document_of: DocumentOf, two_tenants: tuple[People, People]
) -> Issued:
    credential_id = await earn(two_tenants[0])
    await run_worker()
    document = await document_of(two_tenants[0], credential_id)
    return Issued(credential_id, two_tenants[0], document)


async def check(client: httpx.AsyncClient, document: bytes) -> dict[str, Any]:
    answer = await client.post("/api/verify", content=document)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def failed_step(found: dict[str, Any]) -> str | None:
    """The step at which the check ended; those before it held, those after were not reached."""
    names = [step["name"] for step in found["steps"]]
    held = [step["held"] for step in found["steps"]]
    assert names == STEPS
    if False not in held:
        assert held == [True] * len(STEPS)
        return None
    place = held.index(False)
    assert held[:place] == [True] * place
    assert set(held[place + 1 :]) <= {None}
    ended: str = names[place]
    return ended


async def test_a_credential_as_issued_is_valid(client: httpx.AsyncClient, issued: Issued) -> None:
    by_document = await check(client, issued.document)
    by_id = (await client.get(f"/api/verify/{issued.id}")).json()
    for found in (by_document, by_id):
        assert (found["outcome"], failed_step(found)) == ("valid", None)
        assert found["credential"] == json.loads(issued.document)


async def test_the_document_is_served_as_it_was_signed(
    client: httpx.AsyncClient, issued: Issued
) -> None:
    answer = await client.get(f"/credentials/{issued.id}.json")
    assert answer.content == issued.document
    assert answer.headers["content-type"] == "application/vc"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-robots-tag"] == "noindex"


async def test_the_issuers_did_document_lists_the_key_that_signed(
    client: httpx.AsyncClient, issued: Issued
) -> None:
    document = (await client.get(f"/t/{issued.people.slug}/did.json")).json()
    signed = json.loads(issued.document)
    assert document["id"] == signed["issuer"]["id"]
    assert signed["proof"]["verificationMethod"] in document["assertionMethod"]
    [method] = [
        one
        for one in document["verificationMethod"]
        if one["id"] == signed["proof"]["verificationMethod"]
    ]
    proof.check(badge.decode(issued.document), method["publicKeyMultibase"])


@pytest.mark.parametrize("slug", ["nobody", "NOBODY", "x", "a%00b", "-", "éa"])
async def test_there_is_no_did_document_of_an_unknown_tenant(
    client: httpx.AsyncClient, slug: str
) -> None:
    assert (await client.get(f"/t/{slug}/did.json")).status_code == 404


async def test_a_changed_word_is_not_valid(client: httpx.AsyncClient, issued: Issued) -> None:
    changed = issued.document.replace(b"learner of", b"LEARNER OF")
    assert changed != issued.document
    found = await check(client, changed)
    assert (found["outcome"], failed_step(found)) == ("not-valid", "signature")
    assert "credential" not in found or found["credential"] is None


async def test_an_added_member_is_not_valid(client: httpx.AsyncClient, issued: Issued) -> None:
    document = json.loads(issued.document) | {"description": "Doctor of everything"}
    found = await check(client, json.dumps(document).encode())
    assert (found["outcome"], failed_step(found)) == ("not-valid", "form")


async def test_a_key_of_our_own_making_under_the_issuers_name_is_not_valid(
    client: httpx.AsyncClient, issued: Issued, settings: Settings
) -> None:
    forger = Issuer(settings.public_url, issued.people.slug)
    forged = badge.encode(forger.sign(credential(forger))).encode()
    found = await check(client, forged)
    assert (found["outcome"], failed_step(found)) == ("not-valid", "issuer")


async def test_one_tenants_key_can_not_speak_for_another(
    client: httpx.AsyncClient,
    issued: Issued,
    database: Database,
    work: Work,
    settings: Settings,
    two_tenants: tuple[People, People],
) -> None:
    people, other = two_tenants
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        key = await store.signing_key(tx)
        assert key is not None
        private = opened(tx, work.vault, key)
    theirs = did.issuer_did(settings.public_url, other.slug)
    unsigned = msgspec.structs.replace(badge.decode(issued.document), proof=msgspec.UNSET)
    named = msgspec.structs.replace(
        unsigned, issuer=msgspec.structs.replace(unsigned.issuer, id=theirs)
    )
    for method in (
        did.method_id(theirs, key.public_key),
        did.method_id(key.controller, key.public_key),
    ):
        forged = badge.encode(proof.sign(named, private, method, ISSUED_AT)).encode()
        found = await check(client, forged)
        assert (found["outcome"], failed_step(found)) == ("not-valid", "issuer")


async def test_a_credential_from_elsewhere_is_not_known(client: httpx.AsyncClient) -> None:
    elsewhere = Issuer("https://elsewhere.example")
    document = badge.encode(elsewhere.sign(credential(elsewhere))).encode()
    found = await check(client, document)
    assert (found["outcome"], failed_step(found)) == ("not-known", "issuer")


async def _signed_by(
    issued: Issued, database: Database, work: Work, changed: dict[str, Any]
) -> bytes:
    """The document with changes, signed with the tenant's own key."""
    async with database.tenant(issued.people.tenant_id, actors.system("tests")) as tx:
        key = await store.signing_key(tx)
        assert key is not None
        private = opened(tx, work.vault, key)
    document = json.loads(issued.document) | changed
    del document["proof"]
    unsigned = badge.convert(document)
    method = did.method_id(key.controller, key.public_key)
    return badge.encode(proof.sign(unsigned, private, method, ISSUED_AT)).encode()


async def test_a_signed_credential_without_a_record_is_not_known(
    client: httpx.AsyncClient, issued: Issued, database: Database, work: Work
) -> None:
    for address in (f"http://localhost:8000/verify/{uuid4()}", "urn:x:y"):
        document = await _signed_by(issued, database, work, {"id": address})
        found = await check(client, document)
        assert (found["outcome"], failed_step(found)) == ("not-known", "record")


@pytest.mark.parametrize(
    "dates",
    [
        {"validFrom": "2099-01-01T00:00:00Z"},
        {"validUntil": "2020-01-01T00:00:00Z"},
        {"validFrom": "2026-02-31T00:00:00Z"},
    ],
)
async def test_a_credential_out_of_its_dates_is_not_valid(
    client: httpx.AsyncClient,
    issued: Issued,
    database: Database,
    work: Work,
    dates: dict[str, str],
) -> None:
    found = await check(client, await _signed_by(issued, database, work, dates))
    assert (found["outcome"], failed_step(found)) == ("not-valid", "dates")


async def _revoke(database: Database, issued: Issued) -> None:
    async with database.tenant(issued.people.tenant_id, actors.system("tests")) as tx:
        await service.revoke(tx, issued.id, "The exam was taken by someone else.")


async def test_a_revoked_credential_shows_revoked_without_the_reason(
    client: httpx.AsyncClient, issued: Issued, database: Database
) -> None:
    await _revoke(database, issued)
    found = await check(client, issued.document)
    assert (found["outcome"], failed_step(found)) == ("revoked", "standing")
    assert found["revoked_at"]
    page = await client.get(f"/verify/{issued.id}", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "This credential was revoked" in page.text
    assert "someone else" not in page.text + json.dumps(found)


async def test_an_erased_holders_copy_still_verifies(
    client: httpx.AsyncClient, issued: Issued, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        "update issued_credential set person_id = null, document = null, attempt_id = null"
        " where id = $1",
        issued.id,
    )
    assert (await check(client, issued.document))["outcome"] == "valid"
    assert (await client.get(f"/credentials/{issued.id}.json")).status_code == 404
    assert (await client.get(f"/api/verify/{issued.id}")).status_code == 404


@pytest.mark.parametrize("text", ["d313c9b6-e892-4224-aec9-ba130cd40f75", "1", "x", "a%00b", "é"])
async def test_an_unknown_identifier_is_not_known(client: httpx.AsyncClient, text: str) -> None:
    page = await client.get(f"/verify/{text}", headers={"accept": "text/html"})
    assert page.status_code == 404
    found = await client.get(f"/api/verify/{text}")
    assert found.status_code == 404
    assert "This credential is not known here" in page.text
    assert found.json()["outcome"] == "not-known"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"issuer": {"id": "did:web:x"}}',
        b'{"issuer": 1, "proof": 2}',
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"\xff\xfe",
        b'{"a":' * 30_000,
        b"[" * 60_000,
    ],
)
async def test_what_is_no_credential_is_a_clear_problem(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.post("/api/verify", content=body)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code in (400, 413)
    assert problem["type"] in ("/problems/not-acredential", "/problems/credential-too-large")


@pytest.mark.parametrize("size", [badge.DOCUMENT_LIMIT_BYTES + 1, 200_000, 3_000_000])
async def test_a_file_that_is_too_large_is_refused_with_its_limit(
    client: httpx.AsyncClient, size: int
) -> None:
    answer = await client.post("/api/verify", content=b"x" * size)
    assert answer.status_code == 413
    if size < 2_000_000:
        assert "65536 bytes" in answer.json()["detail"]
    page = await client.post(
        "/verify",
        files={"file": ("credential.json", b"x" * size)},
        headers={**await csrf_headers(client), "accept": "text/html"},
    )
    assert page.status_code == 413
    if size < 2_000_000:
        assert "64 KiB (65,536 bytes)" in page.text


async def test_nul_characters_reach_no_statement(client: httpx.AsyncClient, issued: Issued) -> None:
    document = json.loads(issued.document)
    for place, member in ((document["issuer"], "id"), (document["proof"], "verificationMethod")):
        kept = place[member]
        for value in ("\0", kept + "\0", "did:web:localhost%3A8000:t:\0"):
            place[member] = value
            answer = await client.post("/api/verify", content=json.dumps(document))
            assert answer.json()["outcome"] in ("not-valid", "not-known")
        place[member] = kept


async def test_the_page_takes_a_file_or_a_pasted_text(
    client: httpx.AsyncClient, issued: Issued
) -> None:
    headers = {**await csrf_headers(client), "accept": "text/html"}
    file = {"file": ("credential.json", issued.document, "application/json")}
    uploaded = await client.post("/verify", files=file, headers=headers)
    nothing = {"file": ("", b"", "application/octet-stream")}
    text = {"text": json.dumps(json.loads(issued.document), indent=2, ensure_ascii=False)}
    pasted = await client.post("/verify", files=nothing, data=text, headers=headers)
    for page in (uploaded, pasted):
        assert page.status_code == 200
        assert "This credential is valid" in page.text
        assert f"learner of {issued.people.slug}" in page.text


async def test_the_page_says_what_is_wrong_with_a_file(client: httpx.AsyncClient) -> None:
    headers = {**await csrf_headers(client), "accept": "text/html"}
    for data, words in (
        ({"text": ""}, "Choose a file, or paste the credential below"),
        ({"text": "{"}, "This is not a credential that can be read here"),
        ({"text": "<script>alert(1)</script>"}, "This is not a credential that can be read here"),
    ):
        page = await client.post("/verify", files={"x": b""}, data=data, headers=headers)
        assert page.status_code == 400
        assert words in page.text
        assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    ("locale", "words", "skill"),
    [
        ("en", "This credential is valid", 0),
        ("fr", "Cette attestation est valide", 1),
        ("ar", "هذه الشهادة صالحة", 2),
    ],
)
async def test_the_page_speaks_three_languages(
    client: httpx.AsyncClient, issued: Issued, locale: str, words: str, skill: int
) -> None:
    page = await client.get(f"/verify/{issued.id}?lang={locale}", headers={"accept": "text/html"})
    assert words in page.text
    assert f'lang="{locale}"' in page.text
    assert FLUENCY.name.in_(locale) in page.text
    for labels in SKILLS.values():
        assert labels[skill] in page.text
    # The signed words stay as they were signed, marked as what they are.
    assert re.search(r'<span lang="en" dir="auto">AI fluency, level 1</span>', page.text)


async def test_a_program_gets_json_from_the_pages_address(
    client: httpx.AsyncClient, issued: Issued
) -> None:
    answer = await client.get(f"/verify/{issued.id}", headers={"accept": "application/json"})
    assert answer.json()["outcome"] == "valid"


async def test_checks_at_the_same_time_do_not_mix(
    client: httpx.AsyncClient, issued: Issued
) -> None:
    changed = issued.document.replace(b"learner of", b"LEARNER OF")
    found = await asyncio.gather(
        *(check(client, issued.document if even % 2 else changed) for even in range(10))
    )
    assert [one["outcome"] for one in found] == ["not-valid", "valid"] * 5
