"""An organisation's standing, which its operator decides: suspended, lifted, deleted, restored.

From the commit on, every way in is refused by the database itself; a transaction that had begun
ends whole. Then its sessions are ended, which the database's refusal does not wait for.
"""

from contextlib import AbstractAsyncContextManager

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, OperatorTransaction
from passerelle.kernel.events import emit
from passerelle.kernel.settings import Settings
from tenants.access.sessions import Sessions
from tenants.model import Tenant
from tenants.organisations import store
from tenants.organisations.model import Organisation, StandingChanged, Tombstone, check_reason
from tenants.organisations.problems import ConfirmationWrong, ErasureBegun, StandingUnchanged
from tenants.service import UnknownTenant
from tenants.store import tenant_by_slug

DAY_S = 24 * 3600


async def shown(database: Database, slug: str) -> Organisation | Tombstone:
    """The organisation, or what stays of an erased one. Raises UnknownTenant."""
    found = await store.organisation(database.operator_lookup, slug)
    kept = None if found else await store.tombstone(database.operator_lookup, slug)
    if found is None and kept is None:
        raise UnknownTenant(slug)
    return found or kept  # type: ignore[return-value]


async def suspend(
    database: Database, sessions: Sessions, slug: str, reason: str, actor: Actor
) -> None:
    """Closes every way in until it is lifted. Raises UnknownTenant, Invalid, StandingUnchanged."""
    reason = check_reason(reason)
    tenant = await _tenant(database, slug)
    async with _bound(database, tenant, actor) as tx:
        if not await store.suspend(tx, reason):
            raise StandingUnchanged()
        await _record(tx, slug, "tenant.suspended", reason)
    await sessions.close_of_tenant(tenant.id)


async def lift(database: Database, slug: str, reason: str, actor: Actor) -> None:
    """Opens it again; what waited goes on. Raises UnknownTenant, Invalid, StandingUnchanged."""
    reason = check_reason(reason)
    tenant = await _tenant(database, slug)
    async with _bound(database, tenant, actor) as tx:
        if not await store.lift(tx):
            raise StandingUnchanged()
        await _record(tx, slug, "tenant.lifted", reason)


async def delete(
    database: Database,
    sessions: Sessions,
    settings: Settings,
    slug: str,
    *,
    confirmation: str,
    reason: str,
    actor: Actor,
    grace_days: int | None = None,
) -> None:
    """Closes it at once, and lets the worker erase all of it when the grace is over.

    Raises UnknownTenant, ConfirmationWrong, Invalid, StandingUnchanged.
    """
    reason = check_reason(reason)
    tenant = await _tenant(database, slug)
    if confirmation != slug:
        raise ConfirmationWrong(errors={"confirmation": ConfirmationWrong.mend})
    days = settings.deletion_grace_days if grace_days is None else grace_days
    async with _bound(database, tenant, actor) as tx:
        if not await store.delete(tx, reason, days * DAY_S):
            raise StandingUnchanged()
        await _record(tx, slug, "tenant.deletion_asked", reason)
    await sessions.close_of_tenant(tenant.id)


async def restore(database: Database, slug: str, reason: str, actor: Actor) -> None:
    """Undoes a deletion in its grace. Raises UnknownTenant, StandingUnchanged, ErasureBegun."""
    reason = check_reason(reason)
    tenant = await _tenant(database, slug)
    async with _bound(database, tenant, actor) as tx:
        if not await store.restore(tx):
            erased = await store.tombstone(tx, slug)
            raise ErasureBegun() if erased else StandingUnchanged()
        await _record(tx, slug, "tenant.restored", reason)


async def _tenant(database: Database, slug: str) -> Tenant:
    found = await tenant_by_slug(database.lookup, slug)
    if found is None:
        raise UnknownTenant(slug)
    return found


def _bound(
    database: Database, tenant: Tenant, actor: Actor
) -> AbstractAsyncContextManager[OperatorTransaction]:
    bound = msgspec.structs.replace(actor, tenant_id=tenant.id)
    return database.operator(tenant.id, bound)


async def _record(tx: OperatorTransaction, slug: str, name: str, reason: str) -> None:
    now = await store.organisation(tx, slug)
    assert now is not None  # noqa: S101  changed just above
    changed = msgspec.convert(
        {"status": now.status, "erase_after": now.erase_after}, StandingChanged
    )
    await emit(tx, name, changed, subject=tx.tenant_id, reason=reason)
