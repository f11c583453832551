"""Rows by the thousand in every table that names a tenant, and the work that a statement does.

Rows of one number refer to one another across all tables, so that every join finds its partner.
Work is counted in rows that a plan's nodes handled, not in seconds: it is the same on any machine.
"""

import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from tests.walls.mirror import CHECKS, COLUMNS, owned_tables

#: Events of these names refer to one another in pairs, as what is stored and what is removed do.
EVENT_NAMES = ("object.stored", "object.removed", "member.invited", "unit.added", "model.trained")
UNIQUE = """
select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
where indrelid = ('public.' || $1)::regclass and indisunique
"""
SPECIAL = {
    ("tenant_event", "name"): f"(array{list(EVENT_NAMES)})[1 + i % {len(EVENT_NAMES)}]",
    ("tenant_event", "subject"): "md5((i / 5)::text)::uuid",
    ("unit", "parent_id"): "case when i > 1 then md5((i / 10 + 1)::text)::uuid end",
}
#: What a statement is given where it takes a limit: the largest batch is about so many.
LIMIT = 5_000
OPEN_ENDED = ("until", "expires_at", "next_attempt_at")
NUMBER = {"smallint": "i % 30000", "integer": "i", "bigint": "i"}
BY_TYPE = {
    "uuid": "md5(i::text)::uuid",
    "jsonb": """'{"en": "x", "name": "x"}'""",
    "boolean": "true",
    "bytea": "sha256(i::text::bytea)",
    "date": "date '2026-01-01' + i",
    "text[]": "'{x}'",
}


async def without_checks(superuser: asyncpg.Connection) -> None:
    """From here on rows may hold anything: what is filled in is made from the types alone. And no
    statistics but those that a test has made."""
    for check in await superuser.fetch(CHECKS):
        if check["definition"] != "NOT NULL":
            await superuser.execute(f"alter table {check['table']} drop constraint {check['name']}")
    for table in await owned_tables(superuser):
        await superuser.execute(f"alter table {table.name} set (autovacuum_enabled = false)")


async def fill(superuser: asyncpg.Connection, tenant_id: UUID, first: int, rows: int) -> None:
    """Rows numbered from `first`, of the tenant, in every owned table but `tenant` itself."""
    async with superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        for table in await owned_tables(superuser):
            if table.name == "tenant":
                continue
            values = await _values(superuser, table.name, tenant_id)
            columns, expressions = ", ".join(values), ", ".join(values.values())
            await superuser.execute(
                f"insert into {table.name} ({columns}) select {expressions}"
                f" from generate_series({first}, {first + rows - 1}) as i on conflict do nothing"
            )


async def _values(superuser: asyncpg.Connection, table: str, tenant_id: UUID) -> dict[str, str]:
    unique = {row["attname"] for row in await superuser.fetch(UNIQUE, table)}
    values = {}
    for column in await superuser.fetch(COLUMNS, table):
        name, kind = column["name"], column["type"]
        if column["generated"]:
            continue
        if name == "tenant_id":
            value: str | None = f"'{tenant_id}'"
        else:
            value = SPECIAL.get((table, name)) or _value(column, name in unique)
        if value is not None:
            values[f'"{name}"'] = f"({value})::{kind}"
    return values


def _value(column: asyncpg.Record, unique: bool) -> str | None:
    """An expression of `i`; None where the column stays as it is by default."""
    name, kind = column["name"], column["type"]
    left_out = column["has_default"] or not column["needed"]
    if kind in NUMBER:
        return NUMBER[kind] if unique else None if left_out else "1"
    if kind == "text":
        return "'x' || i" if unique else None if column["has_default"] else "'x' || i % 50"
    if kind.startswith("timestamp"):
        if name in OPEN_ENDED:
            return "timestamptz '2099-01-01'"
        moment = "timestamptz '2026-01-01' + i * interval '1 second'"
        return moment if column["needed"] else None
    if kind.startswith("vector"):
        return f"array_fill(0, array[{re.findall('[0-9]+', kind)[0]}])"
    if left_out and kind != "uuid":
        return None
    return BY_TYPE.get(kind, "'{}'" if kind.endswith("[]") else "'1'")


def arguments(parameters: list[str], sql: str, tenant_id: UUID) -> list[Any] | None:
    """What finds the most rows, for a statement whose $1 is the tenant; None for unknown types."""
    known: dict[str, Any] = {
        "text": "object.stored",
        "int2": 1,
        "int4": 1,
        "int8": 1,
        "bool": True,
        "float8": 1.0,
        "float4": 1.0,
        "timestamptz": datetime(2027, 1, 1, tzinfo=UTC),
        "date": date(2027, 1, 1),
        "interval": timedelta(days=1),
        "jsonb": "{}",
        "bytea": b"0" * 32,
        "uuid": _identifier(1),
    }
    lists = {
        "text[]": [*EVENT_NAMES, "owner", *(f"x{number}" for number in range(100))],
        "uuid[]": [_identifier(number) for number in range(1, 200)],
        "int4[]": list(range(1, 200)),
    }
    found: list[Any] = [tenant_id]
    for place, kind in enumerate(parameters[1:], 2):
        listed = kind.removeprefix("_") + "[]" if kind.startswith("_") else kind
        if re.search(rf"\${place}::\w+(\[\])? is null", sql):
            found.append(None)
        elif re.search(rf"limit \${place}\b", sql):
            found.append(LIMIT)
        elif listed in lists:
            found.append(lists[listed])
        elif kind in known:
            found.append(known[kind])
        else:
            return None
    return found


def _identifier(number: int) -> UUID:
    return UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest())


async def work_of(
    superuser: asyncpg.Connection, role: str, tenant_id: UUID, sql: str, values: list[Any]
) -> int:
    """How many rows the plan's nodes handled, as that role bound to the tenant; undone."""
    transaction = superuser.transaction()
    await transaction.start()
    try:
        await superuser.execute(f"set local role {role}")
        await superuser.fetch("select set_config('app.tenant', $1, true)", str(tenant_id))
        plan = await superuser.fetchval(
            f"explain (analyze, timing off, summary off, format json) {sql}", *values
        )
        return round(_handled(json.loads(plan)[0]["Plan"]))
    finally:
        await transaction.rollback()


def _handled(node: dict[str, Any]) -> float:
    removed = sum(node.get(key, 0) for key in node if key.startswith("Rows Removed by"))
    own = (node["Actual Rows"] + removed + 1) * node["Actual Loops"]
    return float(own) + sum(_handled(one) for one in node.get("Plans", ()))
