"""The SQL of the chain. Links are written by the keeper alone (role audit_keeper)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction
from tenants.audit.chain import GENESIS, Head, Link

#: Where a head may be written down.
Place = Literal["directory", "operator_mailbox", "mailbox"]

#: The event's whole row but for the relay's mark, as jsonb's own text: keys in jsonb's order
#: (length, then bytes), one space after each comma and colon, numbers with all their digits.
BODY = """
jsonb_build_object(
  'tenant_id', event.tenant_id, 'id', event.id, 'name', event.name, 'payload', event.payload,
  'subject', event.subject, 'person_id', event.person_id, 'actor_kind', event.actor_kind,
  'actor_person_id', event.actor_person_id, 'actor_name', event.actor_name,
  'before', event.before, 'reason', event.reason, 'request_id', event.request_id,
  'origin', event.origin, 'source_address', event.source_address,
  'occurred_at', to_char(event.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
)::text
"""

KEEPER_BEGIN = """
insert into audit_head (tenant_id, position, hash, chained_at) values ($1, 0, $2, now())
on conflict (tenant_id) do nothing
"""
KEEPER_HOLD = """
select position, hash, chained_at from audit_head where tenant_id = $1 for update skip locked
"""


async def hold(keeper: TenantTransaction) -> Head | None:
    """The head, held until the transaction's end; None while another process holds it."""
    await keeper.execute(KEEPER_BEGIN, keeper.tenant_id, GENESIS)
    return await keeper.fetch_one(Head, KEEPER_HOLD, keeper.tenant_id)


HEAD = "select position, hash, chained_at from audit_head where tenant_id = $1"


async def head(read: TenantRead) -> Head | None:
    """The head as it stands now; None where nothing was ever chained."""
    return await read.fetch_one(Head, HEAD, read.tenant_id)


class Waiting(msgspec.Struct, frozen=True):
    """What is to be chained. `linked`: an import brought its link; no `body`: its row is gone."""

    event_id: UUID
    linked: bool
    body: str | None
    now: datetime


# First so many, then each one's rows by their keys: a join may be planned over all that wait.
KEEPER_WAITING = f"""
select pending.event_id, coalesce(link.there, false) as linked, now() as now,
  case when event.id is not null then {BODY} end as body
from (
  select event_id from audit_pending where tenant_id = $1 order by event_id limit $2
) as pending
left join lateral (
  select * from tenant_event where tenant_id = $1 and id = pending.event_id limit 1
) as event on true
left join lateral (
  select true as there from audit_link
  where tenant_id = $1 and event_id = pending.event_id limit 1
) as link on true
order by pending.event_id
"""  # noqa: S608  constants


async def waiting(keeper: TenantTransaction, limit: int) -> list[Waiting]:
    """The first that wait, in the order of their ids."""
    return await keeper.fetch(Waiting, KEEPER_WAITING, keeper.tenant_id, limit)


KEEPER_APPEND = """
insert into audit_link
  (tenant_id, position, event_id, chained_at, previous_hash, body_hash, hash)
select $1, * from unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::bytea[], $6::bytea[],
  $7::bytea[])
"""
KEEPER_MOVE_HEAD = """
update audit_head set position = $2, hash = $3, chained_at = $4 where tenant_id = $1
"""
KEEPER_DONE = "delete from audit_pending where tenant_id = $1 and event_id = any($2::uuid[])"


async def append(keeper: TenantTransaction, links: Sequence[Link]) -> None:
    """Adds links, which follow the held head, and moves it."""
    if not links:
        return
    await keeper.execute(
        KEEPER_APPEND,
        keeper.tenant_id,
        [link.position for link in links],
        [link.event_id for link in links],
        [link.chained_at for link in links],
        [link.previous_hash for link in links],
        [link.body_hash for link in links],
        [link.hash for link in links],
    )
    last = links[-1]
    await keeper.execute(
        KEEPER_MOVE_HEAD, keeper.tenant_id, last.position, last.hash, last.chained_at
    )


async def done_waiting(keeper: TenantTransaction, event_ids: Sequence[UUID]) -> None:
    await keeper.execute(KEEPER_DONE, keeper.tenant_id, list(event_ids))


class Verified(Link, frozen=True, kw_only=True):
    """A link, and its event's row as it stands now; None where the row is gone."""

    body: str | None


LINKS_WITH_EVENTS = f"""
select link.position, link.event_id, link.chained_at, link.previous_hash, link.body_hash, link.hash,
  case when event.id is not null then {BODY} end as body
from (
  select * from audit_link where tenant_id = $1 and position > $2 order by position limit $3
) as link
left join lateral (
  select * from tenant_event where tenant_id = $1 and id = link.event_id limit 1
) as event on true
order by link.position
"""  # noqa: S608  constants


async def links_after(read: TenantRead, position: int, limit: int) -> list[Verified]:
    return await read.fetch(Verified, LINKS_WITH_EVENTS, read.tenant_id, position, limit)


class End(msgspec.Struct, frozen=True):
    """Where the chain ends, in one snapshot: its last link, its head, what waits."""

    last_position: int
    head_position: int | None
    head_hash: bytes | None
    chained_at: datetime | None
    waiting: int


END = """
select
  coalesce((select max(position) from audit_link where tenant_id = $1), 0) as last_position,
  (select position from audit_head where tenant_id = $1) as head_position,
  (select hash from audit_head where tenant_id = $1) as head_hash,
  (select chained_at from audit_head where tenant_id = $1) as chained_at,
  (select count(*) from audit_pending where tenant_id = $1) as waiting
"""


async def end(read: TenantRead) -> End:
    found = await read.fetch_one(End, END, read.tenant_id)
    assert found is not None  # noqa: S101  one row, always
    return found


# As a difference of sets: right after a burst, before the statistics know of it, "not exists" was
# planned as a loop within a loop, which took a minute for 20,000 events.
UNCHAINED_EVENT = """
select id from tenant_event where tenant_id = $1
except (
  select event_id from audit_link where tenant_id = $1
  union all select event_id from audit_pending where tenant_id = $1
)
order by 1 limit 1
"""


async def unchained_event(read: TenantRead) -> UUID | None:
    """An event that is neither in the chain nor waiting for it."""
    found: UUID | None = await read.fetch_value(UNCHAINED_EVENT, read.tenant_id)
    return found


WAITING_WITHOUT_EVENT = """
select event_id from audit_pending where tenant_id = $1
except select id from tenant_event where tenant_id = $1
order by 1 limit 1
"""


async def waiting_without_event(read: TenantRead) -> UUID | None:
    """An event that waited for the chain and is gone."""
    found: UUID | None = await read.fetch_value(WAITING_WITHOUT_EVENT, read.tenant_id)
    return found


LINK_AFTER_HASH = """
select position from audit_link where tenant_id = $1 and previous_hash = $2
order by position limit 1
"""
LINK_OF_BODY = """
select position from audit_link where tenant_id = $1 and body_hash = $2 order by position limit 1
"""


async def link_after_hash(read: TenantRead, digest: bytes) -> int | None:
    """Where the link stands that follows the one with this hash. Reads the whole chain."""
    found: int | None = await read.fetch_value(LINK_AFTER_HASH, read.tenant_id, digest)
    return found


async def link_of_body(read: TenantRead, digest: bytes) -> int | None:
    """Where the link stands that was made of this event. Reads the whole chain."""
    found: int | None = await read.fetch_value(LINK_OF_BODY, read.tenant_id, digest)
    return found


KEEPER_ANCHORED = """
insert into audit_anchor (tenant_id, place, position, hash, anchored_at)
values ($1, $2, $3, $4, $5) on conflict do nothing
"""


async def record_anchor(
    keeper: TenantTransaction, place: Place, written: Head, now: datetime
) -> None:
    """Remembers that this head stands in `place` now."""
    await keeper.execute(
        KEEPER_ANCHORED, keeper.tenant_id, place, written.position, written.hash, now
    )


class WrittenDown(msgspec.Struct, frozen=True):
    place: Place
    position: int
    anchored_at: datetime


LAST_ANCHORS = """
select distinct on (place) place, position, anchored_at from audit_anchor
where tenant_id = $1 order by place, position desc
"""


async def last_anchors(read: TenantRead) -> list[WrittenDown]:
    """The last head that each place got."""
    return await read.fetch(WrittenDown, LAST_ANCHORS, read.tenant_id)


class Body(msgspec.Struct, frozen=True):
    event_id: UUID
    body: str


BODIES = f"""
select event.id as event_id, {BODY} as body from tenant_event as event
where event.tenant_id = $1 and event.id = any($2::uuid[])
"""  # noqa: S608  constants


async def bodies(read: TenantRead, event_ids: Sequence[UUID]) -> list[Body]:
    """The rows of these events as text, as they stand now."""
    return await read.fetch(Body, BODIES, read.tenant_id, list(event_ids))


class _Payload(msgspec.Struct):
    payload: Any


REDACTIONS = """
select payload from tenant_event where tenant_id = $1 and name = 'events.redacted'
order by occurred_at, id
"""


async def redactions(read: TenantRead) -> list[Any]:
    """What every erasure said that it left of events: tenants.audit.redaction."""
    return [row.payload for row in await read.fetch(_Payload, REDACTIONS, read.tenant_id)]
