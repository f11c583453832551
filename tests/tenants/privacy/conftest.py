"""An organisation with a life: exams, credentials, hiring, an LMS, settings, files, a record."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest

from infra import database as databases
from infra.servers.postgres import PostgresServer
from integrations.objects.adapter import StoredObjects
from passerelle.kernel import tasks
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tenants.privacy import tasks as privacy_tasks  # registers the listeners
from tests.conftest import People
from tests.credentials.conftest import Earn, Worker
from tests.credentials.conftest import achievements as achievements
from tests.credentials.conftest import document_of as document_of
from tests.credentials.conftest import earn as earn
from tests.credentials.conftest import run_worker as run_worker
from tests.credentials.conftest import work as work
from tests.hiring.conftest import taxonomy as taxonomy
from tests.tenants.privacy.lived import Lived, live
from tests.tenants.privacy.rooms import rooms

rooms()
assert privacy_tasks


class Elsewhere(msgspec.Struct):
    """Another installation: its own database, master key, address and files."""

    settings: Settings
    database: Database
    vault: Vault
    objects: StoredObjects


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """The issuer's DID names a port at which a test may really answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return msgspec.structs.replace(settings, public_url=f"http://localhost:{port}", web_port=port)


@pytest.fixture
async def elsewhere(
    settings: Settings, postgres: PostgresServer, template_database: str, tmp_path: Path
) -> AsyncIterator[Elsewhere]:
    name = f"elsewhere_{tmp_path.name.replace('-', '_')[-24:].lower()}"
    await databases.create_database(postgres.superuser_dsn(), name, template_database)
    address = urlsplit(settings.database_url)
    own = msgspec.structs.replace(
        settings,
        public_url="https://elsewhere.example",
        master_key="ZWxzZXdoZXJlLWVsc2V3aGVyZS1lbHNld2hlcmUtMzI=",
        database_url=address._replace(path=f"/{name}").geturl(),
        objects_directory=str(tmp_path / "objects"),
    )
    opened = Database(own)
    await opened.open("worker")
    yield Elsewhere(own, opened, Vault(own.master_key), StoredObjects(own))
    await opened.close()
    connection = await asyncpg.connect(postgres.superuser_dsn())
    await connection.execute(f'drop database "{name}" with (force)')
    await connection.close()


@pytest.fixture
async def lived(
    work: tasks.Work,
    earn: Earn,
    run_worker: Worker,
    two_tenants: tuple[People, People],
    superuser: asyncpg.Connection,
) -> Lived:
    """The first organisation after a life; each test goes on from there."""
    return await live(work, earn, run_worker, two_tenants, superuser)
