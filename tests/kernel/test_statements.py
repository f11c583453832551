"""Every SQL statement of every store is prepared against the migrated schema, by its own role."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from passerelle.kernel.database import ANY_PERSON, STANDING_TENANT, Database, bound_statement
from tests.conftest import ROOT

ROOM_FOLDERS = ("platform/passerelle", "tenants", "integrations", "lms", "ml")
STATEMENT_STARTS = ("select", "insert", "update", "delete", "with")
WRITES = re.compile(r"\b(insert into|update|delete from)\b", re.IGNORECASE)
BOUND = {"web_tenant": STANDING_TENANT, "live_exam": STANDING_TENANT, "web_person": ANY_PERSON}


def store_modules() -> list[str]:
    found = []
    for folder in ROOM_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*store*.py")):
            found.append(_module_name(path))
    return found


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "platform" else parts)


def statements() -> Iterator[tuple[str, str]]:
    for name in store_modules():
        module = importlib.import_module(name)
        for constant, value in vars(module).items():
            if constant.isupper() and isinstance(value, str):
                text = value.strip()
                if text.lower().startswith(STATEMENT_STARTS):
                    yield f"{name}.{constant}", text


def role_of(name: str, sql: str) -> str:
    if ".KEEPER_" in name:
        return "audit_keeper"
    if ".RELAY_" in name:
        return "worker_relay"
    if ".OPERATOR_" in name:
        return "web_operator"
    if ".WORKER_" in name:
        return "worker_tenant"
    if name.startswith("passerelle.exams."):
        return "live_exam"
    if "_LOOKUP" in name or " app." in sql.partition("from")[2][:6]:
        return "web_lookup"
    module, _, constant = name.rpartition(".")
    if constant.endswith("_OF_PERSON") or constant.startswith("PERSON_") or "person" in module:
        return "web_person"
    return "web_tenant"


async def test_every_statement_of_every_store_can_be_prepared(database: Database) -> None:
    count = 0
    for name, sql in statements():
        role = role_of(name, sql)
        async with database.pool(role).acquire() as connection:
            try:
                await connection.prepare(sql)
                if role in BOUND and "$1" in sql and not WRITES.search(sql):
                    await connection.prepare(bound_statement(sql, BOUND[role]))
            except asyncpg.PostgresError as error:
                raise AssertionError(f"{name}: {error}") from error
        count += 1
    assert count > 10
