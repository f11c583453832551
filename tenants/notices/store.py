"""Whom to tell."""

from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead


class _Person(msgspec.Struct):
    person_id: UUID


# The newest invitation that this person accepted, and who sent it: the record knows.
INVITER = """
select event.actor_person_id as person_id
from invitation
join tenant_event as event on event.tenant_id = $1 and event.subject = invitation.id
  and event.name in ('member.invited', 'invitation.sent_again')
where invitation.tenant_id = $1 and invitation.accepted_by = $2
  and event.actor_person_id is not null
order by invitation.accepted_at desc, event.id desc limit 1
"""


async def inviter(read: TenantRead, person_id: UUID) -> UUID | None:
    """Who invited this member last; None where it was a program."""
    row = await read.fetch_one(_Person, INVITER, read.tenant_id, person_id)
    return row.person_id if row else None


ADMINISTRATORS = """
select distinct member_role.person_id
from member_role
join member on member.tenant_id = $1 and member.person_id = member_role.person_id
  and member.status = 'active'
left join tenant_role on tenant_role.tenant_id = $1 and tenant_role.code = member_role.role
  and tenant_role.retired_at is null
where member_role.tenant_id = $1
  and (member_role.role = any($2) or 'tenant.admin' = any(tenant_role.permissions))
order by member_role.person_id limit 1000
"""


async def administrators(read: TenantRead, roles: list[str]) -> list[UUID]:
    """Active members whose roles, ours or the tenant's own, administer it."""
    rows = await read.fetch(_Person, ADMINISTRATORS, read.tenant_id, roles)
    return [row.person_id for row in rows]
