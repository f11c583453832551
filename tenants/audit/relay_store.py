"""What the worker asks before anything is bound: whose events wait, whose head is to be written."""

from uuid import UUID

import msgspec

from passerelle.kernel.database import Database
from tenants.audit.chain_store import Place


class AuditedTenant(msgspec.Struct, frozen=True):
    tenant_id: UUID
    slug: str


RELAY_WAITING = "select tenant_id from app.audit_waiting($1, $2)"
RELAY_UNANCHORED = "select tenant_id, slug from app.audit_unanchored($1, $2, $3, $4)"
RELAY_TENANTS = "select tenant_id, slug from app.audit_tenants($1, $2)"


async def tenants_waiting(database: Database, last: UUID, most: int) -> list[UUID]:
    """Tenants with events to chain, after `last`, in the order of their ids."""
    records = await database.pool("worker_relay").fetch(RELAY_WAITING, last, most)
    return [row["tenant_id"] for row in records]


async def tenants_unanchored(
    database: Database, place: Place, every_s: int, last: UUID, most: int
) -> list[AuditedTenant]:
    """Tenants whose head is to be written down in `place`, after `last`."""
    records = await database.pool("worker_relay").fetch(
        RELAY_UNANCHORED, place, every_s, last, most
    )
    return msgspec.convert([dict(record) for record in records], list[AuditedTenant])


async def tenants(database: Database, last: UUID, most: int) -> list[AuditedTenant]:
    """Every tenant, after `last`."""
    records = await database.pool("worker_relay").fetch(RELAY_TENANTS, last, most)
    return msgspec.convert([dict(record) for record in records], list[AuditedTenant])
