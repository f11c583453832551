"""Migrating as the role `migration`: enough for new files, not for new roles."""

import asyncpg
import pytest

from infra import database as databases
from infra.servers.postgres import PostgresServer
from tests.conftest import ROLE_PASSWORDS


def address(postgres: PostgresServer, name: str) -> str:
    port = postgres.port
    password = ROLE_PASSWORDS[databases.MIGRATION_ROLE]
    return f"postgresql://{databases.MIGRATION_ROLE}:{password}@127.0.0.1:{port}/{name}"


async def test_the_migration_role_is_enough_where_no_role_is_new(
    postgres: PostgresServer, database_name: str, superuser: asyncpg.Connection
) -> None:
    assert await databases.migrate(address(postgres, database_name)) == []


async def test_a_role_that_came_with_this_version_is_named_before_anything_is_done(
    postgres: PostgresServer, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOGIN_ROLES", (*databases.LOGIN_ROLES, "web_new"))
    with pytest.raises(databases.RolesMissing, match="web_new"):
        await databases.migrate(address(postgres, database_name))
