"""The SQL of tenants and members."""

from uuid import UUID

from passerelle.kernel.database import Lookup, TenantRead, TenantTransaction
from tenants.model import ListedTenant, Member, Tenant
from tenants.organisations.model import SLUG

TENANT_BY_SLUG_LOOKUP = """
select id, slug, name, default_locale, status from app.tenant_by_slug($1)
"""


async def tenant_by_slug(lookup: Lookup, slug: str) -> Tenant | None:
    """The organisation with this address, whatever its standing.

    What can be no address isn't asked for: PostgreSQL takes no NUL, for one.
    """
    if not SLUG.fullmatch(slug):
        return None
    return await lookup.fetch_one(Tenant, TENANT_BY_SLUG_LOOKUP, slug)


TENANT_BY_ID_LOOKUP = "select id, slug, name, default_locale from app.tenant_by_id($1)"


async def tenant_by_id(lookup: Lookup, tenant_id: UUID) -> Tenant | None:
    return await lookup.fetch_one(Tenant, TENANT_BY_ID_LOOKUP, tenant_id)


TENANT_DIRECTORY_LOOKUP = "select id, slug, name from app.tenant_directory()"


async def tenant_directory(lookup: Lookup) -> list[ListedTenant]:
    """Organisations that asked to be listed, by slug."""
    return await lookup.fetch(ListedTenant, TENANT_DIRECTORY_LOOKUP)


UPSERT_MEMBER = """
insert into member (tenant_id, person_id, display_name, email, locale) values ($1, $2, $3, $4, $5)
on conflict (tenant_id, person_id) do update
  set display_name = excluded.display_name, email = excluded.email, locale = excluded.locale
  where (member.display_name, member.email, member.locale)
    is distinct from (excluded.display_name, excluded.email, excluded.locale)
"""


async def upsert_member(
    tx: TenantTransaction, person_id: UUID, display_name: str, email: str | None, locale: str
) -> None:
    await tx.execute(UPSERT_MEMBER, tx.tenant_id, person_id, display_name, email, locale)


INSERT_ROLES = """
insert into member_role (tenant_id, person_id, role, granted_by)
select $1, $2, unnest($3::text[]), $4
on conflict do nothing
"""


async def insert_roles(tx: TenantTransaction, person_id: UUID, roles: list[str]) -> None:
    await tx.execute(INSERT_ROLES, tx.tenant_id, person_id, roles, tx.actor.display_name)


MEMBER = """
select person_id, display_name, email, locale, status, unit_id,
  (select coalesce(array_agg(distinct role order by role), '{}') from member_role
   where member_role.tenant_id = $1 and member_role.person_id = member.person_id) as roles,
  (select coalesce(jsonb_agg(jsonb_build_object(
     'role', held.role, 'unit_id', held.unit_id, 'permissions', own.permissions)), '[]')
   from member_role as held
   left join tenant_role as own
     on own.tenant_id = $1 and own.code = held.role and own.retired_at is null
   where held.tenant_id = $1 and held.person_id = member.person_id) as grants
from member where tenant_id = $1 and person_id = $2
"""


async def member(read: TenantRead, person_id: UUID) -> Member | None:
    return await read.fetch_one(Member, MEMBER, read.tenant_id, person_id)
