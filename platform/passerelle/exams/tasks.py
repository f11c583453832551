"""What the worker does for exams: time that runs out, and the credential a pass earns."""

from uuid import UUID

import asyncpg
import msgspec

from passerelle.credentials import service as credentials
from passerelle.exams import service
from passerelle.exams.model import ExamPassed
from passerelle.kernel import actor as actors
from passerelle.kernel.clocks import clock
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Problem
from passerelle.kernel.events import Event, listener
from passerelle.kernel.log import logger

log = logger(__name__)

SWEEP_LIMIT = 500

DUE_ATTEMPTS = """
select tenant_id, attempt_id from app.due_attempts($1)
"""


class DueAttempt(msgspec.Struct, frozen=True):
    tenant_id: UUID
    attempt_id: UUID


@clock(every_s=5)
async def finish_overdue_attempts(database: Database, limit: int = SWEEP_LIMIT) -> int:
    """Finishes attempts whose time is over, each in a transaction of its own; returns how many.

    Any number of workers may do it at once. One that fails is logged and tried again at the next
    round; the others don't wait for it.
    """
    records = await database.pool("worker_relay").fetch(DUE_ATTEMPTS, limit)
    due = msgspec.convert([dict(record) for record in records], list[DueAttempt])
    finished = 0
    for one in due:
        actor = actors.system("exams.tasks.finish_overdue_attempts", one.tenant_id)
        try:
            async with database.live_exam(one.tenant_id, actor) as tx:
                await service.finish_overdue(tx, one.attempt_id)
        except (Problem, asyncpg.PostgresError) as error:
            log.error("attempt not finished", attempt_id=str(one.attempt_id), exc_info=error)
        else:
            finished += 1
    return finished


@listener("exam.passed", ExamPassed)
async def issue_credential(tx: TenantTransaction, event: Event[ExamPassed]) -> None:
    """The credential for the achievement that the form leads to: one for each attempt passed."""
    passed = event.payload
    await credentials.issue(
        tx,
        person_id=passed.person_id,
        achievement_id=passed.achievement_id,
        attempt_id=passed.attempt_id,
        earned_at=passed.finished_at,
    )
