"""What the worker does for the record: chaining, writing heads down, verifying when asked."""

from pathlib import Path

from passerelle.kernel.clocks import clock, work_clock
from passerelle.kernel.database import Database
from passerelle.kernel.events import TRAINING_QUEUE, Event, worker_listener
from passerelle.kernel.work import Work
from tenants.audit import anchoring, checks
from tenants.audit import chaining as chains
from tenants.audit.checks import CheckAsked

CHECK_LIMIT_S = 1800


@clock(every_s=1)
async def chain_events(database: Database) -> int:
    """Appends what happened to each organisation's chain; returns how many events."""
    return await chains.chain_waiting(database)


@work_clock(every_s=60)
async def write_heads_down(work: Work) -> int:
    """Writes heads that moved where the operator and the organisations say; returns how many."""
    settings, written = work.settings, 0
    if settings.audit_anchor_directory:
        written += await anchoring.to_directory(
            work.database, Path(settings.audit_anchor_directory), settings.audit_anchor_minutes * 60
        )
    if settings.audit_anchor_mailbox:
        written += await anchoring.to_operator(work, settings.audit_anchor_mailbox)
    return written + await anchoring.to_mailboxes(work)


@worker_listener(
    "audit.check_asked",
    CheckAsked,
    # Beside the long work: a verification of millions of entries must delay nobody.
    queue=TRAINING_QUEUE,
    time_limit_s=CHECK_LIMIT_S,
    lease_s=CHECK_LIMIT_S,
)
async def verify_when_asked(work: Work, event: Event[CheckAsked]) -> None:
    """Verifies the organisation's chain and keeps the verdict. Done once, it does nothing."""
    await checks.carry_out(work, event.tenant_id, event.payload.check_id)
