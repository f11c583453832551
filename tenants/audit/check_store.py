"""The SQL of verifications that were asked for."""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction
from tenants.audit.findings import Verdict


class Check(msgspec.Struct, frozen=True):
    """One verification: `checked` of `total` entries so far, and the verdict at its end."""

    id: UUID
    asked_at: datetime
    asked_by_name: str
    checked: int
    total: int
    finished_at: datetime | None
    verdict: Verdict | None


INSERT_CHECK = """
insert into audit_check (tenant_id, id, asked_by, asked_by_name) values ($1, $2, $3, $4)
"""


async def insert(tx: TenantTransaction, check_id: UUID) -> None:
    await tx.execute(
        INSERT_CHECK, tx.tenant_id, check_id, tx.actor.person_id, tx.actor.display_name
    )


LATEST_CHECK = """
select id, asked_at, asked_by_name, checked, total, finished_at, verdict from audit_check
where tenant_id = $1 order by id desc limit 1
"""
CHECK = """
select id, asked_at, asked_by_name, checked, total, finished_at, verdict from audit_check
where tenant_id = $1 and id = $2
"""


async def latest(read: TenantRead) -> Check | None:
    return await read.fetch_one(Check, LATEST_CHECK, read.tenant_id)


async def check(read: TenantRead, check_id: UUID) -> Check | None:
    return await read.fetch_one(Check, CHECK, read.tenant_id, check_id)


WORKER_PROGRESS = """
update audit_check set checked = $3, total = $4
where tenant_id = $1 and id = $2 and finished_at is null
"""
WORKER_FINISH = """
update audit_check set checked = $3, total = $3, verdict = $4, finished_at = now()
where tenant_id = $1 and id = $2 and finished_at is null
"""


async def progress(tx: TenantTransaction, check_id: UUID, done: int, total: int) -> None:
    await tx.execute(WORKER_PROGRESS, tx.tenant_id, check_id, done, total)


async def finish(tx: TenantTransaction, check_id: UUID, verdict: Verdict) -> bool:
    """False where another worker was first."""
    return await tx.execute(WORKER_FINISH, tx.tenant_id, check_id, verdict.checked, verdict) == 1
