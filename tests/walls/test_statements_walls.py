"""Every statement of every store with its predicates dropped, and aimed at another's rows.

The database alone must hold: a statement that forgot `tenant_id = $1` finds the bound tenant's
rows and no others, and one that names another's identifiers finds nothing.
"""

import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from tests.kernel.test_statements import role_of, statements
from tests.walls.mirror import BOUND_ROLES, OwnedTable, Side

#: A comparison with a value that was a parameter: what a careless hand leaves out.
PREDICATE = re.compile(
    r"[\w.]+\s*(?:=|<>|<=|>=|<|>)\s*(?:any\s*\(\s*)?"
    r"(?:'[^']*'::\w+|array\['[^']*'::uuid\])(?:::[\w\[\]]+)?\)?"
)
PLACEHOLDER = re.compile(r"\$(\d+)")
QUOTED_WORD = "'x'"
LITERALS = {
    "uuid[]": "'{}'",
    "text[]": "'{}'",
    "int4": "100",
    "int8": "100",
    "int2": "1",
    "float8": "1",
    "numeric": "1",
    "bool": "true",
    "timestamptz": "'2026-11-01T00:00:00Z'",
    "date": "'2026-11-01'",
    "jsonb": "'{}'",
    "bytea": "'\\x00'",
    "interval": "'1 day'",
}
#: Few statements are built from parts that only fit in one place: what can't be run with its
#: predicates dropped is run whole, below. Of the others so many must show theirs with no wall.
FOUND_WITHOUT_WALLS = 60

Owned = dict[str, list[asyncpg.Record]]


def owned_statements() -> Iterator[tuple[str, str, str]]:
    for name, sql in statements():
        role = role_of(name, sql)
        if role in BOUND_ROLES:
            yield name, role, sql


async def filled(
    connection: asyncpg.Connection, sql: str, uuid_value: str, first: str
) -> str | None:
    """The statement with a literal for each parameter; None where its types can't be told."""
    try:
        prepared = await connection.prepare(sql)
    except asyncpg.PostgresError:
        return None
    kinds = [parameter.name for parameter in prepared.get_parameters()]

    def literal(match: re.Match[str]) -> str:
        number = int(match[1])
        kind = kinds[number - 1]
        if kind in ("uuid", "uuid[]", "_uuid"):
            value = first if number == 1 else uuid_value
            return f"'{value}'::uuid" if kind == "uuid" else f"array['{value}'::uuid]"
        known = LITERALS.get(kind.removeprefix("_") + ("[]" if kind.startswith("_") else ""))
        return f"{known or QUOTED_WORD}::{kind}"

    return PLACEHOLDER.sub(literal, sql)


async def rows_as(
    superuser: asyncpg.Connection, role: str | None, bound: Side, sql: str
) -> list[asyncpg.Record]:
    """What the statement gives to `role` (None: to who is bound by no wall); undone afterwards."""
    transaction = superuser.transaction()
    await transaction.start()
    try:
        if role:
            await superuser.execute(f"set local role {role}")
        await superuser.execute(
            "select set_config('app.tenant', $1, true), set_config('app.person', $2, true)",
            str(bound.tenant_id),
            str(bound.person_id),
        )
        rows: list[asyncpg.Record] = await superuser.fetch(sql)
        return rows
    except asyncpg.PostgresError:
        return []
    finally:
        await transaction.rollback()


def shows(rows: list[asyncpg.Record], side: Side) -> bool:
    return any(mark in repr(rows) for mark in marks(side))


def marks(side: Side) -> set[str]:
    """What gives a side away: its canary, and every identifier that only its rows hold."""
    identifiers = {str(side.tenant_id), str(side.person_id)}
    for row in side.rows.values():
        if "id" in row and row["id"] is not None:
            identifiers.add(str(row["id"]))
    return {side.canary, *identifiers}


@pytest.fixture(scope="module")
def reading() -> list[tuple[str, str, str]]:
    return [one for one in owned_statements() if one[2].lower().startswith(("select", "with"))]


async def test_a_statement_that_forgot_its_predicates_finds_no_row_of_another(
    mirrored: list[OwnedTable],
    superuser: asyncpg.Connection,
    reading: list[tuple[str, str, str]],
    ours: Side,
    theirs: Side,
) -> None:
    found_without_walls = 0
    nobody = "00000000-0000-0000-0000-000000000000"
    for name, role, sql in reading:
        text = await filled(superuser, sql, nobody, nobody)
        if text is None:
            continue
        forgetful = PREDICATE.sub("true", text)
        assert not shows(await rows_as(superuser, role, ours, forgetful), theirs), name
        found_without_walls += shows(await rows_as(superuser, None, ours, forgetful), theirs)
    assert found_without_walls >= FOUND_WITHOUT_WALLS, found_without_walls


async def test_a_statement_aimed_at_another_changes_and_finds_nothing(
    mirrored: list[OwnedTable], superuser: asyncpg.Connection, ours: Side, theirs: Side
) -> None:
    """Reading or writing, with every identifier of theirs in each place that takes one."""
    before = await digests(superuser, mirrored, theirs)
    for name, role, sql in owned_statements():
        owner = theirs.owner(BOUND_ROLES[role])
        for identifier in identifiers_for(sql, theirs):
            text = await filled(superuser, sql, identifier, str(owner))
            if text is None:
                break
            assert await aimed(superuser, role, mirrored, ours, theirs, text, before) == "", name


def identifiers_for(sql: str, side: Side) -> list[str]:
    """The side's identifiers in the tables that the statement names, and its person's."""
    named = {
        str(row["id"])
        for table, row in side.rows.items()
        if row.get("id") and re.search(rf"\b{table}\b", sql)
    }
    return [str(side.person_id), *sorted(named)]


async def aimed(
    superuser: asyncpg.Connection,
    role: str,
    tables: list[OwnedTable],
    ours: Side,
    theirs: Side,
    sql: str,
    before: dict[str, Any],
) -> str:
    """What the statement did to theirs, '' for nothing; undone."""
    transaction = superuser.transaction()
    await transaction.start()
    try:
        await superuser.execute(f"set local role {role}")
        await superuser.execute(
            "select set_config('app.tenant', $1, true), set_config('app.person', $2, true)",
            str(ours.tenant_id),
            str(ours.person_id),
        )
        rows = await superuser.fetch(sql)
        if theirs.canary in repr(rows):
            return f"shows {rows!r}"
        if sql.lower().startswith("select") and " app." not in sql:
            return ""
        await superuser.execute("reset role")
        touched = [table for table in tables if re.search(rf"\b{table.name}\b", sql)]
        after = await digests(superuser, touched if " app." not in sql else tables, theirs)
        changed = [name for name, digest in after.items() if digest != before[name]]
        return f"changes {changed}" if changed else ""
    except asyncpg.PostgresError:
        return ""
    finally:
        await transaction.rollback()


async def digests(
    superuser: asyncpg.Connection, tables: list[OwnedTable], side: Side
) -> dict[str, Any]:
    """A digest of the side's rows, by table."""
    return {
        table.name: await superuser.fetchval(
            f"select md5(string_agg(one::text, '' order by one::text)) from {table.name} as one"
            f" where {table.owner_column} = $1",
            side.owner(table.scope),
        )
        for table in tables
    }
