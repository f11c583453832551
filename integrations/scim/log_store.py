"""The SQL of the log of provisioning."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from integrations.scim.model import Caller, LogRow
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.identifiers import new_id


class Entry(msgspec.Struct, frozen=True):
    """What was asked of whom, and what came of it; `name` '' is looked up."""

    action: str
    kind: str
    resource_id: str | None
    name: str
    person_id: UUID | None
    status: int
    detail: str


INSERT_LOG = """
insert into scim_log (tenant_id, id, client_id, client_name, action, kind, resource_id, name,
  person_id, status, detail)
select $1, $2, $3, $4, $5, $6, $7, coalesce(nullif($8, ''), known.name, ''),
  coalesce($9, known.person_id), $10, $11
from (values (1)) as once
left join scim_resource as known on known.tenant_id = $1 and known.id = $12
"""


async def note(tx: TenantTransaction, caller: Caller, entries: Sequence[Entry]) -> None:
    rows = [
        (
            *(tx.tenant_id, new_id(), caller.client_id, caller.name),
            *(one.action, one.kind, one.resource_id, one.name, one.person_id),
            *(one.status, one.detail, None if one.name else _identifier(one.resource_id)),
        )
        for one in entries
    ]
    if len(rows) == 1:
        await tx.execute(INSERT_LOG, *rows[0])
    else:
        await tx.execute_many(INSERT_LOG, rows)


def _identifier(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


class LogFilter(msgspec.Struct, frozen=True):
    """Nothing given asks for everything; `name` is how a userName or a group's name begins."""

    client_id: UUID | None = None
    action: str | None = None
    well: bool | None = None
    name: str | None = None


LOGGED = """
select id, client_id, client_name, asked_at, action, kind, resource_id, name, person_id, status,
  detail
from scim_log
where tenant_id = $1
  and ($2::uuid is null or client_id = $2)
  and ($3::text is null or action = $3)
  and ($4::boolean is null or (status < 400) = $4)
  and ($5::text is null or starts_with(lower(name), lower($5)))
  and ($6::uuid is null or id < $6)
order by id desc limit $7
"""


async def logged(
    read: TenantRead, wanted: LogFilter, before: UUID | None, limit: int
) -> list[LogRow]:
    """Newest first, before the one with this id."""
    return await read.fetch(
        LogRow,
        LOGGED,
        read.tenant_id,
        wanted.client_id,
        wanted.action,
        wanted.well,
        wanted.name,
        before,
        limit,
    )
