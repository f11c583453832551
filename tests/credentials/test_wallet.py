"""The holder's own page: what they earned, to show and to take away."""

import io
import zipfile
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from passerelle.credentials import service
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from tests.conftest import People, csrf_headers, sign_in, sign_in_person
from tests.credentials.conftest import FLUENCY, SKILLS, Earn, Worker

PAGE = {"accept": "text/html"}


async def test_a_wallet_without_a_session_stays_closed(client: httpx.AsyncClient) -> None:
    for path in ("/me/wallet", "/me/wallet.zip"):
        answer = await client.get(path, headers=PAGE)
        assert answer.status_code == 303
        assert "sign-in" in answer.headers["location"]
        assert (await client.get(path)).status_code == 401


async def test_an_empty_wallet_says_how_it_fills(
    client: httpx.AsyncClient, app: Litestar, taxonomy: None
) -> None:
    await sign_in_person(client, app, new_id())
    page = await client.get("/me/wallet", headers=PAGE)
    assert "Your wallet is empty" in page.text


@pytest.mark.parametrize(("locale", "place"), [("en", 0), ("fr", 1), ("ar", 2)])
async def test_the_wallet_shows_what_was_earned_in_the_persons_language(
    client: httpx.AsyncClient,
    app: Litestar,
    earn: Earn,
    run_worker: Worker,
    two_tenants: tuple[People, People],
    locale: str,
    place: int,
) -> None:
    credential_id = await earn(two_tenants[0])
    await run_worker()
    await sign_in_person(client, app, two_tenants[0].learner_id, locale=locale)
    page = await client.get("/me/wallet", headers=PAGE)
    assert FLUENCY.name.in_(locale) in page.text
    assert f"/verify/{credential_id}" in page.text
    for labels in SKILLS.values():
        assert labels[place] in page.text


async def test_everything_can_be_taken_away_as_it_was_signed(
    client: httpx.AsyncClient,
    app: Litestar,
    earn: Earn,
    run_worker: Worker,
    two_tenants: tuple[People, People],
) -> None:
    credential_id = await earn(two_tenants[0])
    await run_worker()
    await sign_in_person(client, app, two_tenants[0].learner_id)
    archive = await client.get("/me/wallet.zip")
    assert archive.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        document = opened.read(f"{credential_id}.json")
    assert document == (await client.get(f"/credentials/{credential_id}.json")).content


async def test_one_person_does_not_see_anothers_wallet(
    client: httpx.AsyncClient,
    app: Litestar,
    earn: Earn,
    run_worker: Worker,
    two_tenants: tuple[People, People],
) -> None:
    credential_id = await earn(two_tenants[0])
    await run_worker()
    await sign_in_person(client, app, two_tenants[0].recruiter_id)
    page = await client.get("/me/wallet", headers=PAGE)
    assert str(credential_id) not in page.text
    with zipfile.ZipFile(io.BytesIO((await client.get("/me/wallet.zip")).content)) as opened:
        assert opened.namelist() == []


async def test_a_revoked_credential_is_marked_in_the_wallet(
    client: httpx.AsyncClient,
    app: Litestar,
    earn: Earn,
    run_worker: Worker,
    database: Database,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[1]
    credential_id = await earn(people)
    await run_worker()
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        await service.revoke(tx, credential_id, "Issued in error.")
    await run_worker()
    await sign_in_person(client, app, people.learner_id)
    page = await client.get("/me/wallet", headers=PAGE)
    assert "Revoked by its issuer on" in page.text
    assert "Issued in error." not in page.text


async def test_only_an_administrator_of_the_issuer_revokes(
    client: httpx.AsyncClient,
    app: Litestar,
    earn: Earn,
    run_worker: Worker,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[0]
    credential_id = await earn(people)
    await run_worker()
    path = f"/t/{people.slug}/api/credentials/{credential_id}/revocation"
    for role in ("learner", "recruiter"):
        await sign_in(client, app, people, role)
        headers = await csrf_headers(client)
        answer = await client.post(path, json={"reason": "Mine."}, headers=headers)
        assert answer.status_code == 403
    assert await _outcome(client, credential_id) == "valid"
    await sign_in(client, app, people, "tenant_admin")
    headers = await csrf_headers(client)
    assert (await client.post(path, json={"reason": " "}, headers=headers)).status_code == 400
    assert (await client.post(path, json={"reason": "In error."}, headers=headers)).is_success
    assert await _outcome(client, credential_id) == "revoked"


async def _outcome(client: httpx.AsyncClient, credential_id: UUID) -> str:
    found = (await client.get(f"/api/verify/{credential_id}")).json()
    return str(found["outcome"])
