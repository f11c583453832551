"""The statements of exports of a whole organisation."""

from uuid import UUID

from passerelle.kernel.database import TenantRead, TenantTransaction
from tenants.privacy.model import Export

EXPORT_COLUMNS = """
select id, requested_at, state, done, total, object_name, size_bytes, digest, expires_at,
  fetched_at, requested_by_name
from tenant_export
"""
EXPORTS = EXPORT_COLUMNS + "where tenant_id = $1 order by id desc limit 50"
EXPORT = EXPORT_COLUMNS + "where tenant_id = $1 and id = $2"


async def exports(read: TenantRead) -> list[Export]:
    return await read.fetch(Export, EXPORTS, read.tenant_id)


async def export(read: TenantRead, export_id: UUID) -> Export | None:
    return await read.fetch_one(Export, EXPORT, read.tenant_id, export_id)


ASK_EXPORT = """
insert into tenant_export (tenant_id, id, requested_by, requested_by_name, sealed_passphrase)
values ($1, $2, $3, $4, $5)
"""


async def ask_export(tx: TenantTransaction, export_id: UUID, sealed_passphrase: bytes) -> None:
    await tx.execute(
        ASK_EXPORT,
        tx.tenant_id,
        export_id,
        tx.actor.person_id,
        tx.actor.display_name,
        sealed_passphrase,
    )


HELD = """
select sealed_passphrase from tenant_export
where tenant_id = $1 and id = $2 and state in ('waiting', 'working')
"""


async def sealed_passphrase(read: TenantRead, export_id: UUID) -> bytes | None:
    found: bytes | None = await read.fetch_value(HELD, read.tenant_id, export_id)
    return found


EXPORT_PROGRESS = """
update tenant_export set state = 'working', done = $3, total = $4
where tenant_id = $1 and id = $2 and state in ('waiting', 'working')
"""


async def export_progress(tx: TenantTransaction, export_id: UUID, done: int, total: int) -> None:
    await tx.execute(EXPORT_PROGRESS, tx.tenant_id, export_id, done, total)


EXPORT_READY = """
update tenant_export set state = 'ready', done = total, sealed_passphrase = null, object_name = $3,
  size_bytes = $4, digest = $5, ready_at = now(), expires_at = now() + $6 * interval '1 hour'
where tenant_id = $1 and id = $2 and state in ('waiting', 'working')
"""


async def export_ready(
    tx: TenantTransaction, export_id: UUID, name: str, size: int, digest: str, hours: int
) -> bool:
    return await tx.execute(EXPORT_READY, tx.tenant_id, export_id, name, size, digest, hours) == 1


END_EXPORT = """
update tenant_export set state = $3, sealed_passphrase = null, object_name = null
where tenant_id = $1 and id = $2 and state <> $3
"""


async def end_export(tx: TenantTransaction, export_id: UUID, state: str) -> None:
    await tx.execute(END_EXPORT, tx.tenant_id, export_id, state)


FETCHED_EXPORT = "update tenant_export set fetched_at = now() where tenant_id = $1 and id = $2"


async def fetched_export(tx: TenantTransaction, export_id: UUID) -> None:
    await tx.execute(FETCHED_EXPORT, tx.tenant_id, export_id)
