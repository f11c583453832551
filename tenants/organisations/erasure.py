"""The end of an organisation: every row of every table of tenants, from the catalogue, in an order
that no foreign key minds; then its sessions. Bytes of its files are swept by the object store.

What stays is a tombstone: its name and address, the public keys it signed with, which credentials
it issued, and the receipt of what was erased. Persons' own rows are not touched.
"""

from uuid import UUID

import asyncpg

from passerelle.kernel.clocks import work_clock
from passerelle.kernel.database import Database
from passerelle.kernel.log import logger
from passerelle.kernel.work import Work
from tenants.access.sessions import Sessions

log = logger(__name__)

EVERY_S = 30.0
AT_ONCE_TENANTS = 10
#: Of one transaction: the erasure holds its locks for a moment only.
BATCH_ROWS = 5_000
NO_TENANT = "PT404"

DUE = "select tenant_id from app.due_erasures($1)"
ERASE = "select relation, erased from app.erase_tenant($1, $2)"


@work_clock(EVERY_S)
async def erase_due(work: Work) -> int:
    """Erases organisations whose grace is over; returns how many."""
    pool = work.database.pool("worker_relay")
    due = [row["tenant_id"] for row in await pool.fetch(DUE, AT_ONCE_TENANTS)]
    for tenant_id in due:
        await erase(work.database, Sessions(work.valkey, work.settings), tenant_id)
    return len(due)


async def erase(database: Database, sessions: Sessions, tenant_id: UUID) -> dict[str, int]:
    """Erases one, batch by batch; returns how many rows of which table.

    Broken off, it goes on where it stood. Raises what the database raises.
    """
    erased: dict[str, int] = {}
    while batch := await _batch(database, tenant_id):
        for relation, rows in batch:
            erased[relation] = erased.get(relation, 0) + rows
    await sessions.close_of_tenant(tenant_id)
    log.info("an organisation was erased", tenant_id=str(tenant_id), rows=sum(erased.values()))
    return erased


async def _batch(database: Database, tenant_id: UUID) -> list[tuple[str, int]]:
    try:
        rows = await database.pool("worker_relay").fetch(ERASE, tenant_id, BATCH_ROWS)
    except asyncpg.PostgresError as error:
        if error.sqlstate != NO_TENANT:
            raise
        # Another worker erased the rest, or an operator restored it in time.
        return []
    return [(row["relation"], row["erased"]) for row in rows]
