"""A chain to tamper with, and a superuser who goes past every trigger and key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import ANY_TENANT, Database, TenantTransaction
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from tenants.audit import chain_store, chaining
from tenants.audit.chain import GENESIS, Head, linked


class Said(msgspec.Struct, frozen=True):
    """What these tests put on record."""

    text: str
    number: int


INSERT_TENANT = """
insert into tenant (id, slug, name, default_locale) values ($1, $2, $3, 'en')
"""


async def new_tenant(database: Database, slug: str) -> UUID:
    """An organisation with exactly one event on record, whatever else comes with a real one."""
    tenant_id = new_id()
    actor = actors.system("tests", tenant_id)
    async with database.tenant(tenant_id, actor, standing=False) as tx:
        await tx.execute(INSERT_TENANT, tenant_id, slug, Localised(slug, slug, slug))
        await emit(tx, "tests.said", Said("the first", 0), reason="the beginning")
    return tenant_id


async def put_on_record(database: Database, tenant_id: UUID, count: int) -> None:
    actor = actors.system("tests", tenant_id)
    for number in range(count):
        async with database.tenant(tenant_id, actor) as tx:
            await emit(
                tx,
                "tests.said",
                Said("مرحبا \u2028 <\"'\\> 😀", number),
                subject=new_id(),
                before=Said("before", number),
                reason=f"because {number}",
            )


async def chained_tenant(database: Database, slug: str, count: int) -> UUID:
    """An organisation with `count` events and its creation, all chained."""
    tenant_id = await new_tenant(database, slug)
    await put_on_record(database, tenant_id, count)
    await chaining.chain(database, tenant_id)
    return tenant_id


@asynccontextmanager
async def past_every_guard(superuser: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """Triggers and foreign keys don't fire: what an owner of the machine can do."""
    await superuser.execute("set session_replication_role = replica")
    try:
        yield superuser
    finally:
        await superuser.execute("set session_replication_role = origin")


async def recompute_from(
    database: Database, superuser: asyncpg.Connection, tenant_id: UUID, position: int
) -> None:
    """Rewrites the chain from `position` on, as one who knows the format would."""
    async with database.audit(tenant_id, actors.system("tests", tenant_id)) as read:
        entries = await chain_store.links_after(read, 0, 10_000)
    head = Head(0, GENESIS, entries[0].chained_at)
    for entry in entries:
        if entry.position < position:
            head = Head(entry.position, entry.hash, entry.chained_at)
            continue
        link = linked(tenant_id, head, entry.event_id, entry.body or "", entry.chained_at)
        head = Head(link.position, link.hash, link.chained_at)
        await superuser.execute(
            "update audit_link set previous_hash = $3, body_hash = $4, hash = $5"
            " where tenant_id = $1 and event_id = $2",
            tenant_id,
            entry.event_id,
            link.previous_hash,
            link.body_hash,
            link.hash,
        )
    await superuser.execute(
        "update audit_head set position = $2, hash = $3 where tenant_id = $1",
        tenant_id,
        head.position,
        head.hash,
    )


class AsSeenBy:
    """A database whose audit transaction is another's: it sees what that one hasn't committed."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def audit(self, tenant_id: UUID, actor: Actor) -> AsyncIterator[TenantTransaction]:
        yield TenantTransaction(self._connection, tenant_id, actor, ANY_TENANT)
