"""An organisation with a client, and the real application behind a real port."""

import asyncio
import socket
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import msgspec
import pytest
import uvicorn
from litestar import Litestar

from infra.web import create_app
from integrations.scim import clients
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants.service import create_tenant

TEST = actors.system("tests")
MEDIA = "application/scim+json"


class Directory(msgspec.Struct):
    """An organisation and the token of its client."""

    tenant_id: UUID
    slug: str
    client_id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "content-type": MEDIA}


async def create_directory(
    database: Database, slug: str, locale: str = "fr", kind: str = "other"
) -> Directory:
    slug = f"{slug}-{new_id().hex[-8:]}"
    tenant_id = await create_tenant(
        database,
        slug,
        Localised(slug, slug, slug),
        locale,  # type: ignore[arg-type]
        listed=False,
    )
    async with database.tenant(tenant_id, TEST) as tx:
        made = await clients.create(tx, "Directory of the tests", kind)
    return Directory(tenant_id, slug, made.client_id, made.token)


@pytest.fixture
async def directory(database: Database) -> Directory:
    return await create_directory(database, "agency")


class Served(msgspec.Struct):
    """Where this module's application answers."""

    app: Litestar
    url: str

    def base(self, slug: str) -> str:
        return f"{self.url}/t/{slug}/scim/v2"


@pytest.fixture(scope="module")
async def served(settings: Settings) -> AsyncIterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = msgspec.structs.replace(settings, public_url=f"http://localhost:{port}", web_port=port)
    app = create_app(here)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
        assert not serving.done(), "the application did not start"
    yield Served(app, here.public_url)
    server.should_exit = True
    await serving


@pytest.fixture
async def scim(served: Served, directory: Directory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of this organisation, with its token."""
    async with httpx.AsyncClient(
        base_url=served.base(directory.slug), headers=directory.headers, timeout=30
    ) as client:
        yield client
