"""The SQL of users and groups over SCIM."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from integrations.scim.model import Kind, Stored
from passerelle.kernel.database import TenantTransaction

COLUMNS = """r.id, r.kind, r.name, r.external_id, r.person_id, r.suspended, r.attributes,
  r.version, r.created_at, r.changed_at"""
# A user's groups; a group's members; neither where nobody asks.
USER_LINKS = """
(select coalesce(jsonb_agg(jsonb_build_object('value', other.id, 'display', other.name)
   order by other.name_key, other.id), '[]')
 from scim_group_member as held join scim_resource as other
   on other.tenant_id = $1 and other.id = held.group_id
 where held.tenant_id = $1 and held.user_id = r.id) as links"""
GROUP_LINKS = """
(select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
   'value', held.user_id, 'display', held.display)) order by held.user_id), '[]')
 from scim_group_member as held
 where held.tenant_id = $1 and held.group_id = r.id) as links"""
NO_LINKS = "'[]'::jsonb as links"


def _one(links: str) -> str:
    return (
        f"select {COLUMNS}, {links} from scim_resource as r"  # noqa: S608
        f" where r.tenant_id = $1 and r.id = $2"
    )


USER = _one(USER_LINKS) + " and r.kind = 'User'"
GROUP = _one(GROUP_LINKS) + " and r.kind = 'Group'"
GROUP_ALONE = _one(NO_LINKS) + " and r.kind = 'Group'"
LOCKED = " for update of r"


async def resource(
    tx: TenantTransaction, kind: Kind, resource_id: UUID, *, lock: bool, links: bool = True
) -> Stored | None:
    """One user or group; with `lock`, nobody else changes it until the transaction ends."""
    sql = USER if kind == "User" else GROUP if links else GROUP_ALONE
    return await tx.fetch_one(Stored, sql + (LOCKED if lock else ""), tx.tenant_id, resource_id)


INSERT_RESOURCE = """
insert into scim_resource (tenant_id, id, kind, name, name_key, external_id, person_id, client_id,
  suspended, attributes, folded)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
returning version, created_at, changed_at
"""


class Stamp(msgspec.Struct, frozen=True):
    version: int
    created_at: datetime
    changed_at: datetime


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a resource, and the same as it is compared."""

    name: str
    name_key: str
    external_id: str | None
    attributes: dict[str, Any]
    folded: dict[str, Any]


async def insert(
    tx: TenantTransaction,
    resource_id: UUID,
    kind: Kind,
    content: Content,
    *,
    person_id: UUID | None,
    client_id: UUID,
    suspended: bool,
) -> Stamp:
    """Raises asyncpg.UniqueViolationError where a userName is taken."""
    stamp = await tx.fetch_one(
        Stamp,
        INSERT_RESOURCE,
        tx.tenant_id,
        resource_id,
        kind,
        content.name,
        content.name_key,
        content.external_id,
        person_id,
        client_id,
        suspended,
        content.attributes,
        content.folded,
    )
    assert stamp is not None  # noqa: S101  an insert returns its row
    return stamp


UPDATE_RESOURCE = """
update scim_resource set name = $3, name_key = $4, external_id = $5, attributes = $6, folded = $7,
  suspended = $8, version = version + 1, changed_at = clock_timestamp()
where tenant_id = $1 and id = $2
returning version, created_at, changed_at
"""


async def update(
    tx: TenantTransaction, resource_id: UUID, content: Content, *, suspended: bool
) -> Stamp:
    stamp = await tx.fetch_one(
        Stamp,
        UPDATE_RESOURCE,
        tx.tenant_id,
        resource_id,
        content.name,
        content.name_key,
        content.external_id,
        content.attributes,
        content.folded,
        suspended,
    )
    assert stamp is not None  # noqa: S101  the row is held
    return stamp


DELETE_RESOURCE = "delete from scim_resource where tenant_id = $1 and id = $2"


async def delete(tx: TenantTransaction, resource_id: UUID) -> None:
    await tx.execute(DELETE_RESOURCE, tx.tenant_id, resource_id)


class Person(msgspec.Struct, frozen=True):
    id: UUID
    person_id: UUID


JOIN_GROUP = """
with joined as (
  insert into scim_group_member (tenant_id, group_id, user_id, display)
  select $1, $2, r.id, named.display
  from unnest($3::uuid[], $4::text[]) as named(id, display)
  join scim_resource as r on r.tenant_id = $1 and r.kind = 'User' and r.id = named.id
  on conflict do nothing returning user_id
)
select r.id, r.person_id from scim_resource as r
where r.tenant_id = $1 and r.id = any($3::uuid[]) and r.kind = 'User'
"""


async def join(
    tx: TenantTransaction, group_id: UUID, users: Mapping[UUID, str | None]
) -> list[Person]:
    """Puts these users into the group; returns those of them that there are."""
    ordered = sorted(users)
    displays = [users[one] for one in ordered]
    return await tx.fetch(Person, JOIN_GROUP, tx.tenant_id, group_id, ordered, displays)


LEAVE_GROUP = """
with gone as (
  delete from scim_group_member
  where tenant_id = $1 and group_id = $2 and user_id = any($3::uuid[]) returning user_id
)
select r.id, r.person_id from scim_resource as r join gone on gone.user_id = r.id
where r.tenant_id = $1
"""


async def leave(tx: TenantTransaction, group_id: UUID, users: Sequence[UUID]) -> list[Person]:
    return await tx.fetch(Person, LEAVE_GROUP, tx.tenant_id, group_id, list(users))


async def search(
    tx: TenantTransaction,
    conditions: str,
    order: str,
    arguments: Sequence[object],
    *,
    links: str,
    offset: int,
    limit: int | None,
) -> tuple[list[Stored], int]:
    """A page and how many there are; `conditions` and `order` come from the translations."""
    rows = await tx.fetch(
        Stored,
        f"select {COLUMNS}, {links} from scim_resource as r"  # noqa: S608
        f" where r.tenant_id = $1 and {conditions} {order}"
        f" offset {offset:d}" + (f" limit {limit:d}" if limit is not None else ""),
        tx.tenant_id,
        *arguments,
    )
    if len(rows) != limit and (rows or not offset):
        return rows, offset + len(rows)
    total = await tx.fetch_value(
        f"select count(*) from scim_resource as r where r.tenant_id = $1 and {conditions}",  # noqa: S608
        tx.tenant_id,
        *arguments,
    )
    return rows, int(total)


MANAGERS = """
select id, person_id from scim_resource
where tenant_id = $1 and kind = 'User' and id = any($2::uuid[])
"""


async def users(tx: TenantTransaction, wanted: Sequence[UUID]) -> set[UUID]:
    """Those of these that are users here."""
    rows = await tx.fetch(Person, MANAGERS, tx.tenant_id, list(wanted))
    return {row.id for row in rows}


# In the transaction that lets a membership pass from who was expected to who came.
FOLLOW_PERSON = "update scim_resource set person_id = $3 where tenant_id = $1 and person_id = $2"
