"""The operator's API: a token and nothing else opens it; what it makes, it makes once."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from infra.web import create_app, opened
from passerelle.kernel.settings import Settings

TOKEN = "an-operators-token-of-forty-characters-00"
ROOT = "/api/operator/tenants"
ASKED = {
    "slug": "health",
    "name": {"en": "Health", "fr": "Santé", "ar": "الصحة"},
    "owner_email": "owner@health.example",
    "default_locale": "fr",
}


@pytest.fixture(scope="module")
async def open_app(settings: Settings) -> AsyncIterator[Litestar]:
    with_token = msgspec.structs.replace(settings, operator_token=TOKEN)
    application = create_app(with_token)
    async with opened(with_token)(application):
        yield application


@pytest.fixture
async def operator(open_app: Litestar, valkey: Redis) -> AsyncIterator[httpx.AsyncClient]:
    await valkey.delete("limit:operator:wrong:127.0.0.1")
    transport = httpx.ASGITransport(app=open_app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://localhost",
        headers={"authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


async def test_an_organisation_is_made_and_its_owner_invited(
    operator: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    made = await operator.post(ROOT, json=ASKED)
    assert made.status_code == 201, made.text
    assert made.json()["address"].endswith("/t/health")
    invited = await superuser.fetchrow(
        "select email, roles, locale from invitation"
        " where tenant_id = (select id from tenant where slug = 'health')"
    )
    assert tuple(invited) == ("owner@health.example", ["owner"], "fr")
    by = await superuser.fetchrow(
        "select actor_kind, actor_name, origin from tenant_event"
        " where name = 'tenant.created' and payload ->> 'slug' = 'health'"
    )
    assert tuple(by) == ("system", "operator", "api")
    again = await operator.post(ROOT, json=ASKED)
    assert again.status_code == 409
    assert again.json()["type"] == "/problems/slug-taken"


async def test_the_same_key_makes_one_organisation_and_another_request_under_it_is_refused(
    operator: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    asked = {**ASKED, "slug": "keyed"}
    headers = {"idempotency-key": "4f1c"}
    first = await operator.post(ROOT, json=asked, headers=headers)
    second = await operator.post(ROOT, json=asked, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    other = await operator.post(ROOT, json={**asked, "slug": "keyed-2"}, headers=headers)
    assert other.status_code == 422
    assert await superuser.fetchval("select count(*) from tenant where slug like 'keyed%'") == 1


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}",
        TOKEN, f"Bearer {TOKEN.upper()}", f"Bearer  {TOKEN}",
        "Bearer \u00e9".encode().decode("latin-1"),
    ],
)  # fmt: skip
async def test_without_the_token_nothing_is_answered(
    operator: httpx.AsyncClient, authorization: str
) -> None:
    for method, path in (("GET", ROOT), ("POST", ROOT), ("GET", f"{ROOT}/health")):
        headers = httpx.Headers([(b"authorization", authorization.encode("latin-1"))])
        answer = await operator.request(method, path, headers=headers)
        assert answer.status_code == 401, authorization
        assert answer.json()["type"] == "/problems/operator-refused"


async def test_an_unset_token_opens_nothing_not_even_to_an_empty_one(
    client: httpx.AsyncClient,
) -> None:
    for authorization in ("", "Bearer ", "Bearer", f"Bearer {TOKEN}"):
        answer = await client.get(ROOT, headers={"authorization": authorization})
        assert answer.status_code in (401, 429)


async def test_guessing_is_slowed_down(operator: httpx.AsyncClient, valkey: Redis) -> None:
    wrong = {"authorization": "Bearer guess"}
    statuses = [(await operator.get(ROOT, headers=wrong)).status_code for _ in range(25)]
    assert statuses[:10] == [401] * 10
    assert statuses[-1] == 429
    assert (await operator.get(ROOT)).status_code == 200


BAD_BODIES = [
    {}, {"slug": "x"}, {**ASKED, "more": 1}, {**ASKED, "slug": "Admin"}, {**ASKED, "slug": "api"},
    {**ASKED, "slug": ["health"]}, {**ASKED, "name": "Health"}, {**ASKED, "slug": None},
    {**ASKED, "name": {"en": "Health", "fr": "", "ar": "الصحة"}},
    {**ASKED, "owner_email": "nobody"}, {**ASKED, "owner_email": "a@b"},
    {**ASKED, "owner_email": "a@b.example\nbcc: c@d.example"}, {**ASKED, "default_locale": "de"},
    {**ASKED, "owner_email": "x" * 250 + "@b.example"}, [], "health", None,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD_BODIES)))
async def test_a_bad_request_is_refused_by_field_and_makes_nothing(
    operator: httpx.AsyncClient, superuser: asyncpg.Connection, number: int
) -> None:
    before = await superuser.fetchval("select count(*) from tenant")
    answer = await operator.post(ROOT, json=BAD_BODIES[number])
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert await superuser.fetchval("select count(*) from tenant") == before


async def test_organisations_are_listed_by_address_searched_and_paged(
    operator: httpx.AsyncClient,
) -> None:
    for number in range(52):
        body = {**ASKED, "slug": f"many-{number:02d}", "owner_email": f"o{number}@many.example"}
        assert (await operator.post(ROOT, json=body)).status_code == 201
    page = (await operator.get(ROOT, params={"q": "many"})).json()
    assert len(page["tenants"]) == 50
    assert page["next_after"] == "many-49"
    rest = (await operator.get(ROOT, params={"q": "many", "after": page["next_after"]})).json()
    assert [one["slug"] for one in rest["tenants"]] == ["many-50", "many-51"]
    assert rest["next_after"] is None
    nobody = (await operator.get(ROOT, params={"status": "suspended"})).json()
    assert nobody["tenants"] == []


async def test_the_document_describes_the_operators_routes(open_app: Litestar) -> None:
    paths = open_app.openapi_schema.paths or {}
    acts = ("suspension", "lifting", "deletion", "restoration")
    assert {ROOT, ROOT + "/{slug}", *(f"{ROOT}/{{slug}}/{act}" for act in acts)} <= paths.keys()
