"""Closing the statements of months that are over."""

from datetime import UTC, datetime

from passerelle.kernel import actor as actors
from passerelle.kernel.clocks import clock
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from tenants.plans import accounting
from tenants.plans.statement_store import due

TASK = "plans.close-statements"
EVERY_S = 60.0
BATCH_STATEMENTS = 50


@clock(EVERY_S)
async def close_statements(database: Database) -> int:
    """Closes what is due, the oldest months first; returns how many."""
    now = datetime.now(UTC)
    closed = 0
    for one in await due(database.lookup, now - accounting.SETTLING, BATCH_STATEMENTS):
        actor = actors.system(TASK, one.tenant_id)
        try:
            async with database.tenant(one.tenant_id, actor, standing=False) as tx:
                closed += await accounting.close(tx, one.month, now)
        except Problem:
            # Erased in the meantime.
            continue
    return closed
