"""Keeping stored vectors true: what happens to evidence and sharing, heard and carried over."""

from uuid import UUID

from ml.serving import store
from ml.serving.embedding import embed_candidates
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, PersonTransaction
from passerelle.kernel.events import Event, listener, worker_listener
from passerelle.kernel.tasks import Work
from passerelle.people.model import SharingGranted, SharingWithdrawn
from passerelle.skills.model import EvidenceChanged


@worker_listener("evidence.changed", EvidenceChanged)
async def embed_where_shared(work: Work, event: Event[EvidenceChanged]) -> None:
    person_id = event.owner_id
    reader = work.database.person_reader(person_id, actors.system("embed candidate"))
    for tenant_id in await store.tenants_shared_with(reader):
        await _embed(work.database, tenant_id, person_id)


@worker_listener("sharing.granted", SharingGranted)
async def embed_for_tenant(work: Work, event: Event[SharingGranted]) -> None:
    if event.payload.purpose == "hiring":
        await _embed(work.database, event.payload.tenant_id, event.owner_id)


@listener("sharing.withdrawn", SharingWithdrawn)
async def forget_in_tenant(tx: PersonTransaction, event: Event[SharingWithdrawn]) -> None:
    """Once more after the withdrawal: an embedding under way may have written in between."""
    shared_with = await store.tenants_shared_with(tx)
    if event.payload.tenant_id not in shared_with:
        await store.forget_in_tenant(tx, event.payload.tenant_id)


async def _embed(database: Database, tenant_id: UUID, person_id: UUID) -> None:
    async with database.tenant(tenant_id, actors.system("embed candidate", tenant_id)) as tx:
        await embed_candidates(tx, [person_id])
