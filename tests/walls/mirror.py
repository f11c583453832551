"""Mirrored rows in every table that has an owner, made from the catalogue alone.

A new table is covered on the day it is migrated: its columns say what a row needs.
"""

import re
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec


class OwnedTable(msgspec.Struct, frozen=True):
    """A table whose rows belong to a tenant or to a person."""

    name: str
    owner_column: str
    role: str
    setting: str


# The one table whose owner is named by its own key.
TENANT = OwnedTable("tenant", "id", "web_tenant", "app.tenant")

COLUMNS_OF_TABLE = """
select attribute.attname as name, format_type(attribute.atttypid, attribute.atttypmod) as type,
  attribute.atthasdef as has_default, attribute.attnotnull as needed,
  attribute.attgenerated <> '' as generated,
  (select string_agg(pg_get_constraintdef(constraint_.oid), ' ') from pg_constraint constraint_
   where constraint_.conrelid = attribute.attrelid and constraint_.contype = 'c'
     and attribute.attnum = any (constraint_.conkey)) as checks
from pg_attribute attribute
where attribute.attrelid = ('public.' || quote_ident($1))::regclass
  and attribute.attnum > 0 and not attribute.attisdropped
order by attribute.attnum
"""

VALUES = {
    "uuid": lambda: str(uuid4()),
    "text": lambda: f"x{uuid4().hex[:12]}",
    "jsonb": lambda: "{}",
    "timestamp with time zone": lambda: "2026-11-01T00:00:00Z",
    "date": lambda: "2026-11-01",
    "integer": lambda: "1",
    "smallint": lambda: "1",
    "bigint": lambda: "1",
    "real": lambda: "1",
    "double precision": lambda: "1",
    "numeric": lambda: "1",
    "boolean": lambda: "false",
    "bytea": lambda: "\\x00",
}

# What a check asks for that its column's type doesn't tell.
PARTICULAR = {("issuer_key", "public_key"): lambda: "\\x" + uuid4().hex * 2}


async def owned_tables(connection: asyncpg.Connection) -> list[OwnedTable]:
    """Tables with tenant_id first in their key are a tenant's, with person_id a person's."""
    rows = await connection.fetch(
        """
        select class.relname as name, attribute.attname as first_key
        from pg_class class
        join pg_index on pg_index.indrelid = class.oid and pg_index.indisprimary
        join pg_attribute attribute
          on attribute.attrelid = class.oid and attribute.attnum = pg_index.indkey[0]
        where class.relnamespace = 'public'::regnamespace and class.relkind in ('r', 'p')
          and not class.relispartition
          and attribute.attname in ('tenant_id', 'person_id')
        order by 1
        """
    )
    found = [
        OwnedTable(row["name"], "tenant_id", "web_tenant", "app.tenant")
        if row["first_key"] == "tenant_id"
        else OwnedTable(row["name"], "person_id", "web_person", "app.person")
        for row in rows
    ]
    return [TENANT, *found]


async def insert_row(connection: asyncpg.Connection, table: OwnedTable, owner: UUID) -> None:
    """One row of `owner`, whatever else the columns ask for; foreign keys are not looked at."""
    names, values = [], []
    for column in await connection.fetch(COLUMNS_OF_TABLE, table.name):
        if column["generated"] or not (column["needed"] or column["name"] == table.owner_column):
            continue
        if column["name"] == table.owner_column:
            value = str(owner)
        elif column["has_default"]:
            continue
        else:
            particular = PARTICULAR.get((table.name, column["name"]))
            value = particular() if particular else value_of(**_needs(column))
        names.append(column["name"])
        values.append(f"{_quoted(value)}::{column['type']}")
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(
            f"insert into {table.name} ({', '.join(names)}) values ({', '.join(values)})"
        )


def _needs(column: asyncpg.Record) -> dict[str, Any]:
    return {"column": column["name"], "kind": column["type"], "checks": column["checks"]}


def value_of(column: str, kind: str, checks: str | None) -> str:
    """A value that the column takes: one that its check names, else one of its type."""
    for check in re.findall(r"CHECK (.*?)(?= CHECK |$)", checks or ""):
        named = re.search(rf"\b{column}\b = (?:ANY \(ARRAY\[)?'([^']*)'", check)
        if named:
            return named[1]
    if column == "until":
        return "2099-01-01T00:00:00Z"
    if kind.startswith("vector"):
        size = int(re.findall(r"\d+", kind)[0])
        return f"[{','.join(['0'] * size)}]"
    if kind.endswith("[]"):
        return "{}"
    return VALUES[kind.partition("(")[0]]()


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
