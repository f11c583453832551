"""The application behind a real port, over a real Keycloak that knows where it stands."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec
import pytest
import uvicorn
from litestar import Litestar

from infra.demo.sign_in import browser
from infra.realm import THEMES, values_of
from infra.realm.reconcile import Operator, reconcile
from infra.servers.keycloak import KeycloakDatabase, KeycloakServer
from infra.servers.mail import MailCatcher
from infra.servers.postgres import PostgresServer
from infra.web import create_app
from integrations.keycloak import store
from integrations.keycloak.administration import Administration, NewAccount
from integrations.keycloak.linking import add_identity
from integrations.keycloak.model import Identity
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants.service import admit, create_tenant

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
async def keycloak(postgres: PostgresServer, test_directory: Path) -> AsyncIterator[KeycloakServer]:
    """The real one, on the run's PostgreSQL; each module tells it where its application answers."""
    name, password = "keycloak", hashlib.sha256(b"keycloak of the tests").hexdigest()
    connection = await asyncpg.connect(postgres.superuser_dsn())
    if not await connection.fetchval("select 1 from pg_roles where rolname = $1", name):
        await connection.execute(f"create role {name} login")
    await connection.execute(f"alter role {name} password '{password}'")
    if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
        await connection.execute(f"create database {name} owner {name}")
    await connection.close()
    # The realm itself comes with each module's `reconcile`.
    realms = test_directory / "realms"
    realms.mkdir(exist_ok=True)
    server = KeycloakServer(
        test_directory / "keycloak",
        KeycloakDatabase(urlsplit(postgres.superuser_dsn()).port or 0, name, name, password),
        realms,
        themes=THEMES,
    )
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


@pytest.fixture(scope="module")
async def web_settings(settings: Settings, keycloak: KeycloakServer) -> Settings:
    """Where this module's application will answer, made known to Keycloak."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = msgspec.structs.replace(
        settings,
        public_url=f"http://localhost:{port}",
        web_port=port,
        keycloak_url=keycloak.url,
        keycloak_client_secret="web" + "s" * 40,
        keycloak_admin_client_secret="admin" + "s" * 40,
    )
    operator = Operator(keycloak.admin_client_id, keycloak.admin_client_secret)
    await reconcile(keycloak.url, operator, values_of(here))
    return here


@pytest.fixture(scope="module")
async def served(web_settings: Settings) -> AsyncIterator[Litestar]:
    """The real application, listening."""
    app = create_app(web_settings)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=web_settings.web_port, log_level="warning")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
        assert not serving.done(), "the application did not start"
    yield app
    server.should_exit = True
    await serving


@pytest.fixture
async def person_browser(served: Litestar, web_settings: Settings) -> AsyncIterator[Any]:
    """Makes browsers, each with cookies of its own."""
    opened: list[httpx.AsyncClient] = []

    def open_one() -> httpx.AsyncClient:
        opened.append(browser(web_settings.public_url))
        return opened[-1]

    yield open_one
    for client in opened:
        await client.aclose()


@pytest.fixture(scope="module")
async def administration(web_settings: Settings) -> AsyncIterator[Administration]:
    async with Administration(web_settings) as opened:
        yield opened


class House(msgspec.Struct):
    """Two tenants, the first of which asks its members to come through its organization."""

    issuer: str
    region: Any
    retail: Any
    emails: dict[str, str]
    subjects: dict[str, str]
    persons: dict[str, Any]


@pytest.fixture(scope="module")
async def house(
    web_settings: Settings, database: Database, administration: Administration
) -> House:
    """`admin` and `outside` are members of region, the latter without its organization;
    `recruiter` and `suspended` of retail; `stranger` has an account and nothing else."""
    mark = new_id().hex[-8:]
    issuer = f"{web_settings.keycloak_url}/realms/{web_settings.keycloak_realm}"
    name = Localised("Region", "Région", "الجهة")
    region = await create_tenant(database, f"region-{mark}", name, "fr", listed=True)
    shop = Localised("Retailer", "Commerce", "متاجر")
    retail = await create_tenant(database, f"retail-{mark}", shop, "en", listed=True)
    organization = await administration.ensure_organization(
        f"region-{mark}", f"Region {mark}", f"region-{mark}.example"
    )
    async with database.tenant(region, actors.system("tests")) as tx:
        await store.save_organization(tx, organization, required=True)
    house = House(issuer, (region, f"region-{mark}"), (retail, f"retail-{mark}"), {}, {}, {})
    members = {
        "admin": (region, "tenant_admin", organization),
        "outside": (region, "learner", None),
        "recruiter": (retail, "recruiter", None),
        "suspended": (retail, "recruiter", None),
        "stranger": (None, "", None),
    }
    for who, (tenant_id, role, organization_id) in members.items():
        house.emails[who] = f"{who}@{mark}.example"
        account = await administration.ensure_account(
            NewAccount(
                email=house.emails[who],
                first_name=who.title(),
                last_name="Test",
                locale="en",
                password=PASSWORD,
                organization_id=organization_id,
            )
        )
        house.subjects[who] = account.subject
        if tenant_id is not None:
            house.persons[who] = await create_member(
                database, tenant_id, who, role, Identity(issuer, account.subject)
            )
    async with database.tenant(retail, actors.system("tests")) as tx:
        await tx.execute(
            "update member set status = 'suspended' where tenant_id = $1 and person_id = $2",
            retail,
            house.persons["suspended"],
        )
    return house


async def create_member(
    database: Database, tenant_id: Any, name: str, role: str, account: Identity
) -> Any:
    """A member with an account, through the rooms' own services."""
    person_id, actor = new_id(), actors.system("tests")
    async with database.person(person_id, actor) as person_tx:
        await store.insert_person(person_tx, name, None, "en")
        await add_identity(person_tx, account)
    async with database.tenant(tenant_id, actor) as tx:
        await admit(tx, person_id, name, None, "en", [role])
    return person_id


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture(scope="module")
def mail_settings(settings: Settings, catcher: MailCatcher) -> Settings:
    return msgspec.structs.replace(settings, smtp_host="127.0.0.1", smtp_port=catcher.smtp_port)
