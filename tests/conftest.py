"""Real servers for the whole run, a fresh database for each module, the real application.

Servers live in `.passerelle/test` (or PASSERELLE_TEST_DIRECTORY) and are started once a run. A
template database holds the migrated schema; a module's database is a clone of it.
"""

import asyncio
import base64
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from infra import database as databases
from infra.demo.sign_in import as_browser
from infra.servers.postgres import PostgresServer
from infra.servers.valkey import ValkeyServer
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import ROLES as PROCESS_ROLES
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.log import configure
from passerelle.kernel.settings import Settings
from tenants.access.roles import permissions_of
from tenants.access.sessions import COOKIE, Sessions
from tenants.service import create_tenant

ROOT = Path(__file__).parents[1]
# As in production: one line an event, and no local variables in tracebacks.
configure("warning")
ROLE_PASSWORDS = {role: hashlib.sha256(role.encode()).hexdigest() for role in databases.LOGIN_ROLES}


def schema_digest() -> str:
    """Changes with any migration: a database by this name has this very schema."""
    content = b"".join(path.read_bytes() for path in sorted(databases.MIGRATIONS.glob("*.sql")))
    return hashlib.sha256(content).hexdigest()[:12]


#: What takes longest stands first, so that two processes end at about the same time.
FIRST_FOLDERS = ("integrations", "stories", "infra", "ml")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name not in FIRST_FOLDERS)


@pytest.fixture(scope="session")
def test_directory() -> Path:
    """Servers' data of this run; each process of `-n 2` has its own."""
    named = os.environ.get("PASSERELLE_TEST_DIRECTORY")
    directory = Path(named) if named else ROOT / ".passerelle" / "test"
    directory /= os.environ.get("PYTEST_XDIST_WORKER", "")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def postgres(test_directory: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(test_directory / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey_server(test_directory: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(test_directory / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def template_database(postgres: PostgresServer) -> str:
    """The name of a migrated database; made anew when a migration changes."""
    name = f"template_{schema_digest()}"
    await databases.create_roles(postgres.superuser_dsn(), ROLE_PASSWORDS)
    await databases.create_database(postgres.superuser_dsn(), name)
    await databases.migrate(postgres.superuser_dsn(name))
    return name


@pytest.fixture(scope="module")
async def database_name(postgres: PostgresServer, template_database: str) -> AsyncIterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    await databases.create_database(postgres.superuser_dsn(), name, template_database)
    yield name
    connection = await asyncpg.connect(postgres.superuser_dsn())
    await connection.execute(f'drop database "{name}" with (force)')
    await connection.close()


@pytest.fixture(scope="module")
def settings(
    postgres: PostgresServer,
    valkey_server: ValkeyServer,
    database_name: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    address = urlsplit(postgres.superuser_dsn())
    return Settings(
        public_url="http://localhost:8000",
        master_key=base64.b64encode(hashlib.sha256(b"tests").digest()).decode(),
        database_url=f"postgresql://127.0.0.1:{address.port}/{database_name}",
        **{
            f"database_password_{role}": ROLE_PASSWORDS[role]
            for roles in PROCESS_ROLES.values()
            for role in roles
        },
        database_connections_per_role=6,
        valkey_url=valkey_server.url,
        # These browsers are quicker than people; the limits' own tests set their own.
        rate_limit_scale=1_000,
        objects_directory=str(tmp_path_factory.mktemp("objects")),
    )


@pytest.fixture(scope="module")
async def database(settings: Settings) -> AsyncIterator[Database]:
    # What other modules left with the broker would fill the relay's window here.
    async with Redis.from_url(settings.valkey_url) as broker:
        if left := [key async for key in broker.scan_iter("dramatiq:*")]:
            await broker.delete(*left)
    opened = Database(settings)
    await opened.open("worker", also=("web_tenant", "web_person", "web_operator"))
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def superuser(
    postgres: PostgresServer, database_name: str
) -> AsyncIterator[asyncpg.Connection]:
    """Looks past every wall: for building data and for counting what really is there."""
    connection = await asyncpg.connect(postgres.superuser_dsn(database_name))
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def valkey(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.valkey_url)
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[Litestar]:
    from infra.web import create_app, opened

    application = create_app(settings)
    # In this very event loop: a test client would open the pools in a loop of its own.
    async with opened(settings)(application):
        yield application


@pytest.fixture
async def client(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without any session, on the real application."""
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as opened:
        yield as_browser(opened)


class People(msgspec.Struct):
    """One tenant with an id of each kind that tests need."""

    tenant_id: UUID
    slug: str
    learner_id: UUID
    recruiter_id: UUID


async def create_people(database: Database, slug: str) -> People:
    """A tenant with a learner and a recruiter, through the rooms' own services."""
    from tenants.service import admit

    tenant_id = await create_tenant(database, slug, Localised(slug, slug, slug), "en", listed=True)
    ids = {"learner": new_id(), "recruiter": new_id()}
    for role, person_id in ids.items():
        actor = actors.system("tests")
        async with database.person(person_id, actor) as person_tx:
            await person_tx.execute(
                "insert into person (person_id, display_name) values ($1, $2)",
                person_id,
                f"{role} of {slug}",
            )
        async with database.tenant(tenant_id, actor) as tx:
            await admit(tx, person_id, f"{role} of {slug}", None, "en", [role])
    return People(tenant_id, slug, ids["learner"], ids["recruiter"])


@pytest.fixture(scope="module")
async def two_tenants(database: Database) -> tuple[People, People]:
    return await create_people(database, "region"), await create_people(database, "retail")


async def sign_in(
    client: httpx.AsyncClient,
    app: Litestar,
    people: People,
    role: str,
    *,
    locale: str = "en",
    attributes: dict[str, str] | None = None,
    origin: Literal["lti", "keycloak"] | None = None,
) -> Actor:
    """Gives the client a tenant session as its learner or recruiter, by the real session store."""
    sessions: Sessions = app.state.sessions
    actor = Actor(
        kind="person",
        display_name=f"{role} of {people.slug}",
        person_id=people.learner_id if role == "learner" else people.recruiter_id,
        tenant_id=people.tenant_id,
        tenant_slug=people.slug,
        tenant_name=Localised(people.slug, people.slug, people.slug),
        permissions=permissions_of([role]),
        locale=locale,  # type: ignore[arg-type]
        origin=origin or ("lti" if role == "learner" else "keycloak"),
        attributes=attributes or {},
    )
    _put_cookie(client, await sessions.open(actor), f"/t/{people.slug}")
    return actor


async def sign_in_person(
    client: httpx.AsyncClient, app: Litestar, person_id: UUID, *, locale: str = "en"
) -> Actor:
    """Gives the client a session in the person's own space."""
    sessions: Sessions = app.state.sessions
    actor = Actor(
        kind="person",
        display_name="A person",
        person_id=person_id,
        permissions=frozenset({actors.PERSON}),
        locale=locale,  # type: ignore[arg-type]
        origin="keycloak",
    )
    _put_cookie(client, await sessions.open(actor), "/me")
    return actor


def _put_cookie(client: httpx.AsyncClient, header: str, path: str) -> None:
    token = header.split(";", 1)[0].split("=", 1)[1]
    client.cookies.set(COOKIE, token, domain="localhost.local", path=path)


async def csrf_headers(client: httpx.AsyncClient) -> dict[str, str]:
    """The header that every writing request needs, after one reading request got the cookie."""
    if "passerelle_csrf" not in client.cookies:
        await client.get("/health")
    return {"x-csrf-token": client.cookies["passerelle_csrf"]}


async def eventually(check: object, *, seconds: float = 10.0) -> None:
    """Waits until the async `check()` is true; fails after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await check():  # type: ignore[operator]
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not so within {seconds:g} s")
        await asyncio.sleep(0.05)
