"""An LMS from an independent package beside the real application, and two organisations on it."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from infra.demo.lms.book import User
from infra.demo.lms.server import LmsServer
from infra.demo.lms_browser import launch
from integrations.objects.adapter import StoredObjects
from passerelle.kernel.database import Database
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.tasks import Work
from tests.conftest import People
from tests.lms.connected import Connected, another_browser, connect
from tests.lms.learner import LINK, Learner, NoMail


@pytest.fixture(scope="session")
def lms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LmsServer]:
    server = LmsServer(tmp_path_factory.mktemp("lms"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def settings(settings: Settings, lms: LmsServer) -> Settings:
    """The run's settings, with the LMS's private address let through the guard, and few tries."""
    return msgspec.structs.replace(
        settings, allowed_private_addresses=frozenset({lms.address}), delivery_attempts=4
    )


@pytest.fixture(scope="module")
async def connected(
    database: Database, settings: Settings, lms: LmsServer, two_tenants: tuple[People, People]
) -> Connected:
    """The first organisation."""
    return await connect(database, settings, lms, two_tenants[0])


@pytest.fixture(scope="module")
async def also_connected(
    database: Database, settings: Settings, lms: LmsServer, two_tenants: tuple[People, People]
) -> Connected:
    """The second organisation, on the same LMS: one issuer, another client id."""
    return await connect(database, settings, lms, two_tenants[1])


@pytest.fixture
def user(lms: LmsServer) -> User:
    made = User(id=f"user-{new_id()}", name="Amina Bennani", email="amina@region.example")
    made.locale = "fr-MA"
    lms.add_user(made)
    return made


@pytest.fixture
async def tool(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that finds the real application at its address, and the LMS at its own."""
    async with another_browser(app, settings) as opened:
        yield opened


@pytest.fixture(scope="module")
async def work(settings: Settings, database: Database, valkey: Redis) -> AsyncIterator[Work]:
    client = GuardedClient(settings)
    yield Work(
        settings=settings,
        database=database,
        valkey=valkey,
        http=client,
        vault=Vault(settings.master_key),
        mail=NoMail(),
        objects=StoredObjects(settings),
    )
    await client.close()


@pytest.fixture
async def learner(
    work: Work,
    lms: LmsServer,
    connected: Connected,
    tool: httpx.AsyncClient,
    user: User,
    superuser: asyncpg.Connection,
) -> Learner:
    await launch(tool, lms.url, user=user.id, link=LINK, client=connected.client_id)
    person_id = await superuser.fetchval(
        "select person_id from lti_user where subject = $1", user.id
    )
    return Learner(work, lms, connected, superuser, user.id, person_id)
