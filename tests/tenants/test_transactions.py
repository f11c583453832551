"""What a handler is given: one transaction, kept whole or not at all."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar, post

from infra.web import opened
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.settings import Settings
from tenants.access.dependencies import DEPENDENCIES
from tenants.access.guard import require_permission
from tenants.access.middleware import session_middleware
from tests.conftest import People, as_browser, sign_in

INSERT = """
insert into member (tenant_id, person_id, display_name, locale) values ($1, $2, 'tx', 'en')
"""


@post("/t/{slug:str}/write/{person_id:uuid}", permission="learn")
async def write(tx: TenantTransaction, person_id: UUID) -> None:
    await tx.execute(INSERT, tx.tenant_id, person_id)


@post("/t/{slug:str}/break/{person_id:uuid}", permission="learn")
async def write_and_break(tx: TenantTransaction, person_id: UUID) -> None:
    await tx.execute(INSERT, tx.tenant_id, person_id)
    raise RuntimeError("after writing")


@post("/t/{slug:str}/swallow/{person_id:uuid}", permission="learn")
async def write_and_swallow(tx: TenantTransaction, person_id: UUID) -> None:
    await tx.execute(INSERT, tx.tenant_id, person_id)
    try:
        await tx.execute("select 1 / 0")
    except Exception:
        return


@post("/t/{slug:str}/undeclared")
async def undeclared() -> None:
    return None


@pytest.fixture(scope="module")
async def small_app(settings: Settings) -> AsyncIterator[Litestar]:
    application = Litestar(
        [write, write_and_break, write_and_swallow, undeclared],
        dependencies=DEPENDENCIES,
        guards=[require_permission],
        middleware=[session_middleware],
        openapi_config=None,
    )
    async with opened(settings)(application):
        yield application


@pytest.fixture
async def learner(
    small_app: Litestar, settings: Settings, two_tenants: tuple[People, People]
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=small_app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        await sign_in(as_browser(client), small_app, two_tenants[0], "learner")
        yield client


async def written(database: Database, people: People, person_id: UUID) -> bool:
    reader = database.tenant_reader(people.tenant_id, actors.system("tests"))
    count = "select count(*) from member where tenant_id = $1 and person_id = $2"
    return bool(await reader.fetch_value(count, people.tenant_id, person_id))


@pytest.mark.parametrize(
    ("path", "status", "kept"),
    [("write", 201, True), ("break", 500, False), ("swallow", 500, False)],
)
async def test_a_request_is_kept_whole_or_not_at_all(
    learner: httpx.AsyncClient,
    database: Database,
    two_tenants: tuple[People, People],
    path: str,
    status: int,
    kept: bool,
) -> None:
    person_id = uuid4()
    answer = await learner.post(f"/t/region/{path}/{person_id}")
    assert answer.status_code == status
    assert await written(database, two_tenants[0], person_id) is kept


async def test_a_route_that_declares_nothing_is_refused(learner: httpx.AsyncClient) -> None:
    answer = await learner.post("/t/region/undeclared")
    assert answer.status_code in (403, 500)
    assert answer.status_code != 201
