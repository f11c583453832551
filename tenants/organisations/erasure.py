"""The end of an organisation: every row of every table of tenants, from the catalogue, in an order
that no foreign key minds; then its sessions. Bytes of its files are swept by the object store.

What stays is a tombstone: its name and address, the public keys it signed with, which credentials
it issued, and the receipt of what was erased. Persons' own rows are not touched.
"""

from uuid import UUID

from passerelle.kernel.clocks import work_clock
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Unavailable
from passerelle.kernel.log import logger
from passerelle.kernel.work import Work
from tenants import leaving
from tenants.access.sessions import Sessions
from tenants.organisations import relay_store as store

log = logger(__name__)

EVERY_S = 30.0
#: Of one transaction: the erasure holds its locks for a moment only.
BATCH_ROWS = 5_000


@work_clock(EVERY_S)
async def erase_due(work: Work) -> int:
    """Erases organisations whose grace is over; returns how many. One that can't be erased outside
    yet waits for the next turn, and keeps none of the others waiting."""
    erased = 0
    for tenant_id in await store.due_erasures(work.database):
        try:
            await leaving.tenant_goes(work, tenant_id)
        except Unavailable as error:
            log.warning("an erasure waits", tenant_id=str(tenant_id), problem=error.slug())
            continue
        await erase(work.database, Sessions(work.valkey, work.settings), tenant_id)
        erased += 1
    return erased


async def erase(
    database: Database, sessions: Sessions, tenant_id: UUID, batch_rows: int = BATCH_ROWS
) -> dict[str, int]:
    """Erases one, batch by batch; returns how many rows of which table.

    Broken off, it goes on where it stood. Raises what the database raises.
    """
    erased: dict[str, int] = {}
    while batch := await store.erase(database, tenant_id, batch_rows):
        for relation, rows in batch:
            erased[relation] = erased.get(relation, 0) + rows
    await sessions.close_of_tenant(tenant_id)
    log.info("an organisation was erased", tenant_id=str(tenant_id), rows=sum(erased.values()))
    return erased
