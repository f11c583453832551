"""The map of personal data and the schema say the same, both ways."""

import asyncio
import re
import sys

import asyncpg
import pytest

from passerelle.kernel import personal_data
from passerelle.kernel.settings import Settings
from tests.conftest import ROOT
from tests.tenants.audit.command import environment
from tests.tenants.privacy.rooms import rooms
from tests.walls.mirror import owned_tables

#: What a column that holds a person is called, or what it holds is.
LOOKS_PERSONAL = re.compile(
    r"(^|_)(person|subject|member|holder|actor|author|judge)(_id)?$"
    r"|_by(_name)?$|(^|_)(e?mail|address|phone|ip|user_agent|display_name|actor_name|birth\w*)$"
    r"|(^|_)name$"
)
COLUMNS = """
select table_name, column_name from information_schema.columns where table_schema = 'public'
"""
#: A name in the product's three languages is an organisation's or a thing's, never a person's.
NAMES_OF_THINGS = """
select table_name || '.' || column_name as named from information_schema.columns
where table_schema = 'public' and data_type = 'jsonb' and column_name ~ '(^|_)name$'
"""


@pytest.fixture(scope="module")
async def schema(superuser: asyncpg.Connection) -> dict[str, set[str]]:
    rooms()
    owned = {table.name for table in await owned_tables(superuser)}
    found: dict[str, set[str]] = {name: set() for name in owned}
    for row in await superuser.fetch(COLUMNS):
        if row["table_name"] in owned:
            found[row["table_name"]].add(row["column_name"])
    return found


async def test_every_column_that_looks_personal_is_on_the_map_or_says_why_not(
    superuser: asyncpg.Connection, schema: dict[str, set[str]]
) -> None:
    known = set(personal_data.NOT_PERSONAL)
    known |= {row["named"] for row in await superuser.fetch(NAMES_OF_THINGS)}
    for entry in personal_data.REGISTRY.values():
        key = "" if entry.through else entry.person_column
        known |= {f"{entry.table}.{name}" for name in (key, *entry.columns, *entry.withheld)}
    looking = {
        f"{table}.{column}"
        for table, columns in schema.items()
        for column in columns
        if LOOKS_PERSONAL.search(column)
    }
    assert sorted(looking - known) == []


async def test_what_the_map_names_is_in_the_schema(schema: dict[str, set[str]]) -> None:
    for entry in personal_data.REGISTRY.values():
        assert entry.table in schema, entry.name
        named = {*entry.columns, *entry.blanks, *entry.withheld}
        named |= {entry.retention.column} if entry.retention else set()
        named |= {entry.through.column} if entry.through else {entry.person_column}
        assert sorted(named - schema[entry.table]) == [], entry.name
        if entry.through:
            assert {entry.through.key, entry.through.person_column} <= schema[entry.through.table]
    for column in personal_data.NOT_PERSONAL:
        table, _, name = column.partition(".")
        assert name in schema.get(table, set()), f"{column} is explained and isn't there"


async def test_every_table_of_persons_rows_is_on_the_map(
    superuser: asyncpg.Connection, schema: dict[str, set[str]]
) -> None:
    registered = {entry.table for entry in personal_data.REGISTRY.values()}
    persons = {t.name for t in await owned_tables(superuser) if t.owner_column == "person_id"}
    assert sorted(persons - registered) == []


async def test_each_entry_says_what_it_must(schema: dict[str, set[str]]) -> None:
    owners = {
        table: "tenant" if "tenant_id" in columns or table == "tenant" else "person"
        for table, columns in schema.items()
    }
    for entry in personal_data.REGISTRY.values():
        assert entry.columns or entry.by_name, f"{entry.name}: what does it say of the person?"
        assert entry.erasure not in ("keep", "redact") or entry.kept_because, entry.name
        assert (entry.erasure == "anonymise") == bool(entry.blanks), entry.name
        if entry.owner == "tenant":
            assert owners[entry.table] == "tenant", entry.name
        if entry.retention:
            kept = entry.retention
            assert entry.through is None, f"{entry.name} goes with {entry.through}"
            assert 1 <= kept.least_days <= kept.days <= kept.most_days, entry.name


async def test_web_worker_and_commands_know_the_whole_map(settings: Settings) -> None:
    """What a process doesn't import, it would forget to erase."""
    for start in ("infra.web", "infra.worker", "infra.commands.privacy"):
        code = (
            f"import {start}; from passerelle.kernel.personal_data import REGISTRY;"
            " print(' '.join(sorted(REGISTRY)))"
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code),
            cwd=ROOT,
            env=environment(settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate()
        known = set(said.decode().split("\n")[-2].split()) if said else set()
        assert known == set(personal_data.REGISTRY), (start, complaint.decode()[-800:])


async def test_the_worker_that_erases_knows_what_goes_outside(settings: Settings) -> None:
    code = "import infra.worker; from tenants import leaving as one; print(*one.known())"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        cwd=ROOT,
        env=environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    assert set(said.decode().split()) >= {
        "integrations.keycloak.leaving.delete_accounts",
        "integrations.keycloak.leaving.delete_organization",
    }, complaint.decode()[-800:]
