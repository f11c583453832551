"""The SQL of the audit record."""

from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead
from tenants.audit.model import Entry, Filter

# `before_id` pages by key: version 7 identifiers grow with time.
ENTRIES = """
select id, name, actor_name, actor_kind, subject, person_id, reason, before, payload, request_id,
  occurred_at
from tenant_event
where tenant_id = $1
  and ($2::text is null or name = $2)
  and ($3::uuid is null or subject = $3)
  and ($4::timestamptz is null or occurred_at <= $4)
  and ($5::uuid is null or id < $5)
  and ($6::text is null or strpos(lower(actor_name || ' ' || coalesce(reason, '')), lower($6)) > 0)
order by id desc limit $7
"""


async def entries(
    read: TenantRead, wanted: Filter, before_id: UUID | None, limit: int
) -> list[Entry]:
    return await read.fetch(
        Entry,
        ENTRIES,
        read.tenant_id,
        wanted.name,
        wanted.subject,
        wanted.as_of,
        before_id,
        wanted.text,
        limit,
    )


class _Name(msgspec.Struct):
    name: str


EVENT_NAMES = "select distinct name from tenant_event where tenant_id = $1 order by name limit 200"


async def event_names(read: TenantRead) -> list[str]:
    return [row.name for row in await read.fetch(_Name, EVENT_NAMES, read.tenant_id)]
