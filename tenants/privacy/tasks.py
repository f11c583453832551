"""What the worker does for privacy: due erasures, exports, and what ran out of its time."""

from typing import Final

from passerelle.kernel import actor as actors
from passerelle.kernel.clocks import clock
from passerelle.kernel.database import Database
from passerelle.kernel.events import BULK_QUEUE, Event, emit, worker_listener
from passerelle.kernel.work import Work
from tenants import leaving
from tenants.access.sessions import Sessions
from tenants.privacy import (
    erasure,
    export_store,
    exporting,
    packing,
    person_store,
    retention,
    retention_own,
    store,
)
from tenants.privacy.model import ErasureDue, ExportAsked
from tenants.privacy.store import Due

EVERY_S: Final = 20
DUE_AT_ONCE: Final = 20
TASK: Final = "privacy.clock"
EXPORT_LIMIT_S: Final = 3600
DUE = "select kind, owner_id, id from app.privacy_due($1)"


@clock(EVERY_S)
async def look_for_due(database: Database) -> int:
    """Hands due erasures to the worker, each once, and removes exports whose time is over."""
    rows = await database.pool("worker_relay").fetch(DUE, DUE_AT_ONCE)
    for row in rows:
        await _handle(database, Due(**dict(row)))
    return len(rows)


async def _handle(database: Database, due: Due) -> None:
    if due.kind.startswith("person"):
        async with database.person(due.owner_id, actors.system(TASK)) as person_tx:
            if due.kind == "person_export":
                await emit(person_tx, "export.ended", ExportAsked(due.id), subject=due.id)
                await person_store.end_export(person_tx, due.id, "expired")
            elif await person_store.hand_over(person_tx, due.id):
                await emit(person_tx, "erasure.due", ErasureDue(due.id), subject=due.id)
        return
    actor = actors.system(TASK, due.owner_id)
    async with database.tenant(due.owner_id, actor, standing=False) as tx:
        if due.kind == "tenant_export":
            await emit(tx, "tenant.export_ended", ExportAsked(due.id), subject=due.id)
            await export_store.end_export(tx, due.id, "expired")
        elif await store.hand_over(tx, due.id):
            await emit(tx, "member.erasure_due", ErasureDue(due.id), subject=due.id)


@worker_listener("erasure.due", ErasureDue, queue=BULK_QUEUE, time_limit_s=600, lease_s=600)
async def erase_the_person(work: Work, event: Event[ErasureDue]) -> None:
    """Resumed as often as needed: each binding's part is done once. What was handed over can't be
    taken back any more, so that the account may go first."""
    await leaving.person_goes(work, event.owner_id)
    sessions = Sessions(work.valkey, work.settings)
    await erasure.erase_person(work.database, sessions, event.owner_id, event.payload.erasure_id)


@worker_listener("member.erasure_due", ErasureDue, queue=BULK_QUEUE, time_limit_s=600, lease_s=600)
async def erase_the_member(work: Work, event: Event[ErasureDue]) -> None:
    sessions = Sessions(work.valkey, work.settings)
    await erasure.erase_member(work.database, sessions, event.tenant_id, event.payload.erasure_id)


@worker_listener(
    "export.asked",
    ExportAsked,
    queue=BULK_QUEUE,
    time_limit_s=EXPORT_LIMIT_S,
    lease_s=EXPORT_LIMIT_S,
)
async def export_the_person(work: Work, event: Event[ExportAsked]) -> None:
    await packing.pack_person(work, event.owner_id, event.payload.export_id)


@worker_listener("export.ended", ExportAsked)
async def remove_the_persons_export(work: Work, event: Event[ExportAsked]) -> None:
    async with work.database.person(event.owner_id, actors.system(TASK)) as tx:
        await work.objects.delete(tx, packing.object_name(event.payload.export_id))


@worker_listener(
    "tenant.export_asked",
    ExportAsked,
    queue=BULK_QUEUE,
    time_limit_s=EXPORT_LIMIT_S,
    lease_s=EXPORT_LIMIT_S,
)
async def export_the_tenant(work: Work, event: Event[ExportAsked]) -> None:
    await exporting.make(work, event.tenant_id, event.payload.export_id)


@worker_listener("tenant.export_ended", ExportAsked)
async def remove_the_tenants_export(work: Work, event: Event[ExportAsked]) -> None:
    actor = actors.system(TASK, event.tenant_id)
    async with work.database.tenant(event.tenant_id, actor, standing=False) as tx:
        await work.objects.delete(tx, packing.object_name(event.payload.export_id))


RETENTION_DUE = "select tenant_id from app.retention_due($1)"


@clock(300)
async def apply_retention(database: Database) -> int:
    """A day's turn of each organisation: what ran out of its time goes."""
    rows = await database.pool("worker_relay").fetch(RETENTION_DUE, DUE_AT_ONCE)
    gone = 0
    for row in rows:
        gone += await retention.apply(database, row["tenant_id"])
    return gone


@clock(300)
async def apply_retention_of_persons(database: Database) -> int:
    """What of persons' own rows ran out of its time goes."""
    return await retention_own.apply(database)
