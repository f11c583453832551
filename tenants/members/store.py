"""The SQL of changing members. Listing and searching stand in list_store."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction
from tenants.members.model import GrantOnRecord, Known, Past

HISTORY_ROWS = 50
#: What an "as of" is answered from: the events of one member.
STANDING_EVENTS_LIMIT = 1000

# Locked in one order, so that two changes of the same people wait for one another; and read only
# then: a statement that waited sees the roles as they were when it began.
LOCK_MEMBERS = """
select person_id from member where tenant_id = $1 and person_id = any($2::uuid[])
order by person_id for update
"""
MEMBERS_FOR_CHANGE = """
select person_id, display_name, status, unit_id,
  (select coalesce(jsonb_agg(jsonb_build_object('role', held.role, 'unit_id', held.unit_id)), '[]')
   from member_role as held
   where held.tenant_id = $1 and held.person_id = member.person_id) as roles
from member where tenant_id = $1 and person_id = any($2::uuid[])
order by person_id
"""


async def lock(tx: TenantTransaction, people: Sequence[UUID]) -> None:
    """Waits for who changes these people, and lets nobody else until the transaction ends."""
    await tx.execute(LOCK_MEMBERS, tx.tenant_id, list(people))


async def members_for_change(tx: TenantTransaction, people: Sequence[UUID]) -> list[Known]:
    """As they stand, and locked."""
    await lock(tx, people)
    return await tx.fetch(Known, MEMBERS_FOR_CHANGE, tx.tenant_id, list(people))


OWNERS_FOR_CHANGE = """
select member.person_id from member
where member.tenant_id = $1 and member.status = 'active' and exists (
  select from member_role as held where held.tenant_id = $1 and held.person_id = member.person_id
    and held.role = 'owner' and held.unit_id is null)
order by member.person_id for update
"""


class _Person(msgspec.Struct):
    person_id: UUID


async def owners_for_change(tx: TenantTransaction) -> set[UUID]:
    """Who acts as owner, held so that two owners can't both leave at once."""
    rows = await tx.fetch(_Person, OWNERS_FOR_CHANGE, tx.tenant_id)
    return {row.person_id for row in rows}


SET_STANDING = """
update member set status = new.status, unit_id = new.unit_id
from unnest($2::uuid[], $3::text[], $4::uuid[]) as new(person_id, status, unit_id)
where member.tenant_id = $1 and member.person_id = new.person_id
"""


async def set_standing(
    tx: TenantTransaction, rows: Sequence[tuple[UUID, str, UUID | None]]
) -> None:
    """Status and unit of each."""
    people, statuses, units = ([row[place] for row in rows] for place in range(3))
    await tx.execute(SET_STANDING, tx.tenant_id, people, statuses, units)


GIVE = """
insert into member_role (tenant_id, person_id, role, unit_id, granted_by)
select $1, new.person_id, new.role, new.unit_id, $5
from unnest($2::uuid[], $3::text[], $4::uuid[]) as new(person_id, role, unit_id)
on conflict do nothing
"""

TAKE = """
delete from member_role as held
using unnest($2::uuid[], $3::text[], $4::uuid[]) as gone(person_id, role, unit_id)
where held.tenant_id = $1 and held.person_id = gone.person_id and held.role = gone.role
  and held.unit_id is not distinct from gone.unit_id
"""

Grants = Sequence[tuple[UUID, str, UUID | None]]


async def give(tx: TenantTransaction, grants: Grants, by: str | None = None) -> None:
    """Given by the actor, or by whoever else is named."""
    people, roles, units = ([row[place] for row in grants] for place in range(3))
    await tx.execute(GIVE, tx.tenant_id, people, roles, units, by or tx.actor.display_name)


async def take(tx: TenantTransaction, grants: Grants) -> None:
    people, roles, units = ([row[place] for row in grants] for place in range(3))
    await tx.execute(TAKE, tx.tenant_id, people, roles, units)


GRANTS_OF_MEMBER = """
select role, unit_id, granted_at, granted_by from member_role
where tenant_id = $1 and person_id = $2 order by granted_at, role
"""


async def grants(read: TenantRead, person_id: UUID) -> list[GrantOnRecord]:
    return await read.fetch(GrantOnRecord, GRANTS_OF_MEMBER, read.tenant_id, person_id)


HISTORY = """
select id, name, actor_name, actor_kind, reason, before, payload, occurred_at, origin
from tenant_event
where tenant_id = $1 and person_id = $2 and ($3::uuid is null or id < $3)
  and ($4::text is null or name = $4)
order by id desc limit $5
"""


async def history(
    read: TenantRead, person_id: UUID, before: UUID | None, name: str | None
) -> list[Past]:
    """What is on record about a member (of one name), newest first; one more than a page shows."""
    return await read.fetch(
        Past, HISTORY, read.tenant_id, person_id, before, name, HISTORY_ROWS + 1
    )


# Newest first, so that what is cut off is what no "as of" of these years asks for.
STANDING_EVENTS = """
select id, name, actor_name, actor_kind, reason, before, payload, occurred_at, origin
from tenant_event
where tenant_id = $1 and person_id = $2 and name = any($3::text[])
  and ($4::timestamptz is null or occurred_at < $4)
order by id desc limit $5
"""


async def standing_events(
    read: TenantRead, person_id: UUID, names: Sequence[str], end: datetime | None
) -> list[Past]:
    """The events that changed a member's standing before `end`, newest first."""
    return await read.fetch(
        Past,
        STANDING_EVENTS,
        read.tenant_id,
        person_id,
        list(names),
        end,
        STANDING_EVENTS_LIMIT,
    )
