"""The SQL of roles that an organisation made, and of who holds a role."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction
from tenants.members.model import Past
from tenants.members.role_model import ROLES_LIMIT, Holder, HolderCount, Role, RoleText

HOLDERS_ROWS = 50

ROLES_MADE = """
select id, code, name, purpose, permissions, copied_from, version, created_at,
  changed_at, retired_at
from tenant_role where tenant_id = $1 order by created_at limit $2
"""


async def roles(read: TenantRead) -> list[Role]:
    """Every role that the organisation made, the retired ones too."""
    return await read.fetch(Role, ROLES_MADE, read.tenant_id, ROLES_LIMIT)


async def living(read: TenantRead) -> list[Role]:
    return [role for role in await roles(read) if role.retired_at is None]


ROLE_FOR_CHANGE = """
select id, code, name, purpose, permissions, copied_from, version, created_at,
  changed_at, retired_at
from tenant_role where tenant_id = $1 and code = $2 for update
"""


async def role_for_change(tx: TenantTransaction, code: str) -> Role | None:
    return await tx.fetch_one(Role, ROLE_FOR_CHANGE, tx.tenant_id, code)


INSERT_ROLE = """
insert into tenant_role (tenant_id, id, code, name, purpose, permissions, copied_from)
select $1, $2, $3, $4, $5, $6, $7
where (select count(*) from tenant_role where tenant_id = $1) < $8
"""


async def insert_role(
    tx: TenantTransaction, role_id: UUID, code: str, text: RoleText, copied_from: str | None
) -> bool:
    """False where the organisation has as many as it may have."""
    return (
        await tx.execute(
            INSERT_ROLE,
            tx.tenant_id,
            role_id,
            code,
            text.name,
            text.purpose,
            text.permissions,
            copied_from,
            ROLES_LIMIT,
        )
        == 1
    )


UPDATE_ROLE = """
update tenant_role set name = $3, purpose = $4, permissions = $5, version = version + 1,
  changed_at = now()
where tenant_id = $1 and code = $2
"""


async def update_role(tx: TenantTransaction, code: str, text: RoleText) -> None:
    await tx.execute(UPDATE_ROLE, tx.tenant_id, code, text.name, text.purpose, text.permissions)


RETIRE_ROLE = """
update tenant_role set retired_at = case when $3 then now() end, version = version + 1,
  changed_at = now()
where tenant_id = $1 and code = $2
"""


async def retire_role(tx: TenantTransaction, code: str, retired: bool) -> None:
    await tx.execute(RETIRE_ROLE, tx.tenant_id, code, retired)


HOLDER_COUNTS = """
select role, count(distinct person_id) as holders from member_role
where tenant_id = $1 group by role limit 200
"""


async def holder_counts(read: TenantRead) -> dict[str, int]:
    rows = await read.fetch(HolderCount, HOLDER_COUNTS, read.tenant_id)
    return {row.role: row.holders for row in rows}


HOLDERS = """
select held.person_id, member.display_name, held.unit_id, held.granted_at, held.granted_by,
  member.status
from member_role as held
join member on (member.tenant_id, member.person_id) = (held.tenant_id, held.person_id)
where held.tenant_id = $1 and held.role = $2
  and ($3::uuid[] is null or member.unit_id = any($3))
order by held.granted_at, held.id limit $4
"""


async def holders(
    read: TenantRead, role: str, units: Sequence[UUID] | None, limit: int = HOLDERS_ROWS
) -> list[Holder]:
    """Who holds a role, among those in `units` (None: everywhere)."""
    within = None if units is None else list(units)
    return await read.fetch(Holder, HOLDERS, read.tenant_id, role, within, limit)


class HolderGrants(msgspec.Struct, frozen=True):
    """All that a holder of some role holds."""

    display_name: str
    roles: list[str]


# With each distinct set of roles that is held together with the role, one holder of it.
COMPANIONS = """
select min(display_name) as display_name, roles from (
  select member.display_name,
    (select array_agg(distinct other.role order by other.role) from member_role as other
     where other.tenant_id = $1 and other.person_id = held.person_id) as roles
  from member_role as held
  join member on (member.tenant_id, member.person_id) = (held.tenant_id, held.person_id)
  where held.tenant_id = $1 and held.role = $2
) as each_holder group by roles limit 1000
"""


async def companions(read: TenantRead, role: str) -> list[HolderGrants]:
    return await read.fetch(HolderGrants, COMPANIONS, read.tenant_id, role)


ROLE_HISTORY = """
select id, name, actor_name, actor_kind, reason, before, payload, occurred_at, origin
from tenant_event where tenant_id = $1 and subject = $2 order by id desc limit 100
"""


async def history(read: TenantRead, role_id: UUID) -> list[Past]:
    return await read.fetch(Past, ROLE_HISTORY, read.tenant_id, role_id)
