"""What a role may try on the rows of another owner, and how a probe tells that it got something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.walls.mirror import COLUMNS, OwnedTable, Side, literals, row_of


@asynccontextmanager
async def bound_to(connection: asyncpg.Connection, side: Side | None) -> AsyncIterator[None]:
    """A transaction bound to the side's tenant and person, or to nothing; it leaves no trace."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        if side is not None:
            await connection.execute(
                "select set_config('app.tenant', $1, true), set_config('app.person', $2, true)",
                str(side.tenant_id),
                str(side.person_id),
            )
        yield
    finally:
        await transaction.rollback()


def statements(table: OwnedTable, ours: Side, theirs: Side) -> dict[str, str]:
    """Each gives a row where the wall has a hole."""
    column, name = table.owner_column, table.name
    mine, other = ours.owner(table.scope), theirs.owner(table.scope)
    at_theirs = f"where {column} = '{other}'"
    return {
        "read": f"select 1 from {name} {at_theirs}",
        "read by text": f"select 1 from {name} where {column}::text like '{other}'",
        "change": f"update {name} set {column} = {column} {at_theirs} returning 1",
        "remove": f"delete from {name} {at_theirs} returning 1",
        "give away": f"update {name} set {column} = '{other}' where {column} = '{mine}'"
        " returning 1",
    }


async def leaks(
    connection: asyncpg.Connection,
    table: OwnedTable,
    ours: Side,
    theirs: Side,
    bound: Side | None,
) -> list[str]:
    """What `connection` can do to their rows; empty is right."""
    found = []
    for name, sql in statements(table, ours, theirs).items():
        async with bound_to(connection, bound):
            try:
                if await connection.fetch(sql):
                    found.append(name)
            except asyncpg.PostgresError:
                continue
    async with bound_to(connection, bound):
        try:
            # Without a condition no policy for reading is asked.
            tag = await connection.execute(f"delete from {table.name}")
            if int(tag.split()[-1]) > 1:
                found.append("remove all")
        except asyncpg.PostgresError:
            pass
    return found


async def forges(
    superuser: asyncpg.Connection,
    connection: asyncpg.Connection,
    table: OwnedTable,
    ours: Side,
    theirs: Side,
) -> str:
    """How the database answers who is bound to us and writes a row that is theirs: its SQLSTATE,
    '' where it was written. 42501 is right: the wall itself refused, before any key was looked at.
    """
    columns = await superuser.fetch(COLUMNS, table.name)
    values = await row_of(superuser, table, theirs, columns)
    async with bound_to(connection, ours):
        try:
            await connection.execute(
                f"insert into {table.name} ({', '.join(values)}) values ({literals(values)})"
            )
        except asyncpg.PostgresError as error:
            return str(error.sqlstate)
    return ""
