"""What was refused, written down: for the officer in the log, for the audit record as an event.

A refusal that repeats itself stands there once an hour.
"""

import hashlib
from typing import Any, Final, Literal

from litestar import Request
from litestar.datastructures import State
from redis.asyncio import Redis
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from integrations.scim import clients
from integrations.scim.log_store import Entry, note
from integrations.scim.model import Caller, TokenRefused
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound, TenantSuspended
from passerelle.kernel.events import emit
from tenants.access.rate_limits import network_of
from tenants.service import tenant_by_slug

REPEAT_PAUSE_S: Final = 3600
DETAIL_LIMIT_CHARACTERS: Final = 1_000
ACTIONS: Final = {"POST": "create", "PUT": "change", "PATCH": "change", "DELETE": "delete"}


async def note_refusals(
    database: Database,
    valkey: Redis,
    caller: Caller,
    asked: ScimRequest,
    said: Any,
    answer: ScimResponse,
) -> None:
    """Each refusal of this request, in a transaction of its own."""
    entries = [
        entry for entry in _refusals(asked, said, answer) if await _is_new(valkey, caller, entry)
    ]
    if not entries:
        return
    try:
        async with database.tenant(caller.tenant_id, clients.actor_of(caller)) as tx:
            await note(tx, caller, entries)
    except (TenantSuspended, NotFound):
        # Nothing is written in an organisation that is suspended or gone.
        return


def _refusals(asked: ScimRequest, said: Any, answer: ScimResponse) -> list[Entry]:
    body = answer.body or {}
    if int(answer.status) >= 400:
        # A client asks whether something is there, and is told that it isn't: no refusal.
        if asked.method == "GET" and int(answer.status) == 404:
            return []
        return [_entry(asked.method, asked.path, said, int(answer.status), body)]
    operations = body.get("Operations")
    if not isinstance(operations, list) or asked.path.strip("/") != "Bulk":
        return []
    sent = said["Operations"]
    return [
        _entry(
            str(one.get("method")),
            str(sent[place].get("path", "")),
            sent[place].get("data"),
            int(one["status"]),
            one.get("response") or {},
        )
        for place, one in enumerate(operations)
        if int(one["status"]) >= 400
    ]


def _entry(method: str, path: str, data: Any, status: int, error: dict[str, Any]) -> Entry:
    kind, _, resource_id = path.strip("/").partition("/")
    named = data if isinstance(data, dict) else {}
    name = named.get("userName") or named.get("displayName") or ""
    kinds = {"users": "User", "groups": "Group", "bulk": "Bulk"}
    return Entry(
        ACTIONS.get(method, "read"),
        kinds.get(kind.lower(), "-"),
        resource_id[:254].replace("\0", "") or None,
        str(name)[:254].replace("\0", ""),
        None,
        status,
        str(error.get("detail", ""))[:DETAIL_LIMIT_CHARACTERS].replace("\0", ""),
    )


async def _is_new(valkey: Redis, caller: Caller, entry: Entry) -> bool:
    words = "\0".join(map(str, (entry.action, entry.resource_id, entry.name, entry.detail)))
    digest = hashlib.sha256(words.encode()).hexdigest()[:32]
    key = f"scim:refused:{caller.client_id}:{digest}"
    return bool(await valkey.set(key, b"1", ex=REPEAT_PAUSE_S, nx=True))


async def note_stranger(
    database: Database,
    valkey: Redis,
    request: Request[None, None, State],
    slug: str,
    reason: Literal["missing", "unknown"],
) -> None:
    """A token that counts for nothing, in the organisation's audit record."""
    address = network_of(request.client.host if request.client else "")
    key = f"scim:stranger:{slug}:{address}:{reason}"
    if not await valkey.set(key, b"1", ex=REPEAT_PAUSE_S, nx=True):
        return
    try:
        tenant = await tenant_by_slug(database, slug)
        task = actors.system("scim", tenant.id)
        async with database.tenant(tenant.id, task) as tx:
            await emit(tx, "scim.refused", TokenRefused(reason))
    except (TenantSuspended, NotFound):
        return
