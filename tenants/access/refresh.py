"""A session whose organisation changed roles or standing reads its member anew."""

import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound, TenantSuspended
from tenants import store
from tenants.access.grants import access_of
from tenants.access.session_model import Found
from tenants.access.sessions import Sessions

TASK = "access.refresh"


async def refreshed(database: Database, sessions: Sessions, found: Found) -> Actor | None:
    """The actor as their roles now stand; None, and no session, for who may not come in any more.

    A look at the product as someone else ends. In a suspended organisation nothing is read: the
    database refuses whatever the session then asks for.
    """
    actor = found.record.actor
    tenant_id, person_id, session_id = actor.tenant_id, actor.person_id, actor.session_id
    if tenant_id is None or person_id is None or session_id is None:
        return actor
    read = database.tenant_reader(tenant_id, actors.system(TASK, tenant_id))
    try:
        member = await store.member(read, person_id)
    except (TenantSuspended, NotFound):
        return actor
    if member is None or member.status != "active":
        await sessions.close(session_id)
        return None
    access = access_of(member.grants)
    now = msgspec.structs.replace(
        actor,
        permissions=access.permissions,
        units=access.units,
        display_name=member.display_name,
    )
    record = msgspec.structs.replace(found.record, actor=now, epoch=found.epoch, viewing=None)
    await sessions.keep(session_id, record)
    return now
