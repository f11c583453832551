"""A whole tenant out of one installation and into another."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from infra.demo.verifier import verdict
from infra.servers.postgres import PostgresServer
from integrations.mail.adapter import MAIL
from passerelle.credentials import checking
from passerelle.kernel import tasks
from passerelle.kernel.events import LISTENERS
from passerelle.kernel.tenant_settings import open_text, read_setting
from tenants import service as tenants
from tenants.audit import chaining, verification
from tenants.privacy.bringing import TenantThere, import_tenant
from tenants.privacy.carrying import Carried, export_tenant
from tenants.privacy.catalogue import STAYS
from tests.browser import serving
from tests.tenants.audit.command import passerelle
from tests.tenants.privacy.conftest import Elsewhere
from tests.tenants.privacy.lived import SECRET, SYSTEM, Lived
from tests.walls.mirror import owned_tables

PASSPHRASE = "carried over the bridge"
#: A taxonomy is nobody's, and is loaded, not carried.
REFERENCE = (
    "taxonomy",
    "skill",
    "skill_label",
    "occupation",
    "occupation_label",
    "occupation_skill",
)


async def carry(work: tasks.Work, tenant_id: UUID, path: Path) -> Carried:
    with path.open("wb") as file:
        return await export_tenant(
            work.database,
            work.objects,
            work.vault,
            tenant_id,
            PASSPHRASE,
            file,
            exported_from=work.settings.public_url,
        )


async def bring(elsewhere: Elsewhere | tasks.Work, path: Path, passphrase: str = PASSPHRASE) -> Any:
    return await import_tenant(
        elsewhere.database,
        elsewhere.objects,
        elsewhere.vault,
        path,
        passphrase,
        public_url=elsewhere.settings.public_url,
    )


@asynccontextmanager
async def looking(
    postgres: PostgresServer, elsewhere: Elsewhere
) -> AsyncIterator[asyncpg.Connection]:
    name = elsewhere.settings.database_url.rpartition("/")[2]
    connection = await asyncpg.connect(postgres.superuser_dsn(name))
    yield connection
    await connection.close()


@pytest.fixture
async def prepared(
    elsewhere: Elsewhere, postgres: PostgresServer, superuser: asyncpg.Connection
) -> AsyncIterator[asyncpg.Connection]:
    """The other installation, with the same taxonomy."""
    async with looking(postgres, elsewhere) as connection:
        for table in REFERENCE:
            rows = await superuser.fetch(f"select * from {table}")
            columns = list(rows[0].keys()) if rows else []
            await connection.copy_records_to_table(table, records=rows, columns=columns)
        yield connection


async def rows_of(connection: asyncpg.Connection, tenant_id: UUID) -> dict[str, list[str]]:
    found = {}
    for table in await owned_tables(connection):
        if table.scope != "tenant" or table.name in STAYS or table.name.startswith("tombstone"):
            continue
        rows = await connection.fetch(
            f"select to_jsonb(one)::text as row from {table.name} one"
            f" where {table.owner_column} = $1",
            tenant_id,
        )
        found[table.name] = sorted(row["row"] for row in rows)
    return found


# Other modules of tests may have registered listeners in this process: their own, and the product's
# letters, for which no mail server is plugged in here.
NOT_CARRIED_OUT_HERE = ("tests.", "integrations.mail.")
SETTLED = """
update tenant_delivery set done_at = now()
where tenant_id = $1 and done_at is null and dead_at is null and listener = any($2)
"""


async def settle_others(superuser: asyncpg.Connection, tenant_id: UUID) -> None:
    names = [
        name
        for name, one in LISTENERS.items()
        if one.handler.__module__.startswith(NOT_CARRIED_OUT_HERE)
    ]
    await superuser.execute(SETTLED, tenant_id, names)


def without_secrets(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """Sealed anew, so never the same bytes; a test of its own opens them."""

    def blank(table: str, text: str) -> str:
        row = msgspec.json.decode(text)
        if "sealed_private_key" in row:
            row["sealed_private_key"] = "sealed"
        if table == "tenant_setting" and row["name"] == MAIL.name:
            row["value"]["password"] = "sealed"
        return msgspec.json.encode(row).decode()

    return {table: sorted(blank(table, row) for row in rows[table]) for table in rows}


async def test_every_table_of_a_tenant_arrives_row_by_row(
    work: tasks.Work,
    lived: Lived,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    superuser: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    await settle_others(superuser, lived.tenant_id)
    carried = await carry(work, lived.tenant_id, tmp_path / "region.zip")
    assert carried.open_effects == 0
    brought = await bring(elsewhere, tmp_path / "region.zip")
    assert (brought.rows, brought.objects) == (carried.rows, carried.objects)
    before = without_secrets(await rows_of(superuser, lived.tenant_id))
    after = without_secrets(await rows_of(prepared, lived.tenant_id))
    # That it was brought in stands on record besides, and waits to be chained.
    added = [row for row in after["tenant_event"] if '"tenant.imported"' in row]
    assert len(added) == 1
    after["tenant_event"].remove(added[0])
    event_id = msgspec.json.decode(added[0])["id"]
    after["audit_pending"] = [row for row in after["audit_pending"] if event_id not in row]
    assert after == before
    filled = {table for table, rows in before.items() if rows}
    assert len(filled) >= 35, sorted(before.keys() - filled)


async def test_what_was_carried_works_there(
    work: tasks.Work,
    lived: Lived,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    """Credentials verify, the record's chain holds, secrets open, files are there, a member works;
    and no effect happens a second time."""
    await carry(work, lived.tenant_id, tmp_path / "region.zip")
    await bring(elsewhere, tmp_path / "region.zip")
    check = await checking.check_by_id(
        elsewhere.database, elsewhere.settings.public_url, lived.credential_id
    )
    assert check.outcome == "valid", check
    await chaining.chain(elsewhere.database, lived.tenant_id)
    verdict = await verification.verify(elsewhere.database, lived.tenant_id)
    assert verdict.finding is None
    assert verdict.checked > 10
    async with elsewhere.database.tenant(lived.tenant_id, SYSTEM) as tx:
        mail = await read_setting(tx, MAIL)
        opened = open_text(elsewhere.vault, lived.tenant_id, MAIL.name, "password", mail.password)
        assert opened == SECRET
        logo = await elsewhere.objects.content(tx, "branding/logo")
        assert logo.startswith(b"\x89PNG")
        member = await tenants.admit(tx, lived.learner_id, "Youssef", None, "fr", ["learner"])
        assert "learner" in member.roles
    waiting = await prepared.fetch(
        "select name from tenant_event where not dispatched and name <> 'tenant.imported'"
        " and name not like 'member.%'"
    )
    assert waiting == []
    assert not await prepared.fetchval(
        "select count(*) from tenant_delivery where done_at is null and dead_at is null"
    )


async def test_its_old_identifier_still_resolves_there(
    work: tasks.Work,
    lived: Lived,
    app: Litestar,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    """Asked by the old host, or by the whole identifier: the same keys as where it came from."""
    from infra.web import create_app, opened

    await carry(work, lived.tenant_id, tmp_path / "region.zip")
    await bring(elsewhere, tmp_path / "region.zip")
    path = "/t/region/did.json"
    async with AsyncClient(transport=ASGITransport(app), base_url=work.settings.public_url) as old:  # type: ignore[arg-type]
        before = (await old.get(path)).json()
    assert before["verificationMethod"]
    there = create_app(elsewhere.settings)
    async with opened(elsewhere.settings)(there):
        transport = ASGITransport(there)  # type: ignore[arg-type]
        async with AsyncClient(transport=transport, base_url=work.settings.public_url) as led:
            assert (await led.get(path)).json() == before
        document = await checking.signed_document(elsewhere.database, lived.credential_id)
        assert document is not None
        # Other people's verifier asks the old address, at which the new installation answers now.
        async with serving(there, work.settings.web_port):
            found = await verdict(document.encode())
        assert found.valid, found.reason
        async with AsyncClient(transport=transport, base_url="https://elsewhere.example") as new:
            assert (await new.get(path)).json()["verificationMethod"] == []
            assert (await new.get(path, params={"did": before["id"]})).json() == before
            unknown = await new.get(path, params={"did": "did:web:evil.example:t:region"})
            assert unknown.json()["id"] == "did:web:elsewhere.example:t:region"


async def test_the_operator_carries_it_by_two_commands(
    work: tasks.Work,
    lived: Lived,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    file, words = tmp_path / "region.zip", tmp_path / "passphrase"
    words.write_text(PASSPHRASE + "\n")
    given = (str(file), "--passphrase-file", str(words))
    status, said = await passerelle(work.settings, "tenant", "export", "region", *given)
    assert status == 0, said
    assert "rows of" in said
    assert file.stat().st_mode & 0o077 == 0
    status, said = await passerelle(work.settings, "tenant", "export", "region", *given)
    assert status == 1
    assert "is there already" in said
    status, said = await passerelle(elsewhere.settings, "tenant", "import", *given)
    assert status == 0, said
    assert "/t/region is here" in said
    check = await checking.check_by_id(
        elsewhere.database, elsewhere.settings.public_url, lived.credential_id
    )
    assert check.outcome == "valid"
    status, said = await passerelle(elsewhere.settings, "tenant", "import", *given)
    assert status == 1
    assert "here already" in said


async def test_what_was_open_arrives_given_up(
    work: tasks.Work,
    lived: Lived,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    superuser: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    await settle_others(superuser, lived.tenant_id)
    one = await superuser.fetchrow(
        "update tenant_delivery set done_at = null where ctid = (select ctid from tenant_delivery"
        " where tenant_id = $1 limit 1) returning event_id, listener",
        lived.tenant_id,
    )
    try:
        carried = await carry(work, lived.tenant_id, tmp_path / "region.zip")
    finally:
        await superuser.execute(
            "update tenant_delivery set done_at = now() where event_id = $1 and listener = $2", *one
        )
    assert carried.open_effects == 1
    assert (await bring(elsewhere, tmp_path / "region.zip")).open_effects == 1
    row = await prepared.fetchrow(
        "select dead_at, last_error from tenant_delivery where event_id = $1 and listener = $2",
        *one,
    )
    assert row["dead_at"] is not None
    assert "exported" in row["last_error"]


async def test_a_tenant_that_is_there_already_is_refused(
    work: tasks.Work, lived: Lived, elsewhere: Elsewhere, prepared: Any, tmp_path: Path
) -> None:
    await carry(work, lived.tenant_id, tmp_path / "region.zip")
    with pytest.raises(TenantThere):
        await bring(work, tmp_path / "region.zip")
    await bring(elsewhere, tmp_path / "region.zip")
    with pytest.raises(TenantThere):
        await bring(elsewhere, tmp_path / "region.zip")


async def test_the_carrier_may_reach_every_table_of_tenants(superuser: asyncpg.Connection) -> None:
    for table in await owned_tables(superuser):
        if table.scope != "tenant" or table.name.startswith("tombstone"):
            continue
        allowed = await superuser.fetchval(
            "select has_table_privilege('tenant_carrier', $1, 'select, insert') and exists"
            " (select from pg_policy where polrelid = $1::regclass and polname = 'of_carrier')",
            f"public.{table.name}",
        )
        assert allowed, table.name


async def test_every_sealed_column_is_sealed_anew_on_the_way(superuser: asyncpg.Connection) -> None:
    from passerelle.kernel.secrets import SEALED_COLUMNS

    found = await superuser.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and column_name like 'sealed%'"
    )
    sealed = {tuple(row.values()) for row in found if row["table_name"] not in STAYS}
    assert sealed == set(SEALED_COLUMNS)
