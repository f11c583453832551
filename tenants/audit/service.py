"""Reading the record, a page at a time; that it was read is on record too."""

from hashlib import sha256
from typing import Literal

import msgspec
from redis.asyncio import Redis

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantRead
from passerelle.kernel.events import emit
from tenants.access.guard import themselves
from tenants.audit import store
from tenants.audit.model import Cursor, Filter, Page

PAGE_ENTRIES = 50
#: The same person reading with the same filter is one reading for so long.
READING_S = 600

Form = Literal["page", "csv", "json_lines"]


class AuditRead(msgspec.Struct, frozen=True):
    """`audit.read`, `audit.exported`: what someone looked for in the record, and in which form."""

    form: Form
    filter: Filter


async def page(
    read: TenantRead,
    wanted: Filter,
    before: Cursor | None = None,
    after: Cursor | None = None,
    *,
    with_body: bool = False,
) -> Page:
    """The entries next before `before`, or next after `after`; else the newest."""
    found = await store.entries(
        read, wanted, PAGE_ENTRIES + 1, before=before, after=after, with_body=with_body
    )
    more = len(found) > PAGE_ENTRIES
    if after is not None:
        shown = found[-PAGE_ENTRIES:]
        older, newer = bool(shown), more
    else:
        shown = found[:PAGE_ENTRIES]
        older, newer = more, before is not None and bool(shown)
    return Page(
        shown,
        str(Cursor(shown[-1].occurred_at, shown[-1].id)) if older else None,
        str(Cursor(shown[0].occurred_at, shown[0].id)) if newer else None,
    )


async def note_reading(database: Database, valkey: Redis, actor: Actor, wanted: Filter) -> None:
    """Puts on record who looks at the record, in a transaction of its own."""
    actor = themselves(actor)
    assert actor.tenant_id is not None  # noqa: S101  the guard checked it
    looked = sha256(msgspec.json.encode(wanted)).hexdigest()[:16]
    key = f"audit:read:{actor.tenant_id}:{actor.person_id}:{looked}"
    if await valkey.set(key, b"1", ex=READING_S, nx=True):
        async with database.tenant(actor.tenant_id, actor) as tx:
            await emit(tx, "audit.read", AuditRead("page", wanted))


async def note_export(database: Database, actor: Actor, form: Form, wanted: Filter) -> None:
    """The same for a file that leaves: each time."""
    actor = themselves(actor)
    assert actor.tenant_id is not None  # noqa: S101  the guard checked it
    async with database.tenant(actor.tenant_id, actor) as tx:
        await emit(tx, "audit.exported", AuditRead(form, wanted))
