"""What a suspended organisation refuses its members goes on its record, though nothing is bound."""

from typing import Any

from litestar.types import Scope
from redis.asyncio import Redis

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import TenantSuspended
from passerelle.kernel.events import emit
from tenants.access.guard import AccessRefused, themselves

#: One member's repeated refusals stand in the record once an hour: each request would fill it.
REFUSAL_PAUSE_S = 3600


async def record_suspended(error: Exception, scope: Scope) -> None:
    """After an exception: of a member whose organisation is suspended, `access.refused`."""
    actor: Actor | None = scope.get("state", {}).get("actor")
    if not isinstance(error, TenantSuspended) or actor is None or actor.tenant_id is None:
        return
    state: Any = scope["litestar_app"].state
    valkey: Redis = state.valkey
    database: Database = state.database
    pause = f"access:refused:{actor.tenant_id}:{themselves(actor).person_id}"
    if not await valkey.set(pause, b"1", ex=REFUSAL_PAUSE_S, nx=True):
        return
    refused = AccessRefused(
        permission=str(scope["route_handler"].opt.get("permission")),
        method=str(scope.get("method")),
        path=scope["path"],
        problem=error.slug(),
    )
    async with database.tenant(actor.tenant_id, actor, standing=False) as tx:
        await emit(tx, "access.refused", refused, person_id=actor.person_id)
