"""Every owned table, by SQL with the application's own roles: nothing of another's, ever."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from passerelle.kernel.database import Database
from tests.walls.mirror import TENANT, OwnedTable, insert_row, owned_tables

OURS, THEIRS = uuid4(), uuid4()

# A projection is seen only while its person shares with the tenant: so these do.
SHARED = """
set session_replication_role = replica;
insert into sharing (person_id, tenant_id, purpose, until)
select person_id, tenant_id, 'hiring', now() + interval '1 day' from candidate_vector;
reset session_replication_role;
"""


@pytest.fixture(scope="module")
async def mirrored(superuser: asyncpg.Connection) -> list[OwnedTable]:
    tables = await owned_tables(superuser)
    for table in tables:
        for owner in (OURS, THEIRS):
            await insert_row(superuser, table, owner)
    await superuser.execute(SHARED)
    return tables


@pytest.fixture
async def roles(database: Database) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    async with (
        database.pool("web_tenant").acquire() as tenant,
        database.pool("web_person").acquire() as person,
    ):
        yield {"web_tenant": tenant, "web_person": person}


async def leaks(connection: asyncpg.Connection, table: OwnedTable, bound: UUID | None) -> list[str]:
    """What `connection` can do to their rows while bound to `bound`; empty is right."""
    found = []
    theirs = f"where {table.owner_column} = '{THEIRS}'"
    probes = {
        "read": f"select 1 from {table.name} {theirs}",
        "count": f"select 1 from {table.name} where {table.owner_column}::text like '{THEIRS}'",
        "change": f"update {table.name} set {table.owner_column} = {table.owner_column} {theirs}"
        " returning 1",
        "remove": f"delete from {table.name} {theirs} returning 1",
        "take over": f"update {table.name} set {table.owner_column} = '{THEIRS}'"
        f" where {table.owner_column} = '{OURS}' returning 1",
    }
    for name, sql in probes.items():
        transaction = connection.transaction()
        await transaction.start()
        try:
            if bound is not None:
                await connection.execute(
                    "select set_config($1, $2, true)", table.setting, str(bound)
                )
            if await connection.fetch(sql):
                found.append(name)
        except asyncpg.PostgresError:
            pass
        finally:
            await transaction.rollback()
    return found


async def test_no_role_reads_or_changes_what_is_anothers(
    mirrored: list[OwnedTable], roles: dict[str, asyncpg.Connection]
) -> None:
    for table in mirrored:
        for name, connection in roles.items():
            assert await leaks(connection, table, OURS) == [], (table.name, name)


async def test_nothing_bound_sees_nothing(
    mirrored: list[OwnedTable], roles: dict[str, asyncpg.Connection]
) -> None:
    for table in mirrored:
        for connection in roles.values():
            for bound in (None, UUID(int=0)):
                assert await leaks(connection, table, bound) == [], table.name


async def test_each_owner_reads_its_own_rows(
    mirrored: list[OwnedTable], roles: dict[str, asyncpg.Connection]
) -> None:
    """The probes above would also pass on tables that nobody can read."""
    for table in mirrored:
        connection = roles[table.role]
        async with connection.transaction():
            await connection.execute("select set_config($1, $2, true)", table.setting, str(OURS))
            rows = await connection.fetch(f"select {table.owner_column} as owner from {table.name}")
            assert {row["owner"] for row in rows} == {OURS}, table.name


async def test_the_probes_fail_when_a_tables_wall_is_taken_down(
    mirrored: list[OwnedTable],
    superuser: asyncpg.Connection,
    database: Database,
) -> None:
    """Each wall in turn is opened; the probes must see it, or they prove nothing."""
    for table in mirrored:
        policies = await superuser.fetch(
            "select policyname, qual from pg_policies where tablename = $1 and $2 = any(roles)"
            " and cmd in ('ALL', 'SELECT')",
            table.name,
            table.role,
        )
        assert policies, table.name
        try:
            for policy in policies:
                await superuser.execute(
                    f"alter policy {policy['policyname']} on {table.name} using (true)"
                )
            async with database.pool(table.role).acquire() as connection:
                assert await leaks(connection, table, OURS) != [], table.name
        finally:
            for policy in policies:
                await superuser.execute(
                    f"alter policy {policy['policyname']} on {table.name} using ({policy['qual']})"
                )
    assert TENANT in mirrored


async def test_prepared_statements_shared_between_tenants_never_mix(
    mirrored: list[OwnedTable], roles: dict[str, asyncpg.Connection]
) -> None:
    connection = roles["web_tenant"]
    statement = await connection.prepare("select tenant_id from member")
    for number in range(1_000):
        owner = (OURS, THEIRS)[number % 2]
        async with connection.transaction():
            await connection.execute("select set_config('app.tenant', $1, true)", str(owner))
            assert {row["tenant_id"] for row in await statement.fetch()} == {owner}
