"""The operator's API of plans: a token opens it, a reason goes on record, and no session does."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from infra.web import create_app, opened
from passerelle.kernel.settings import Settings
from tests.conftest import People, csrf_headers, sign_in

TOKEN = "an-operators-token-of-forty-characters-00"


@pytest.fixture(scope="module")
async def open_app(settings: Settings) -> AsyncIterator[Litestar]:
    with_token = msgspec.structs.replace(settings, operator_token=TOKEN)
    application = create_app(with_token)
    async with opened(with_token)(application):
        yield application


@pytest.fixture
async def operator(open_app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=open_app),  # type: ignore[arg-type]
        base_url="http://localhost",
        headers={"authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


async def test_a_plan_is_set_shown_and_on_record(
    operator: httpx.AsyncClient, superuser: asyncpg.Connection, two_tenants: tuple[People, People]
) -> None:
    people = two_tenants[0]
    address = f"/api/operator/tenants/{people.slug}/plan"
    assert (await operator.get(address)).json()["plan"]["name"] == "standard"
    asked = {"name": "enterprise", "reason": "Contract 2026-17"}
    changed = await operator.put(address, json=asked)
    assert changed.status_code == 200, changed.text
    shown = (await operator.get(address)).json()
    assert shown["plan"]["seats"] == 100_000
    assert shown["usage"]["seats"] == 2
    row = await superuser.fetchrow(
        "select reason, origin from tenant_event where tenant_id = $1 and name = 'plan.changed'",
        people.tenant_id,
    )
    assert tuple(row) == ("Contract 2026-17", "api")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"name": "golden", "reason": "x"}, 400),
        ({"name": "trial", "reason": " "}, 400),
        ({"name": "trial"}, 400),
        ({"name": "trial", "reason": "x", "seats": 3}, 400),
    ],
    ids=["unknown", "no reason", "reason missing", "unknown field"],
)
async def test_what_cannot_be_set_is_refused(
    operator: httpx.AsyncClient,
    two_tenants: tuple[People, People],
    asked: dict[str, object],
    status: int,
) -> None:
    address = f"/api/operator/tenants/{two_tenants[1].slug}/plan"
    assert (await operator.put(address, json=asked)).status_code == status
    missing = await operator.put(
        "/api/operator/tenants/nobody/plan", json={"name": "trial", "reason": "x"}
    )
    assert missing.status_code == 404


async def test_an_administrators_session_does_not_open_it(
    client: httpx.AsyncClient, app: Litestar, two_tenants: tuple[People, People]
) -> None:
    await sign_in(client, app, two_tenants[0], "tenant_admin")
    address = f"/api/operator/tenants/{two_tenants[0].slug}/plan"
    answer = await client.put(
        address,
        json={"name": "enterprise", "reason": "for ourselves"},
        headers=await csrf_headers(client),
    )
    assert answer.status_code in (401, 403)
