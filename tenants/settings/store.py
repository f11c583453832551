"""The SQL of settings' pages: which were ever set, and the changes of one."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead


class Changed(msgspec.Struct, frozen=True):
    """Who set a setting last, and when."""

    name: str
    version: int
    changed_at: datetime
    changed_by: str


CHANGED = """
select name, version, changed_at, changed_by from tenant_setting where tenant_id = $1
"""


async def changed(read: TenantRead) -> dict[str, Changed]:
    """By the setting's name; one that was never set is not there."""
    return {row.name: row for row in await read.fetch(Changed, CHANGED, read.tenant_id)}


class Change(msgspec.Struct, frozen=True):
    """One change: who, when, why, and the value before and after."""

    id: UUID
    occurred_at: datetime
    actor_name: str
    reason: str | None
    before: Any
    after: Any


COLUMNS = """
event.id, event.occurred_at, event.actor_name, event.reason,
  event.before -> 'value' as before, event.payload -> 'value' as after
"""

CHANGES = f"""
select {COLUMNS} from tenant_event as event
where event.tenant_id = $1 and event.name = 'setting.changed' and event.payload ->> 'name' = $2
  and ($3::timestamptz is null or (event.occurred_at, event.id) < ($3, $4))
order by event.occurred_at desc, event.id desc limit $5
"""  # noqa: S608  constants


async def changes(
    read: TenantRead, name: str, before: tuple[datetime, UUID] | None, limit: int
) -> list[Change]:
    """Newest first; `before` is the last one of the page so far."""
    at, event_id = before or (None, None)
    return await read.fetch(Change, CHANGES, read.tenant_id, name, at, event_id, limit)


CHANGE = f"""
select {COLUMNS} from tenant_event as event
where event.tenant_id = $1 and event.name = 'setting.changed' and event.payload ->> 'name' = $2
  and event.id = $3
"""  # noqa: S608  constants


async def change(read: TenantRead, name: str, event_id: UUID) -> Change | None:
    return await read.fetch_one(Change, CHANGE, read.tenant_id, name, event_id)
