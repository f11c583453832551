"""A verification that someone asked for on the page: who and when, how far it is, what it found."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.personal_data import PersonalTable, register
from passerelle.kernel.work import Work
from tenants.audit import anchors, check_store
from tenants.audit.check_store import Check
from tenants.audit.findings import Kind
from tenants.audit.verification import verify

#: One that has not moved for so long was lost with its worker; another may be asked for.
LOST_AFTER = timedelta(minutes=30)
TASK = "audit.check"


class CheckAsked(msgspec.Struct, frozen=True):
    check_id: UUID


class Checked(msgspec.Struct, frozen=True):
    """`audit.checked`: what a verification of the record found."""

    check_id: UUID
    entries: int
    whole: bool
    kind: Kind | None
    position: int | None


async def ask(tx: TenantTransaction) -> UUID:
    """Asks the worker to verify; the one that runs already serves everyone who asks."""
    latest = await check_store.latest(tx)
    if latest is not None and runs(latest, datetime.now(UTC)):
        return latest.id
    check_id = new_id()
    await check_store.insert(tx, check_id)
    await emit(tx, "audit.check_asked", CheckAsked(check_id), subject=check_id)
    return check_id


def runs(check: Check, now: datetime) -> bool:
    return check.finished_at is None and now - check.asked_at < LOST_AFTER


async def latest(read: TenantRead) -> Check | None:
    return await check_store.latest(read)


async def carry_out(work: Work, tenant_id: UUID, check_id: UUID) -> None:
    """The worker's part. Anchors that can't be read raise, and the outbox tries again."""
    actor = actors.system(TASK, tenant_id)
    async with work.database.tenant(tenant_id, actor) as tx:
        found = await check_store.check(tx, check_id)
    if found is None or found.finished_at is not None:
        return
    folder = work.settings.audit_anchor_directory
    own = Path(folder) / str(tenant_id) if folder else None
    kept = await asyncio.to_thread(anchors.read, own) if own and own.is_dir() else {}

    async def progress(done: int, total: int) -> None:
        async with work.database.tenant(tenant_id, actor) as tx:
            await check_store.progress(tx, check_id, done, total)

    verdict = await verify(work.database, tenant_id, kept, progress)
    finding = verdict.finding
    async with work.database.tenant(tenant_id, actor) as tx:
        if await check_store.finish(tx, check_id, verdict):
            await emit(
                tx,
                "audit.checked",
                Checked(
                    check_id,
                    verdict.checked,
                    verdict.whole,
                    finding.kind if finding else None,
                    finding.position if finding else None,
                ),
                subject=check_id,
            )


register(
    PersonalTable(
        table="audit_check",
        owner="tenant",
        person_column="asked_by",
        purpose=Localised(
            en="Who had the audit record verified, and when",
            fr="Qui a fait vérifier le registre d’audit, et quand",
            ar="من طلب التحقق من سجل التدقيق ومتى",
        ),
        columns=("asked_by_name", "asked_at"),
        ground="duty",
        erasure="anonymise",
        blanks={"asked_by": "null", "asked_by_name": "''"},
    )
)
