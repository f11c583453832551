"""PostgreSQL and Valkey for benchmarks: as durable as the demo's, kept between runs."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from infra import database as databases
from infra.servers.postgres import PostgresServer
from infra.servers.valkey import ValkeyServer
from passerelle.kernel.settings import Settings, load
from tests.conftest import ROLE_PASSWORDS, ROOT

DIRECTORY = ROOT / ".passerelle" / "bench"


def environment(postgres: PostgresServer, valkey: ValkeyServer, database: str) -> dict[str, str]:
    """The PASSERELLE_ variables of a process over these servers."""
    port = urlsplit(postgres.superuser_dsn()).port
    passwords = {
        f"PASSERELLE_DATABASE_PASSWORD_{role.upper()}": password
        for role, password in ROLE_PASSWORDS.items()
    }
    return {
        "PASSERELLE_PUBLIC_URL": "http://localhost:8000",
        "PASSERELLE_MASTER_KEY": base64.b64encode(hashlib.sha256(b"bench").digest()).decode(),
        "PASSERELLE_DATABASE_URL": f"postgresql://127.0.0.1:{port}/{database}",
        "PASSERELLE_VALKEY_URL": valkey.url,
        "PASSERELLE_OBJECTS_DIRECTORY": str(DIRECTORY / "objects"),
        "PASSERELLE_LOG_LEVEL": "warning",
        **passwords,
    }


@asynccontextmanager
async def running(database: str) -> AsyncIterator[tuple[PostgresServer, dict[str, str], Settings]]:
    """The servers with a migrated database of this name, and the settings over them."""
    with (
        PostgresServer(DIRECTORY / "postgres") as postgres,
        ValkeyServer(DIRECTORY / "valkey") as valkey,
    ):
        await databases.create_roles(postgres.superuser_dsn(), ROLE_PASSWORDS)
        await databases.create_database(postgres.superuser_dsn(), database)
        await databases.migrate(postgres.superuser_dsn(database))
        variables = environment(postgres, valkey, database)
        yield postgres, variables, load(variables)
