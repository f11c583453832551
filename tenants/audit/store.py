"""The SQL of reading the record: entries by time, both ways, and the chain for an export.

A statement is put together from constants alone, one condition for each filter that is set: the
planner sees no "or it is null", and takes the index that serves.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead
from tenants.audit.chain_store import BODY, Verified
from tenants.audit.model import Cursor, DayCount, Entry, Filter

CONDITIONS = {
    "name": "event.name = {}",
    "who": "event.actor_person_id = {}",
    "subject": "event.subject = {}",
    "since": "event.occurred_at >= {}",
    "until": "event.occurred_at < {}",
    "as_of": "event.occurred_at <= {}",
    # What someone looked for in the record is no word of the record.
    "text": (
        "strpos(lower(event.actor_name || ' ' || coalesce(event.reason, '') || ' ' ||"
        " case when event.name in ('audit.read', 'audit.exported') then ''"
        " else event.payload::text end), lower({})) > 0"
    ),
}


def entries_sql(where: str, order: str, limit: str, with_body: bool = False) -> str:
    body = BODY if with_body else "null::text"
    return f"""
select event.id, event.name, event.actor_name, event.actor_kind, event.actor_person_id,
  event.subject, event.person_id, event.reason, event.before, event.payload, event.request_id,
  event.origin, event.source_address, event.occurred_at,
  link.position, link.chained_at, encode(link.previous_hash, 'hex') as previous_hash,
  encode(link.body_hash, 'hex') as body_hash, encode(link.hash, 'hex') as hash, {body} as body
from (
  select * from tenant_event as event
  where event.tenant_id = $1{where}
  order by event.occurred_at {order}, event.id {order} limit {limit}
) as event
left join audit_link as link on link.tenant_id = $1 and link.event_id = event.id
order by event.occurred_at desc, event.id desc
"""  # noqa: S608  constants


def conditions(wanted: Filter, first: int = 2) -> tuple[str, list[object]]:
    """`and …` for each filter that is set, its parameters numbered from `first`, and their values.

    Its texts are constants: no value is ever written into a statement.
    """
    written = ""
    values: list[object] = []
    for field, condition in CONDITIONS.items():
        value = getattr(wanted, field)
        if value is not None:
            written += "\n  and " + condition.format(f"${first + len(values)}")
            values.append(value)
    return written, values


def entries_statement(
    wanted: Filter,
    limit: int,
    before: Cursor | None = None,
    after: Cursor | None = None,
    with_body: bool = False,
) -> tuple[str, list[object]]:
    """The statement and its values from $2 on."""
    written, values = conditions(wanted)
    for cursor, sign in ((before, "<"), (after, ">")):
        if cursor is not None:
            number = len(values) + 2
            written += f"\n  and (event.occurred_at, event.id) {sign} (${number}, ${number + 1})"
            values += [cursor.occurred_at, cursor.id]
    order = "asc" if after is not None else "desc"
    return entries_sql(written, order, f"${len(values) + 2}", with_body), [*values, limit]


async def entries(
    read: TenantRead,
    wanted: Filter,
    limit: int,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    with_body: bool = False,
) -> list[Entry]:
    """Newest first: those next before a cursor (older), or next after one (newer)."""
    statement, values = entries_statement(wanted, limit, before, after, with_body)
    return await read.fetch(Entry, statement, read.tenant_id, *values)


def chained_sql(where: str) -> str:
    return f"""
select link.position, link.event_id, link.chained_at, link.previous_hash, link.body_hash, link.hash,
  {BODY} as body
from audit_link as link
join tenant_event as event on event.tenant_id = $1 and event.id = link.event_id
where link.tenant_id = $1 and link.position > $2 and link.position <= $3{where}
order by link.position limit $4
"""  # noqa: S608  constants


async def chained(
    read: TenantRead, wanted: Filter, after: int, last: int, limit: int
) -> list[Verified]:
    """Entries in the chain's order, after a position and up to another."""
    written, values = conditions(wanted, first=5)
    statement = chained_sql(written)
    return await read.fetch(Verified, statement, read.tenant_id, after, last, limit, *values)


def days_sql(where: str) -> str:
    return f"""
select date_trunc('day', event.occurred_at, 'UTC') as day, count(*) as count
from tenant_event as event
where event.tenant_id = $1{where}
group by 1 order by 1
"""  # noqa: S608  constants


async def days(read: TenantRead, wanted: Filter) -> list[DayCount]:
    """How many entries on each day that has some, oldest first. Give `since` a bound."""
    written, values = conditions(wanted)
    return await read.fetch(DayCount, days_sql(written), read.tenant_id, *values)


class _Name(msgspec.Struct):
    name: str


# Jumps from name to name in the index: a plain `distinct` would read every event.
EVENT_NAMES = """
with recursive known as (
  (select event.name from tenant_event as event where event.tenant_id = $1
   order by event.name limit 1)
  union all
  select (select event.name from tenant_event as event
          where event.tenant_id = $1 and event.name > known.name order by event.name limit 1)
  from known where known.name is not null
)
select name from known where name is not null limit 500
"""


async def event_names(read: TenantRead) -> list[str]:
    return [row.name for row in await read.fetch(_Name, EVENT_NAMES, read.tenant_id)]


NAME_OF_ACTOR = """
select event.actor_name as name from tenant_event as event
where event.tenant_id = $1 and event.actor_person_id = $2
order by event.occurred_at desc, event.id desc limit 1
"""


async def name_of_actor(read: TenantRead, person_id: UUID) -> str | None:
    """As they were called when they last did something on record."""
    found: str | None = await read.fetch_value(NAME_OF_ACTOR, read.tenant_id, person_id)
    return found


def bounded(wanted: Filter, since: datetime) -> Filter:
    """The same filter, from `since` on at the earliest."""
    earliest = since if wanted.since is None else max(since, wanted.since)
    return msgspec.structs.replace(wanted, since=earliest)
