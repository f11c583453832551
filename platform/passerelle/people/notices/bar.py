"""How many notices are unread, for the bell in the bar: one read of Valkey a page.

The count is kept for a minute and forgotten when the person reads; the database is asked at most
once a minute for each person who is looking.
"""

from typing import Final
from uuid import UUID

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from redis.asyncio import Redis
from redis.exceptions import RedisError

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from passerelle.people.notices import store

KEPT_S: Final = 60
#: What `web.page` shows; absent where nobody is signed in, or a part of a page is asked for.
STATE: Final = "unread_notices"


class UnreadNotices(ASGIMiddleware):
    """Stands after the middleware that finds the actor."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        actor: Actor | None = scope["state"].get("actor")
        if actor is not None and actor.person_id is not None and _is_page(scope):
            state = scope["litestar_app"].state
            if scope["path"].endswith("/notices"):
                # Beside the list itself the count is always the true one.
                await forget(state.valkey, actor)
            scope["state"][STATE] = await unread(state.database, state.valkey, actor)
        await next_app(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    headers = Headers.from_scope(scope)
    return (
        scope["method"] == "GET"  # type: ignore[typeddict-item]
        and "text/html" in headers.get("accept", "")
        and "hx-request" not in headers
    )


async def unread(database: Database, valkey: Redis, actor: Actor) -> int:
    """The count, from Valkey or else the database; 0 where the tenant can't be asked now."""
    assert actor.person_id is not None  # noqa: S101  asked for persons alone
    key = key_of(actor.tenant_id, actor.person_id)
    try:
        kept = await valkey.get(key)
    except RedisError:
        return 0
    if kept is not None:
        return int(kept)
    read = (
        database.person_reader(actor.person_id, actor)
        if actor.tenant_id is None
        else database.tenant_reader(actor.tenant_id, actor)
    )
    try:
        count = await store.unread(read, actor.person_id)
    except Problem:
        # A suspended organisation: its pages say so themselves.
        return 0
    await valkey.set(key, count, ex=KEPT_S)
    return count


async def forget(valkey: Redis, actor: Actor) -> None:
    """The next page counts anew: to be called when the person has read something."""
    if actor.person_id is not None:
        await valkey.delete(key_of(actor.tenant_id, actor.person_id))


def key_of(tenant_id: UUID | None, person_id: UUID) -> str:
    return f"notices:unread:{tenant_id or 'own'}:{person_id}"
