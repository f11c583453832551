"""Mirrored rows in every table that has an owner, made from the catalogue alone.

A new table is covered on the day it is migrated: its columns and keys say what a row needs. Every
text of a side holds that side's canary, and rows of one side refer to one another, so that joins
find them.
"""

import re
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from passerelle.kernel.identifiers import new_id

#: Roles that row-level policies are written for, and the settings that bind them.
BOUND_ROLES = {
    "web_tenant": "tenant",
    "worker_tenant": "tenant",
    "live_exam": "tenant",
    "audit_keeper": "tenant",
    "tenant_carrier": "tenant",
    "web_person": "person",
    "worker_person": "person",
}


class OwnedTable(msgspec.Struct, frozen=True):
    """A table whose rows belong to a tenant or to a person."""

    name: str
    owner_column: str
    scope: str


class Side(msgspec.Struct):
    """A tenant, a person, and the rows that were made for them, by table."""

    canary: str
    tenant_id: UUID = msgspec.field(default_factory=new_id)
    person_id: UUID = msgspec.field(default_factory=new_id)
    rows: dict[str, dict[str, Any]] = {}

    def owner(self, scope: str) -> UUID:
        return self.tenant_id if scope == "tenant" else self.person_id


# The one table whose owner is named by its own key.
TENANT = OwnedTable("tenant", "id", "tenant")

OWNED = """
select class.relname as name, attribute.attname as first_key
from pg_class class
join pg_index on pg_index.indrelid = class.oid and pg_index.indisprimary
join pg_attribute attribute
  on attribute.attrelid = class.oid and attribute.attnum = pg_index.indkey[0]
where class.relnamespace = 'public'::regnamespace and class.relkind in ('r', 'p')
  and not class.relispartition and attribute.attname in ('tenant_id', 'person_id')
order by 1
"""

COLUMNS = """
select attribute.attname as name, format_type(attribute.atttypid, attribute.atttypmod) as type,
  attribute.atthasdef or attribute.attidentity <> '' as has_default,
  attribute.attnotnull as needed, attribute.attgenerated <> '' as generated,
  (select string_agg(pg_get_constraintdef(constraint_.oid), ' ') from pg_constraint constraint_
   where constraint_.conrelid = attribute.attrelid and constraint_.contype = 'c'
     and attribute.attnum = any (constraint_.conkey)) as checks
from pg_attribute attribute
where attribute.attrelid = ('public.' || quote_ident($1))::regclass
  and attribute.attnum > 0 and not attribute.attisdropped
order by attribute.attnum
"""

REFERENCES = """
select class.relname as parent,
  array(select attname from unnest(conkey) with ordinality as key(number, place)
        join pg_attribute on attrelid = conrelid and attnum = key.number
        order by place) as columns,
  array(select attname from unnest(confkey) with ordinality as key(number, place)
        join pg_attribute on attrelid = confrelid and attnum = key.number
        order by place) as parent_columns
from pg_constraint join pg_class class on class.oid = confrelid
where contype = 'f' and conrelid = ('public.' || quote_ident($1))::regclass
  and confrelid <> conrelid
order by cardinality(conkey)
"""

CHECKS = """
select conrelid::regclass::text as table, quote_ident(conname) as name,
  pg_get_constraintdef(oid) as definition
from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace
  and conrelid <> 0 and conislocal
"""


async def owned_tables(connection: asyncpg.Connection) -> list[OwnedTable]:
    """Tables with tenant_id first in their key are a tenant's, with person_id a person's."""
    return [
        TENANT,
        *(
            OwnedTable(row["name"], row["first_key"], row["first_key"].removesuffix("_id"))
            for row in await connection.fetch(OWNED)
        ),
    ]


async def in_order_of_reference(
    connection: asyncpg.Connection, tables: list[OwnedTable]
) -> list[OwnedTable]:
    """Parents before children."""
    parents = {
        table.name: {row["parent"] for row in await connection.fetch(REFERENCES, table.name)}
        for table in tables
    }
    ordered: list[OwnedTable] = []
    left = list(tables)
    while left:
        names = {table.name for table in left}
        ready = [table for table in left if not parents[table.name] & names - {table.name}]
        ordered += ready or left[:1]
        left = [table for table in left if table not in ordered]
    return ordered


async def mirror(connection: asyncpg.Connection, *sides: Side) -> list[OwnedTable]:
    """One row of each side in every owned table. Keys, triggers and checks are not enforced on
    them: walls stand whatever a row holds."""
    tables = await in_order_of_reference(connection, await owned_tables(connection))
    checks = [row for row in await connection.fetch(CHECKS) if row["definition"] != "NOT NULL"]
    columns = {table.name: await connection.fetch(COLUMNS, table.name) for table in tables}
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        for check in checks:
            await connection.execute(
                f"alter table {check['table']} drop constraint {check['name']}"
            )
        for table in tables:
            for side in sides:
                await insert_row(connection, table, side, columns[table.name])
        for check in checks:
            await connection.execute(
                f"alter table {check['table']} add constraint {check['name']}"
                f" {check['definition'].removesuffix(' NOT VALID')} not valid"
            )
    return tables


async def insert_row(
    connection: asyncpg.Connection, table: OwnedTable, side: Side, columns: list[asyncpg.Record]
) -> None:
    """One row of the side, with its canary in every text."""
    values = await row_of(connection, table, side, columns)
    row = await connection.fetchrow(
        f"insert into {table.name} ({', '.join(values)}) values ({literals(values)})"
        " on conflict do nothing returning *"
    ) or await connection.fetchrow(
        f"select * from {table.name} where {table.owner_column} = $1", side.owner(table.scope)
    )
    side.rows[table.name] = dict(row)


async def row_of(
    connection: asyncpg.Connection, table: OwnedTable, side: Side, columns: list[asyncpg.Record]
) -> dict[str, tuple[str, str]]:
    """Column → text and type of a row that the table takes."""
    referred = await _referred(connection, table, side)
    values = {}
    for column in columns:
        name, kind = column["name"], column["type"]
        wordy = kind in ("text", "jsonb") and not column["has_default"]
        if column["generated"]:
            continue
        if name == table.owner_column:
            value = str(side.owner(table.scope))
        elif name in ("tenant_id", "person_id"):
            value = str(side.tenant_id if name == "tenant_id" else side.person_id)
        elif not (column["needed"] or wordy):
            continue
        elif name in referred:
            value = referred[name]
        elif column["has_default"]:
            continue
        else:
            value = value_of(name, kind, column["checks"], side)
        values[name] = (value, kind)
    return values


async def _referred(
    connection: asyncpg.Connection, table: OwnedTable, side: Side
) -> dict[str, str]:
    """Values of columns that name another row: of the side's own, or of reference data."""
    found: dict[str, str] = {}
    for reference in await connection.fetch(REFERENCES, table.name):
        parent = side.rows.get(reference["parent"])
        if parent is None:
            parent = await connection.fetchrow(f"select * from {reference['parent']} limit 1")
        if parent is not None:
            for own, theirs in zip(reference["columns"], reference["parent_columns"], strict=True):
                if parent[theirs] is not None:
                    found[own] = str(parent[theirs])
    return found


def value_of(column: str, kind: str, checks: str | None, side: Side) -> str:
    """A value that the column takes: one that its check names, else one of its type."""
    for check in re.findall(r"CHECK (.*?)(?= CHECK |$)", checks or ""):
        named = re.search(rf"\b{column}\b = (?:ANY \(ARRAY\[)?'([^']*)'", check)
        if named:
            return named[1]
    if kind.startswith("vector"):
        size = int(re.findall(r"\d+", kind)[0])
        return f"[{','.join(['0'] * size)}]"
    if kind.endswith("[]"):
        return "{" + side.canary + "}" if kind == "text[]" else "{1}"
    return _simple_value(column, kind.partition("(")[0], side)


def _simple_value(column: str, kind: str, side: Side) -> str:
    word = f"{side.canary}-{uuid4().hex[:8]}"
    by_kind = {
        "uuid": str(uuid4()),
        "text": word,
        "jsonb": f'{{"en": "{word}", "fr": "{word}", "ar": "{word}"}}',
        "timestamp with time zone": "2099-01-01T00:00:00Z"
        if column in ("until", "expires_at")
        else "2026-11-01T00:00:00Z",
        "date": "2026-11-01",
        "boolean": "false",
        # Unlike any other: a digest may be unique among all.
        "bytea": f"\\x{uuid4().hex}",
        "inet": "127.0.0.1",
        "interval": "1 day",
    }
    return by_kind.get(kind, "1")


def literals(values: dict[str, tuple[str, str]]) -> str:
    """The values written out as SQL."""
    return ", ".join("'" + text.replace("'", "''") + f"'::{kind}" for text, kind in values.values())
