"""Two sides with a row each in every table, and a connection of every database role."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from infra import database as databases
from infra.servers.postgres import PostgresServer
from passerelle.kernel.pools import prepare_connection
from tests.conftest import ROLE_PASSWORDS
from tests.walls.mirror import OwnedTable, Side, mirror
from tests.walls.probes import TRY_ALL


@pytest.fixture(scope="module")
def ours() -> Side:
    return Side("canary-of-ours")


@pytest.fixture(scope="module")
def theirs() -> Side:
    return Side("canary-of-theirs")


@pytest.fixture(scope="module")
async def mirrored(superuser: asyncpg.Connection, ours: Side, theirs: Side) -> list[OwnedTable]:
    await superuser.execute(TRY_ALL)
    return await mirror(superuser, ours, theirs)


@pytest.fixture(scope="module")
async def roles(
    postgres: PostgresServer, template_database: str, database_name: str
) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """A connection of each role that signs in, by the role's name."""
    opened = {}
    for role in databases.LOGIN_ROLES:
        opened[role] = await asyncpg.connect(
            postgres.superuser_dsn(database_name), user=role, password=ROLE_PASSWORDS[role]
        )
        await prepare_connection(opened[role])
    # Nobody signs in as the carrier: the worker puts it on.
    opened[databases.CARRIER] = await asyncpg.connect(
        postgres.superuser_dsn(database_name),
        user="worker_tenant",
        password=ROLE_PASSWORDS["worker_tenant"],
    )
    await prepare_connection(opened[databases.CARRIER])
    await opened[databases.CARRIER].execute(f"set role {databases.CARRIER}")
    yield opened
    for connection in opened.values():
        await connection.close()
