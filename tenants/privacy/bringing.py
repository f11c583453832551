"""A tenant from a file into this installation: one transaction, or nothing.

Rows go in with the rights of `tenant_carrier`, which reaches the file's tenant alone. What had been
done stays done: events come in as carried out, and what was still open comes in as given up, for an
operator to try again. Who was erased here, or in the file's own record, is not brought back.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from passerelle.credentials import did
from passerelle.kernel import actor as actors
from passerelle.kernel.database import CarrierTransaction, Database
from passerelle.kernel.errors import Conflict
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.ports import Objects, StoredObject
from passerelle.kernel.secrets import Vault
from tenants.privacy.archive import ArchiveRefused, Part, Reader
from tenants.privacy.carrying import columns_of
from tenants.privacy.catalogue import Catalogue, Table, read_catalogue
from tenants.privacy.erasure import forget_again
from tenants.privacy.model import TenantImported
from tenants.privacy.sealing import Row, SealBroken, resealing, vault_of

TASK: Final = "privacy.bring"
BATCH_BYTES: Final = 2_000_000
BATCH_ROWS: Final = 1_000
GIVEN_UP: Final = "open when the organisation was exported"


class TenantThere(Conflict):
    title = N_("This organisation is here already, or something of it is another's here")
    mend = N_("An organisation is brought into an installation that doesn't have it.")


class Brought(msgspec.Struct, frozen=True):
    tenant_id: UUID
    slug: str
    rows: int
    objects: int
    open_effects: int
    forgotten: int
    # The address under which its credentials were issued, where it is another one here.
    issued_under: str


async def import_tenant(
    database: Database,
    objects: Objects,
    vault: Vault,
    path: Path,
    passphrase: str,
    *,
    public_url: str,
) -> Brought:
    """Brings in the file's tenant, into the installation that stands at `public_url`.

    Raises ArchiveRefused, PassphraseWrong or TenantThere.
    """
    reader = Reader(path, passphrase)
    try:
        return await _import(database, objects, vault, reader, public_url)
    except asyncpg.UniqueViolationError as error:
        raise TenantThere(f"{error.table_name}: {error.constraint_name}") from None
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        raise ArchiveRefused(f"A row doesn't fit: {error}") from None
    except (SealBroken, ValueError) as error:
        raise ArchiveRefused(f"A sealed secret doesn't open: {error}") from None
    finally:
        reader.close()


async def _import(
    database: Database, objects: Objects, vault: Vault, reader: Reader, public_url: str
) -> Brought:
    manifest = reader.manifest
    source = vault_of(reader.keys.sealing)
    async with database.carrier(
        manifest.tenant_id, actors.system(TASK, manifest.tenant_id)
    ) as carrier:
        catalogue = await read_catalogue(carrier)
        parts = _parts_by_table(reader, catalogue)
        await _check_needs(carrier, manifest.needs)
        for table in catalogue.tables:
            await _fill(carrier, table, parts[table.name], reader, source, vault)
        kept = await _restore_objects(carrier, objects, reader)
        await emit(
            carrier,
            "tenant.imported",
            TenantImported(manifest.exported_from, manifest.exported_at),
            subject=manifest.tenant_id,
        )
        await _check_issuers(carrier, public_url)
        await carrier.put_down()
        forgotten = await forget_again(carrier, _moment(manifest.exported_at))
    return Brought(
        manifest.tenant_id,
        manifest.slug,
        sum(part.rows or 0 for part in manifest.parts),
        kept,
        manifest.open_effects,
        forgotten,
        manifest.exported_from,
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArchiveRefused("It doesn't say when it was exported") from None


def _parts_by_table(reader: Reader, catalogue: Catalogue) -> dict[str, Part]:
    """Each table's part. Raises ArchiveRefused for a file of another schema."""
    parts = {part.table: part for part in reader.manifest.parts if part.table}
    names = {table.name for table in catalogue.tables}
    for unknown in sorted(parts.keys() - names) + sorted(names - parts.keys()):
        raise ArchiveRefused(f"It is of another version of Passerelle: table {unknown}")
    for table in catalogue.tables:
        if parts[table.name].columns != columns_of(table):
            raise ArchiveRefused(f"It is of another version of Passerelle: table {table.name}")
    if reader.manifest.schema_fingerprint != catalogue.fingerprint:
        raise ArchiveRefused("It is of another version of Passerelle")
    return {name: part for name, part in parts.items() if name}


async def _check_needs(carrier: CarrierTransaction, needs: dict[str, dict[str, list[str]]]) -> None:
    """Raises ArchiveRefused where rows refer to what this installation's taxonomy lacks."""
    known = {(table, column) for _, _, table, column in (await read_catalogue(carrier)).needs}
    for table, columns in needs.items():
        for column, values in columns.items():
            if (table, column) not in known:
                raise ArchiveRefused(f"It refers to {table[:40]!r}, which nothing here does")
            lacking = await carrier.fetch_value(
                f"select count(*) from unnest($1::text[]) as wanted"  # noqa: S608  catalogue
                f' where not exists (select from "{table}" as one'
                f' where one."{column}"::text = wanted)',
                values,
            )
            if lacking:
                raise ArchiveRefused(
                    f"{lacking} rows of {table} that it refers to are not here: load the same"
                    " taxonomy first (passerelle taxonomy)"
                )


class _Key(msgspec.Struct):
    controller: str


KEYS = "select controller from issuer_key where tenant_id = $1"


async def _check_issuers(carrier: CarrierTransaction, public_url: str) -> None:
    """Raises ArchiveRefused for a key that would speak for another organisation of this address:
    whoever holds the passphrase can write any row of the file."""
    own = await carrier.fetch_value("select slug from tenant where id = $1", carrier.tenant_id)
    for key in await carrier.fetch(_Key, KEYS, carrier.tenant_id):
        if did.slug_of(public_url, key.controller) not in (None, own):
            raise ArchiveRefused(f"A key of it speaks for {key.controller[:200]}")


async def _fill(
    carrier: CarrierTransaction,
    table: Table,
    part: Part,
    reader: Reader,
    source: Vault,
    target: Vault,
) -> None:
    columns = columns_of(table)
    if table.name in ("audit_pending", "member_word"):
        # What triggers made of the rows before: the file has its own.
        await carrier.execute(f'delete from "{table.name}" where tenant_id = $1', carrier.tenant_id)  # noqa: S608
    insert = _insert_sql(table)
    adapt = _adapting(table.name, columns)
    anew = resealing(table.name, columns, source, target)
    owner = columns.index(table.owner)
    rows = 0
    for batch in _batches(reader.lines(part)):
        ready: list[Row] = []
        for line in batch:
            row = _row(line, len(columns), table.name)
            if row[owner] != str(carrier.tenant_id):
                raise ArchiveRefused(f"A row of {table.name} is another organisation's")
            ready.append(adapt(anew(row)))
        await carrier.execute(insert, ready)
        rows += len(ready)
    if rows != part.rows:
        raise ArchiveRefused(f"{part.name} holds {rows} rows, and not the {part.rows} it says")


def _insert_sql(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join(
        f"(each.line ->> {place})::{column.type}" for place, column in enumerate(table.columns)
    )
    return (
        f'insert into "{table.name}" ({names}) overriding system value'  # noqa: S608  catalogue
        f" select {values} from jsonb_array_elements($1::jsonb) with ordinality"
        " as each(line, place) order by each.place"
    )


def _row(line: bytes, width: int, table: str) -> Row:
    try:
        row = msgspec.json.decode(line, type=Row)
    except msgspec.DecodeError as error:
        raise ArchiveRefused(f"A row of {table} can't be read: {error}") from None
    if len(row) != width:
        raise ArchiveRefused(f"A row of {table} has {len(row)} columns, and not {width}")
    return row


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= BATCH_BYTES or len(held) >= BATCH_ROWS:
            yield held
            held, size = [], 0
    if held:
        yield held


def _adapting(table: str, columns: list[str]) -> Callable[[Row], Row]:
    """What must not be taken over as it was: no effect of an event happens a second time."""
    if table == "tenant_event":
        place = columns.index("dispatched")
        return lambda row: [*row[:place], "true", *row[place + 1 :]]
    if table == "tenant_delivery":
        return lambda row: _given_up(dict(zip(columns, row, strict=True)))
    return lambda row: row


def _given_up(delivery: dict[str, str | None]) -> Row:
    if delivery["done_at"] is None and delivery["dead_at"] is None:
        delivery |= {"dead_at": "now", "last_error": GIVEN_UP}
    return list(delivery.values())


async def _restore_objects(carrier: CarrierTransaction, objects: Objects, reader: Reader) -> int:
    parts = {part.object_id: part for part in reader.manifest.parts if part.object_id}
    rows = {row.id: row for row in await carrier.fetch(StoredObject, OBJECTS, carrier.tenant_id)}
    if parts.keys() != rows.keys():
        raise ArchiveRefused("Its objects are not those that its table names")
    for object_id, part in parts.items():
        assert object_id is not None  # noqa: S101  chosen so above
        await objects.restore(carrier, rows[object_id], _stream(reader.pieces(part)))
    return len(parts)


async def _stream(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


OBJECTS = """
select id, name, content_type, size_bytes, digest, written_at from tenant_object
where tenant_id = $1
"""
