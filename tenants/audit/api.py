"""The audit record for programs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter
from redis.asyncio import Redis

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantReader
from tenants.audit import chain_store, service
from tenants.audit.model import Cursor, Filter, Page


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The chain's head: whoever keeps it can tell later that the record was cut or rewritten."""

    tenant_id: UUID
    position: int
    hash: str
    chained_at: datetime | None
    waiting: int


@get("/t/{slug:str}/api/audit", permission="audit.read", tags=["audit"])
async def audit_entries(
    read: TenantReader,
    database: Database,
    valkey: Redis,
    actor: Actor,
    name: str | None = None,
    text: str | None = None,
    who: Annotated[UUID | None, Parameter(description="the person who did it")] = None,
    subject: Annotated[UUID | None, Parameter(description="what it is about")] = None,
    since: datetime | None = None,
    until: Annotated[datetime | None, Parameter(description="the first moment too late")] = None,
    as_of: Annotated[datetime | None, Parameter(description="nothing that came later")] = None,
    before: Annotated[str | None, Parameter(description="`older` of another page")] = None,
    after: Annotated[str | None, Parameter(description="`newer` of another page")] = None,
    proof: Annotated[bool, Parameter(description="with `body`, the text that was hashed")] = False,
) -> Page:
    """What happened in this organisation, newest first, 50 entries a page; and their proofs."""
    wanted = Filter(
        name=name, text=text, who=who, subject=subject, since=since, until=until, as_of=as_of
    )
    if not before and not after:
        await service.note_reading(database, valkey, actor, wanted)
    return await service.page(
        read, wanted, Cursor.parse(before), Cursor.parse(after), with_body=proof
    )


@get("/t/{slug:str}/api/audit/head", permission="audit.read", tags=["audit"])
async def audit_head(read: TenantReader) -> Checkpoint:
    """The head of the chain as it stands now."""
    return await checkpoint(read)


async def checkpoint(read: TenantReader) -> Checkpoint:
    end = await chain_store.end(read)
    return Checkpoint(
        tenant_id=read.tenant_id,
        position=end.head_position or 0,
        hash=(end.head_hash or bytes(32)).hex(),
        chained_at=end.chained_at,
        waiting=end.waiting,
    )


handlers = [audit_entries, audit_head]
