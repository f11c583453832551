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
        "remove all": f"delete from {name}",
    }


#: Runs each statement and undoes it; how many rows it gave or touched, none where it was refused.
#: One round trip for all that a role may try on a table.
TRY_ALL = """
create function public.try_all(statements text[]) returns bigint[] language plpgsql as $$
declare statement text; touched bigint; found bigint[] := '{}';
begin
  foreach statement in array statements loop
    touched := 0;
    begin
      execute statement;
      get diagnostics touched = row_count;
      raise exception using errcode = 'UNDO0';
    exception
      when sqlstate 'UNDO0' then null;
      when others then touched := 0;
    end;
    found := found || touched;
  end loop;
  return found;
end $$
"""


async def leaks(
    connection: asyncpg.Connection,
    table: OwnedTable,
    ours: Side,
    theirs: Side,
    bound: Side | None,
) -> list[str]:
    """What `connection` can do to their rows; empty is right."""
    tried = statements(table, ours, theirs)
    async with bound_to(connection, bound):
        touched = await connection.fetchval("select try_all($1)", list(tried.values()))
    # Without a condition no policy for reading is asked; one row there is our own.
    return [
        name
        for name, count in zip(tried, touched, strict=True)
        if count > (1 if name == "remove all" and bound is ours else 0)
    ]


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
