"""A whole tenant into one file: every table in the catalogue, its objects, its secrets sealed anew.

One snapshot of the database, read with a cursor and written piece by piece: memory stays bounded,
whatever the tenant's size.
"""

from collections.abc import Awaitable, Callable
from typing import IO, Final
from uuid import UUID

import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.database import CarrierTransaction, Database, TenantRead
from passerelle.kernel.errors import NotFound
from passerelle.kernel.ports import Objects, StoredObject
from passerelle.kernel.secrets import Vault
from tenants.privacy.archive import FORMAT, VERSION, Manifest, Part, Writer, derive, new_salt
from tenants.privacy.catalogue import Catalogue, Table, read_catalogue
from tenants.privacy.sealing import resealing, vault_of

TASK: Final = "privacy.carry"
ROWS_AT_ONCE: Final = 500
#: Exports themselves are not carried.
OWN_OBJECTS: Final = "privacy/exports/"

Progress = Callable[[int, int], Awaitable[None]]


async def _no_progress(done: int, total: int) -> None:
    return None


class Carried(msgspec.Struct, frozen=True):
    slug: str
    tables: int
    rows: int
    objects: int
    open_effects: int


async def export_tenant(
    database: Database,
    objects: Objects,
    vault: Vault,
    tenant_id: UUID,
    passphrase: str,
    file: IO[bytes],
    *,
    exported_from: str,
    progress: Progress = _no_progress,
) -> Carried:
    """Writes the tenant into `file`. Raises PassphraseTooShort, NotFound, SealBroken."""
    salt = new_salt()
    keys = derive(passphrase, salt)
    writer = Writer(file)
    async with database.carrier(tenant_id, actors.system(TASK, tenant_id)) as carrier:
        slug = await carrier.fetch_value("select slug from tenant where id = $1", tenant_id)
        if slug is None:
            raise NotFound()
        catalogue = await read_catalogue(carrier)
        stored = await _objects(carrier)
        total = len(catalogue.tables) + len(stored)
        for done, table in enumerate(catalogue.tables):
            await progress(done, total)
            writer.parts.append(
                await _write_table(carrier, writer, table, vault, vault_of(keys.sealing))
            )
        for done, one in enumerate(stored, len(catalogue.tables)):
            await progress(done, total)
            writer.parts.append(await _write_object(carrier, objects, writer, one))
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            schema_fingerprint=catalogue.fingerprint,
            tenant_id=tenant_id,
            slug=slug,
            exported_at=(await carrier.fetch_value("select now()")).isoformat(),
            exported_from=exported_from,
            salt=salt.hex(),
            needs=await _needs(carrier, catalogue),
            open_effects=await carrier.fetch_value(OPEN_EFFECTS, tenant_id),
            parts=writer.parts,
        )
        writer.finish(manifest, keys)
        await progress(total, total)
    return Carried(
        slug,
        len(catalogue.tables),
        sum(part.rows or 0 for part in manifest.parts),
        len(stored),
        manifest.open_effects,
    )


def columns_of(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def rows_sql(table: Table) -> str:
    """Each row as a JSON array of texts, in the order of the key; rows above others before them."""
    texts = ", ".join(f'one."{column.name}"::text' for column in table.columns)
    keys = ", ".join(f'one."{name}"' for name in table.key)
    kept = f" and one.name not like '{OWN_OBJECTS}%'" if table.name == "tenant_object" else ""
    rows = f'from "{table.name}" as one'
    where = f'where one."{table.owner}" = $1{kept}'
    line = f"select jsonb_build_array({texts})::text as line {rows}"
    if table.above is None:
        return f"{line} {where} order by {keys}"
    own, theirs = table.above
    depths = (
        f'with recursive ordered(id, depth) as (select one."{theirs}", 0 {rows} {where}'  # noqa: S608
        f' and one."{own}" is null union all select one."{theirs}", ordered.depth + 1'
        f' from ordered join "{table.name}" as one on one."{own}" = ordered.id'
        f' and one."{table.owner}" = $1)'
    )
    return (
        f'{depths} {line} join ordered on ordered.id = one."{theirs}" {where}'
        f" order by ordered.depth, {keys}"
    )


async def _write_table(
    carrier: CarrierTransaction, writer: Writer, table: Table, vault: Vault, target: Vault
) -> Part:
    columns = columns_of(table)
    anew = resealing(table.name, columns, vault, target)
    name = f"tables/{table.name}.jsonl"
    part, rows = writer.open_part(name), 0
    cursor = carrier.connection.cursor(rows_sql(table), carrier.tenant_id, prefetch=ROWS_AT_ONCE)
    async for record in cursor:
        row = msgspec.json.decode(record["line"], type=list[str | None])
        part.write(msgspec.json.encode(anew(row)) + b"\n")
        rows += 1
    return Part(
        name=name,
        sha256=part.close(),
        size_bytes=part.size_bytes,
        table=table.name,
        columns=columns,
        rows=rows,
    )


async def _write_object(
    carrier: CarrierTransaction, objects: Objects, writer: Writer, stored: StoredObject
) -> Part:
    name = f"objects/{stored.id}"
    part = writer.open_part(name)
    async for piece in objects.stream(carrier, stored):
        part.write(piece)
    return Part(name=name, sha256=part.close(), size_bytes=part.size_bytes, object_id=stored.id)


OBJECTS = """
select id, name, content_type, size_bytes, digest, written_at from tenant_object
where tenant_id = $1 and name not like 'privacy/exports/%' order by id
"""


async def _objects(read: TenantRead) -> list[StoredObject]:
    return await read.fetch(StoredObject, OBJECTS, read.tenant_id)


OPEN_EFFECTS = """
select (select count(*) from tenant_delivery
        where tenant_id = $1 and done_at is null and dead_at is null)
  + (select count(*) from tenant_event where tenant_id = $1 and not dispatched)
"""


async def _needs(
    carrier: CarrierTransaction, catalogue: Catalogue
) -> dict[str, dict[str, list[str]]]:
    """Which rows of reference data the tenant's rows refer to."""
    found: dict[str, dict[str, set[str]]] = {}
    for table, column, reference, referred in catalogue.needs:
        values = await carrier.fetch_value(
            f'select array_agg(distinct "{column}"::text) from "{table}"'  # noqa: S608
            f' where tenant_id = $1 and "{column}" is not null',
            carrier.tenant_id,
        )
        found.setdefault(reference, {}).setdefault(referred, set()).update(values or ())
    return {
        reference: {column: sorted(values) for column, values in columns.items()}
        for reference, columns in found.items()
    }
