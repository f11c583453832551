"""The SQL of usage: counted from events, each count with a digest of the events that prove it."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import Lookup, TenantRead, TenantTransaction
from tenants.plans.statement import Counted, DayCount, Line, Proof


class Closed(msgspec.Struct, frozen=True):
    lines: list[Line]
    closed_at: datetime


# SHA-256 of the identifiers, in order: the same events, and no others, give the same digest.
DIGEST = "encode(sha256(convert_to(coalesce(string_agg(event.id::text, ',' order by event.id), ''), 'UTF8')), 'hex')"  # noqa: E501

COUNTS = f"""
select event.name, count(*) as events,
  coalesce(sum((event.payload ->> 'duration_s')::float8), 0) as seconds, {DIGEST} as digest
from tenant_event as event
where event.tenant_id = $1 and event.occurred_at >= $2 and event.occurred_at < $3
  and event.name = any ($4::text[])
group by event.name
"""  # noqa: S608  constants


async def counts(
    read: TenantRead, since: datetime, until: datetime, names: list[str]
) -> dict[str, Counted]:
    """By the events' name; a name without events is not there."""
    found = await read.fetch(Counted, COUNTS, read.tenant_id, since, until, names)
    return {row.name: row for row in found}


ACTIVE = f"""
select 'active' as name, count(*) as events,
  count(distinct coalesce(event.person_id, event.actor_person_id))::float8 as seconds,
  {DIGEST} as digest
from tenant_event as event
where event.tenant_id = $1 and event.occurred_at >= $2 and event.occurred_at < $3
  and event.name = any ($4::text[])
"""  # noqa: S608  constants


async def active_persons(
    read: TenantRead, since: datetime, until: datetime, names: list[str]
) -> Counted:
    """Different persons among these events; their number stands in `seconds`."""
    found = await read.fetch_one(Counted, ACTIVE, read.tenant_id, since, until, names)
    assert found is not None  # noqa: S101  an aggregate has one row
    return found


# In one pass over what was stored and removed: as an anti-join it was planned as a loop in a loop.
KEPT = """
(
  select event.*, bool_or(event.name = 'object.removed') over (partition by event.subject) as gone
  from tenant_event as event
  where event.tenant_id = $1 and event.name in ('object.stored', 'object.removed')
    and event.occurred_at < $2
) as event
where event.name = 'object.stored' and not event.gone
"""

STORED = f"""
select 'object.stored' as name, count(*) as events,
  coalesce(sum((event.payload ->> 'size_bytes')::float8), 0) as seconds, {DIGEST} as digest
from {KEPT}
"""  # noqa: S608  constants


async def stored(read: TenantRead, until: datetime) -> Counted:
    """What was kept at a moment: bytes, in `seconds`, of the objects stored and not yet removed."""
    found = await read.fetch_one(Counted, STORED, read.tenant_id, until)
    assert found is not None  # noqa: S101  an aggregate has one row
    return found


PROOF_COLUMNS = """
event.id, event.name, event.occurred_at, event.actor_name, event.person_id,
  (event.payload ->> 'duration_s')::float8 as duration_s,
  (event.payload ->> 'size_bytes')::float8 as size_bytes
"""

PROOF = f"""
select {PROOF_COLUMNS} from tenant_event as event
where event.tenant_id = $1 and event.occurred_at >= $2 and event.occurred_at < $3
  and event.name = any ($4::text[]) and ($5::uuid is null or event.id > $5)
order by event.id limit $6
"""  # noqa: S608  constants

KEPT_PROOF = f"""
select {PROOF_COLUMNS} from {KEPT} and ($3::uuid is null or event.id > $3)
order by event.id limit $4
"""  # noqa: S608  constants


async def proof(
    read: TenantRead,
    since: datetime,
    until: datetime,
    names: list[str],
    after: UUID | None,
    limit: int,
) -> list[Proof]:
    """The events themselves, in the order of their identifiers."""
    return await read.fetch(Proof, PROOF, read.tenant_id, since, until, names, after, limit)


async def kept_proof(
    read: TenantRead, until: datetime, after: UUID | None, limit: int
) -> list[Proof]:
    return await read.fetch(Proof, KEPT_PROOF, read.tenant_id, until, after, limit)


DAYS = """
select date_trunc('day', event.occurred_at, 'UTC') as day, event.name, count(*) as count
from tenant_event as event
where event.tenant_id = $1 and event.occurred_at >= $2 and event.occurred_at < $3
  and event.name = any ($4::text[])
group by 1, 2 order by 1, 2
"""


async def days(
    read: TenantRead, since: datetime, until: datetime, names: list[str]
) -> list[DayCount]:
    return await read.fetch(DayCount, DAYS, read.tenant_id, since, until, names)


CLOSED = "select lines, closed_at from usage_statement where tenant_id = $1 and month = $2"


async def closed(read: TenantRead, month: date) -> Closed | None:
    return await read.fetch_one(Closed, CLOSED, read.tenant_id, month)


INSERT_CLOSED = """
insert into usage_statement (tenant_id, month, lines) values ($1, $2, $3) on conflict do nothing
"""


async def close(tx: TenantTransaction, month: date, lines: list[Line]) -> bool:
    """False where it was closed already."""
    return await tx.execute(INSERT_CLOSED, tx.tenant_id, month, lines) == 1


BEGAN = "select created_at from tenant where id = $1"


async def began(read: TenantRead) -> datetime | None:
    """Since when there is this organisation."""
    found: datetime | None = await read.fetch_value(BEGAN, read.tenant_id)
    return found


class Due(msgspec.Struct, frozen=True):
    tenant_id: UUID
    month: date


DUE_LOOKUP = "select tenant_id, month from app.statements_due($1, $2)"


async def due(lookup: Lookup, over_at: datetime, most: int) -> list[Due]:
    """Months that were over at a moment and are not closed yet, oldest first."""
    return await lookup.fetch(Due, DUE_LOOKUP, over_at, most)
