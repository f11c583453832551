"""No statement's work grows with the square of one tenant's rows, whatever the statistics say.

A tenant brings its rows all at once, and the planner knows nothing of them yet: either nothing was
ever analysed, or only what others had. Four times the rows may be four times the work, not sixteen.
"""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from infra import database as databases
from infra.servers.postgres import PostgresServer
from passerelle.kernel.database import ANY_TENANT, bound_statement
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.pools import PLANNER
from tenants.privacy.statements import condition, of_owner, select_rows
from tests.kernel.burst import arguments, fill, without_checks, work_of
from tests.kernel.test_statements import WRITES, role_of, statements

FEW, TIMES = 500, 4
LIMIT_RATIO = 8
#: Ten times through all rows is no square: sorts, counts and a limit that bites add up to it.
LEAST_ROWS = 10 * FEW * TIMES
OTHERS = 3_000
ROLES = {"web_tenant", "worker_tenant", "live_exam", "audit_keeper"}
TENANT = """
insert into tenant (id, slug, name, default_locale)
values ($1, $2, '{"en": "x", "fr": "x", "ar": "x"}', 'en')
"""


def measured() -> list[tuple[str, str, str]]:
    """Name, role and text of every statement that is bound to a tenant, the map's own too."""
    found = [(name, role_of(name, sql), sql) for name, sql in statements()]
    for entry in of_owner("tenant"):
        found.append((f"rows of {entry.name}", "worker_tenant", select_rows(entry)))
        found.append(
            (
                f"erasing {entry.name}",
                "worker_tenant",
                f'delete from "{entry.table}" where {condition(entry)}',
            )
        )
    return [one for one in found if one[1] in ROLES and "$1" in one[2]]


@pytest.fixture
async def filled_later(
    postgres: PostgresServer, template_database: str
) -> AsyncIterator[asyncpg.Connection]:
    name = f"burst_{new_id().hex}"
    await databases.create_database(postgres.superuser_dsn(), name, template_database)
    connection = await asyncpg.connect(postgres.superuser_dsn(name), server_settings=PLANNER)
    await without_checks(connection)
    yield connection
    await connection.close()
    connection = await asyncpg.connect(postgres.superuser_dsn())
    await connection.execute(f'drop database "{name}" with (force)')
    await connection.close()


async def works(
    superuser: asyncpg.Connection, tenant_id: UUID, unknown: set[str]
) -> dict[str, int]:
    found = {}
    for name, role, sql in measured():
        try:
            prepared = await superuser.prepare(sql)
            kinds = [one.name.replace("pg_catalog.", "") for one in prepared.get_parameters()]
            values = arguments(kinds, sql, tenant_id)
            if values is None:
                unknown.add(name)
                continue
            reads = not WRITES.search(sql) and "for update" not in sql and role != "audit_keeper"
            text = bound_statement(sql, ANY_TENANT) if reads else sql
            found[name] = await work_of(superuser, role, tenant_id, text, values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            # Written with made-up values, it clashes with what is there: nothing to count.
            unknown.add(name)
    return found


@pytest.mark.parametrize("known", ["nothing", "another tenant"])
async def test_four_times_the_rows_are_not_sixteen_times_the_work(
    filled_later: asyncpg.Connection, known: str
) -> None:
    superuser = filled_later
    ours, theirs = new_id(), new_id()
    await superuser.execute(TENANT, ours, "ours")
    if known == "another tenant":
        await superuser.execute(TENANT, theirs, "theirs")
        await fill(superuser, theirs, 1_000_000, OTHERS)
        await superuser.execute("analyze")
    unknown: set[str] = set()
    await fill(superuser, ours, 1, FEW)
    before = await works(superuser, ours, unknown)
    await fill(superuser, ours, FEW + 1, FEW * (TIMES - 1))
    after = await works(superuser, ours, unknown)
    grown = {
        name: f"{before[name]} rows, then {rows}"
        for name, rows in after.items()
        if name in before and rows > LEAST_ROWS and rows > LIMIT_RATIO * before[name]
    }
    assert grown == {}
    # Most find something: these are no empty tables.
    assert sum(rows > FEW for rows in after.values()) > 50
    assert len(after) > 3 * len(unknown), sorted(unknown)


async def test_no_plan_depends_on_which_tenants_the_statistics_know(
    superuser: asyncpg.Connection,
) -> None:
    """Of a new table: `select app.plan_for_any_tenant('its_name')`, which `tenant_table` does."""
    known = await superuser.fetch(
        "select class.relname from pg_class class"
        " join pg_attribute attribute on attribute.attrelid = class.oid"
        " where class.relnamespace = 'public'::regnamespace and class.relkind = 'r'"
        " and attribute.attname = 'tenant_id' and attribute.attstattarget is distinct from 0"
    )
    assert [row["relname"] for row in known] == []
