"""From the outbox into the chain, a batch of one organisation's events a transaction.

Any number of workers may do it at once: who holds the organisation's head appends, the others go
on. What a killed worker had begun is as if it had not.
"""

from uuid import UUID

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from tenants.audit import chain_store, relay_store
from tenants.audit.chain import Head, Link, linked

BATCH_EVENTS = 1_000
#: Then it is the next organisation's turn.
BATCHES_A_TURN = 10
TENANTS_A_PAGE = 100
NIL = UUID(int=0)
TASK = "audit.chain"


async def chain_waiting(database: Database) -> int:
    """A turn for every organisation with events to chain; returns how many were chained."""
    chained, last = 0, NIL
    while True:
        waiting = await relay_store.tenants_waiting(database, last, TENANTS_A_PAGE)
        for tenant_id in waiting:
            chained += await chain(database, tenant_id)
        if len(waiting) < TENANTS_A_PAGE:
            return chained
        last = waiting[-1]


async def chain(database: Database, tenant_id: UUID, batches: int = BATCHES_A_TURN) -> int:
    """Chains what waits, at most `batches` of BATCH_EVENTS; returns how many events."""
    chained = 0
    for _ in range(batches):
        async with database.audit(tenant_id, actors.system(TASK, tenant_id)) as keeper:
            taken, added = await _one_batch(keeper)
        chained += added
        if taken < BATCH_EVENTS:
            break
    return chained


async def _one_batch(keeper: TenantTransaction) -> tuple[int, int]:
    """How many waiting events were taken, and how many of them were new to the chain."""
    head = await chain_store.hold(keeper)
    if head is None:
        return 0, 0
    waiting = await chain_store.waiting(keeper, BATCH_EVENTS)
    links: list[Link] = []
    for one in waiting:
        # What is gone stays in the list of what waits: the verification tells of it.
        if one.linked or one.body is None:
            continue
        link = linked(keeper.tenant_id, head, one.event_id, one.body, one.now)
        head = Head(link.position, link.hash, link.chained_at)
        links.append(link)
    await chain_store.append(keeper, links)
    await chain_store.done_waiting(
        keeper, [one.event_id for one in waiting if one.body is not None]
    )
    return len(waiting), len(links)
