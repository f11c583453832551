"""An organisation's own export: asked for on a page, made by the worker, fetched for a day."""

import tempfile
from typing import Final
from uuid import UUID

from passerelle.kernel import actor as actors
from passerelle.kernel.database import PersonTransaction, TenantTransaction
from passerelle.kernel.errors import Conflict, Problem
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_
from passerelle.kernel.log import logger
from passerelle.kernel.secrets import Vault
from passerelle.kernel.work import Work
from tenants.privacy import export_store, person_store
from tenants.privacy.archive import PASSPHRASE_LEAST_CHARACTERS, PassphraseTooShort
from tenants.privacy.carrying import export_tenant
from tenants.privacy.model import EXPORT_HOURS, ExportAsked, ExportMade
from tenants.privacy.packing import object_name, pieces

log = logger(__name__)
TASK: Final = "privacy.export_tenant"
LIMIT_BYTES: Final = 100_000_000_000


class ExportUnderWay(Conflict):
    title = N_("An export is being made already")
    mend = N_("Wait until it is ready, then fetch it.")


def _context(tenant_id: UUID, export_id: UUID) -> str:
    return f"passphrase of export {export_id} of tenant {tenant_id}"


async def ask_own(tx: PersonTransaction) -> UUID:
    """Asks for the bound person's copy. Raises ExportUnderWay."""
    if any(one.is_open for one in await person_store.exports(tx)):
        raise ExportUnderWay()
    export_id = new_id()
    await person_store.ask_export(tx, export_id, tx.actor.session_id or "")
    await emit(tx, "export.asked", ExportAsked(export_id), subject=export_id)
    return export_id


async def ask_of_tenant(tx: TenantTransaction, vault: Vault, passphrase: str) -> UUID:
    """Asks for the whole organisation. Raises PassphraseTooShort, ExportUnderWay."""
    if len(passphrase) < PASSPHRASE_LEAST_CHARACTERS:
        raise PassphraseTooShort(errors={"passphrase": PassphraseTooShort.mend})
    if any(one.is_open for one in await export_store.exports(tx)):
        raise ExportUnderWay()
    export_id = new_id()
    sealed = vault.seal(passphrase.encode(), context=_context(tx.tenant_id, export_id))
    await export_store.ask_export(tx, export_id, sealed)
    await emit(tx, "tenant.export_asked", ExportAsked(export_id), subject=export_id)
    return export_id


async def make(work: Work, tenant_id: UUID, export_id: UUID) -> bool:
    """Makes the export that was asked for. False where it is made already, or can't be."""
    actor = actors.system(TASK, tenant_id)
    read = work.database.tenant_reader(tenant_id, actor, standing=False)
    sealed = await export_store.sealed_passphrase(read, export_id)
    if sealed is None:
        return False
    passphrase = work.vault.open(sealed, context=_context(tenant_id, export_id)).decode()

    async def progress(done: int, total: int) -> None:
        async with work.database.tenant(tenant_id, actor, standing=False) as tx:
            await export_store.export_progress(tx, export_id, done, total)

    with tempfile.TemporaryFile() as stream:
        try:
            await export_tenant(
                work.database,
                work.objects,
                work.vault,
                tenant_id,
                passphrase,
                stream,
                exported_from=work.settings.public_url,
                progress=progress,
            )
            stream.seek(0)
            async with work.database.tenant(tenant_id, actor, standing=False) as tx:
                kept = await work.objects.put(
                    tx, object_name(export_id), pieces(stream), limit_bytes=LIMIT_BYTES
                )
                await export_store.export_ready(
                    tx, export_id, kept.name, kept.size_bytes, kept.digest, EXPORT_HOURS
                )
                made = ExportMade(export_id, kept.size_bytes, kept.digest)
                await emit(tx, "tenant.export_made", made, subject=export_id)
        except Problem as problem:
            log.warning("an export failed", tenant_id=str(tenant_id), problem=str(problem))
            async with work.database.tenant(tenant_id, actor, standing=False) as tx:
                await export_store.end_export(tx, export_id, "failed")
            return False
    return True
