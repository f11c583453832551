"""The SQL of organisations as wholes: making one, its standing, its end."""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import Lookup, TenantTransaction
from tenants.organisations.model import NewOrganisation, Organisation, Status, Tombstone

INSERT_TENANT = """
insert into tenant (id, slug, name, default_locale, listed, request_key, request_digest)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
"""


async def insert_tenant(
    tx: TenantTransaction, new: NewOrganisation, key: str | None, digest: str | None
) -> bool:
    """False where the address is taken, or the request was answered before."""
    written = await tx.execute(
        INSERT_TENANT,
        tx.tenant_id,
        new.slug,
        new.name,
        new.default_locale,
        new.listed,
        key,
        digest,
    )
    return written == 1


class Earlier(msgspec.Struct, frozen=True):
    id: UUID
    slug: str
    request_digest: str


TENANT_BY_REQUEST_LOOKUP = "select id, slug, request_digest from app.tenant_by_request($1)"


async def made_by(lookup: Lookup, key: str) -> Earlier | None:
    """What a request made when it came first."""
    return await lookup.fetch_one(Earlier, TENANT_BY_REQUEST_LOOKUP, key)


SLUG_IS_FREE_LOOKUP = "select app.slug_is_free($1)"


async def slug_is_free(lookup: Lookup, slug: str) -> bool:
    return bool(await lookup.fetch_value(SLUG_IS_FREE_LOOKUP, slug))


COLUMNS = """id, slug, name, default_locale, status, listed, created_at, members, suspended_at,
  suspended_reason, deletion_asked_at, deletion_reason, erase_after"""

ORGANISATIONS_LOOKUP = f"select {COLUMNS} from app.operator_tenants($1, $2, $3, $4, $5)"  # noqa: S608


async def organisations(
    lookup: Lookup, *, after: str = "", status: str | None = None, search: str = "", most: int
) -> list[Organisation]:
    """By address, from the one after `after` on."""
    return await lookup.fetch(Organisation, ORGANISATIONS_LOOKUP, None, after, status, search, most)


async def organisation(lookup: Lookup, slug: str) -> Organisation | None:
    """One, by its address."""
    return await lookup.fetch_one(Organisation, ORGANISATIONS_LOOKUP, slug, "", None, "", 1)


TOMBSTONE_LOOKUP = """
select tenant_id, slug, name, created_at, erased_at, receipt from app.operator_tombstone($1)
"""


async def tombstone(lookup: Lookup, slug: str) -> Tombstone | None:
    return await lookup.fetch_one(Tombstone, TOMBSTONE_LOOKUP, slug)


# These act on the bound tenant, and answer whether anything changed.
SUSPEND = "select app.suspend_tenant($1, $2)"
LIFT = "select app.lift_tenant($1)"
DELETE = "select app.delete_tenant($1, $2, $3)"
RESTORE = "select app.restore_tenant($1)"


async def suspend(tx: TenantTransaction, reason: str) -> bool:
    return bool(await tx.fetch_value(SUSPEND, tx.tenant_id, reason))


async def lift(tx: TenantTransaction) -> bool:
    return bool(await tx.fetch_value(LIFT, tx.tenant_id))


async def delete(tx: TenantTransaction, reason: str, grace_s: int) -> bool:
    return bool(await tx.fetch_value(DELETE, tx.tenant_id, reason, grace_s))


async def restore(tx: TenantTransaction) -> bool:
    return bool(await tx.fetch_value(RESTORE, tx.tenant_id))


class Standing(msgspec.Struct, frozen=True):
    status: Status
    erase_after: datetime | None


STANDING = "select status, erase_after from tenant where id = $1"


async def standing(tx: TenantTransaction) -> Standing | None:
    return await tx.fetch_one(Standing, STANDING, tx.tenant_id)
