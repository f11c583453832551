"""Self-service: nothing is made before the mailed link was opened by someone who signed in."""

import base64
import re
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from infra.web import create_app, opened
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tenants.organisations import sign_up
from tenants.organisations.model import NewOrganisation
from tenants.organisations.problems import SignUpUnknown
from tests.conftest import csrf_headers, sign_in_person

PAGE = "/organisations/new"
ANSWERS = {
    "name_en": "Lighthouse School",
    "slug": "lighthouse",
    "default_locale": "fr",
    "email": "head@lighthouse.example",
}


@pytest.fixture(autouse=True)
async def fresh(valkey: Redis) -> None:
    for key in [key async for key in valkey.scan_iter("limit:*")]:
        await valkey.delete(key)


async def sent(client: httpx.AsyncClient, **data: str) -> httpx.Response:
    headers = await csrf_headers(client)
    return await client.post(PAGE, data=data, headers={**headers, "accept": "text/html"})


async def asked_for(
    superuser: asyncpg.Connection, vault: Vault, slug: str
) -> tuple[str, asyncpg.Record]:
    row = await superuser.fetchrow("select * from sign_up where slug = $1", slug)
    return sign_up.token_of(vault, row["person_id"], row["id"]), row


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault(settings.master_key)


async def test_from_the_first_question_to_an_organisation_with_its_owner(
    app: Litestar, client: httpx.AsyncClient, superuser: asyncpg.Connection, vault: Vault
) -> None:
    assert (await client.get(PAGE)).status_code == 200
    page = await sent(client, step="name", name_en=ANSWERS["name_en"])
    assert 'value="lighthouse-school"' in page.text
    page = await sent(client, step="address", **{**ANSWERS, "email": ""})
    assert 'name="default_locale"' in page.text
    page = await sent(client, step="email", **ANSWERS)
    assert "head@lighthouse.example" in page.text
    assert not await superuser.fetchval("select count(*) from sign_up where slug = 'lighthouse'")
    page = await sent(client, step="check", **ANSWERS)
    assert "Look into your mail" in page.text
    token, row = await asked_for(superuser, vault, "lighthouse")
    assert not await superuser.fetchval("select count(*) from tenant where slug = 'lighthouse'")

    link = f"/me/organisations/{token}"
    away = await client.get(link, headers={"accept": "text/html"})
    assert away.status_code == 303
    assert away.headers["location"].startswith("/me/sign-in?next=")
    person_id = new_id()
    await sign_in_person(client, app, person_id)
    seen = await client.get(link)
    assert "Lighthouse School" in seen.text
    made = await client.post(link, headers=await csrf_headers(client))
    assert (made.status_code, made.headers["location"]) == (303, "/t/lighthouse/sign-in")
    owner = await superuser.fetchrow(
        "select member.person_id, member.email, member_role.role from member"
        " join member_role using (tenant_id, person_id)"
        " where tenant_id = (select id from tenant where slug = 'lighthouse')"
    )
    assert tuple(owner) == (person_id, "head@lighthouse.example", "owner")
    assert not await superuser.fetchval("select count(*) from sign_up where id = $1", row["id"])
    assert (await client.post(link, headers=await csrf_headers(client))).status_code == 410


async def test_a_repeat_after_a_crash_makes_nothing_twice_and_serves_nobody_else(
    app: Litestar,
    database: Database,
    settings: Settings,
    superuser: asyncpg.Connection,
    vault: Vault,
) -> None:
    from tests.people.factories import themselves

    new = NewOrganisation(slug="crashed", name=Localised("C", "C", "C"))
    await sign_up.ask(database, new, "c@crash.example", "en")
    token, row = await asked_for(superuser, vault, "crashed")
    first, other = themselves(new_id(), "First"), themselves(new_id(), "Other")
    made = await sign_up.make(database, settings, vault, token, first)
    # As if the process had ended before the row was removed.
    await superuser.copy_records_to_table("sign_up", records=[tuple(row)])
    again = await sign_up.make(database, settings, vault, token, first)
    assert (made.id, again.created) == (again.id, False)
    await superuser.copy_records_to_table("sign_up", records=[tuple(row)])
    with pytest.raises(SignUpUnknown):
        await sign_up.make(database, settings, vault, token, other)
    members = await superuser.fetchval("select count(*) from member where tenant_id = $1", made.id)
    assert members == 1


BAD_TOKENS = ["x", "A" * 80, "A" * 300, "%00", "é", "=" * 80, "a.b.c"]


@pytest.mark.parametrize("number", range(len(BAD_TOKENS)))
async def test_a_forged_link_opens_nothing(
    app: Litestar, client: httpx.AsyncClient, number: int
) -> None:
    await sign_in_person(client, app, new_id())
    answer = await client.get(f"/me/organisations/{BAD_TOKENS[number]}")
    assert answer.status_code in (404, 410)


async def test_a_link_of_another_installation_or_another_use_or_too_old_opens_nothing(
    database: Database, superuser: asyncpg.Connection, vault: Vault
) -> None:
    new = NewOrganisation(slug="expired", name=Localised("E", "E", "E"))
    await sign_up.ask(database, new, "e@expired.example", "en")
    token, row = await asked_for(superuser, vault, "expired")
    assert (await sign_up.shown(database, vault, token))[1].slug == "expired"
    elsewhere = Vault("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")

    sealed = vault.seal(row["person_id"].bytes + row["id"].bytes, context="something else")
    other_use = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    flipped = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]
    forged = sign_up.token_of(elsewhere, row["person_id"], row["id"])
    for bad in (forged, other_use, flipped, token[:-1]):
        with pytest.raises(SignUpUnknown):
            await sign_up.shown(database, vault, bad)
    await superuser.execute("update sign_up set expires_at = now() where id = $1", row["id"])
    with pytest.raises(SignUpUnknown):
        await sign_up.shown(database, vault, token)
    assert await sign_up.clear_expired(database) == 1
    assert not await superuser.fetchval("select count(*) from sign_up where id = $1", row["id"])


@pytest.mark.parametrize(
    ("step", "field", "value"),
    [
        ("name", "name_en", ""), ("name", "name_en", "x" * 121), ("name", "name_en", "a\u202eb"),
        ("address", "slug", "Admin"), ("address", "slug", "api"), ("address", "slug", "a/b"),
        ("address", "slug", ""), ("email", "email", "nobody"), ("email", "email", "a@b"),
        ("email", "email", "a@b.example\r\nbcc: c@d.example"), ("email", "email", "x" * 255),
        ("check", "email", ""), ("check", "slug", "root"),
    ],
)  # fmt: skip
async def test_a_bad_answer_stays_on_its_page_with_what_was_typed(
    client: httpx.AsyncClient, superuser: asyncpg.Connection, step: str, field: str, value: str
) -> None:
    before = await superuser.fetchval("select count(*) from sign_up")
    page = await sent(client, step=step, **{**ANSWERS, "slug": "unused", field: value})
    assert page.status_code == 400
    assert f'href="#field-{field}"' in page.text
    assert await superuser.fetchval("select count(*) from sign_up") == before


async def test_the_address_is_looked_up_while_someone_types(
    client: httpx.AsyncClient, two_tenants: object
) -> None:
    for slug, words in (
        ("fresh-one", "Free:"),
        ("region", "Another organisation has this address already"),
        ("admin", "kept for the service"),
        ("A b", "small letters"),
    ):
        answer = await client.get(
            "/organisations/address", params={"slug": slug}, headers={"hx-request": "true"}
        )
        assert words in answer.text, slug
        assert "<html" not in answer.text


async def test_one_mailbox_gets_no_more_than_a_few_links(
    client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    answers = {**ANSWERS, "slug": "flood", "email": "Victim@flood.example"}
    statuses = [(await sent(client, step="check", **answers)).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert await superuser.fetchval("select count(*) from sign_up where slug = 'flood'") == 3


@pytest.fixture
async def closed_app(settings: Settings) -> AsyncIterator[Litestar]:
    closed = msgspec.structs.replace(settings, sign_up_open=False)
    application = create_app(closed)
    async with opened(closed)(application):
        yield application


async def test_an_operator_can_close_it(closed_app: Litestar, vault: Vault) -> None:
    transport = httpx.ASGITransport(app=closed_app)  # type: ignore[arg-type]
    token = sign_up.token_of(vault, UUID(int=1), UUID(int=2))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        from infra.demo.sign_in import as_browser

        as_browser(client)
        await sign_in_person(client, closed_app, new_id())
        for path in (PAGE, "/organisations/address?slug=x", f"/me/organisations/{token}"):
            answer = await client.get(path, headers={"accept": "text/html"})
            assert answer.status_code == 403, path
        assert (await sent(client, step="check", **ANSWERS)).status_code == 403


def test_an_address_is_made_of_the_name() -> None:
    from tenants.organisations.sign_up_pages import suggested

    assert suggested({"name_en": "Ministère de la Santé"}) == "ministere-de-la-sante"
    assert suggested({"name_ar": "وزارة الصحة"}) == ""
    assert suggested({"name_en": "3M"}) == ""
    assert len(suggested({"name_en": "long " * 40})) <= 31
    assert re.fullmatch(r"[a-z][a-z0-9-]+", suggested({"name_fr": "L'École n° 1"}))
