"""The SQL of organisations as wholes: making one, its standing, its end."""

from uuid import UUID

import msgspec

from passerelle.kernel.database import (
    Lookup,
    OperatorLookup,
    OperatorTransaction,
    TenantTransaction,
)
from tenants.organisations.model import NewOrganisation, Organisation, Tombstone

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

OPERATOR_ORGANISATIONS = f"select {COLUMNS} from app.operator_tenants($1, $2, $3, $4, $5)"  # noqa: S608


async def organisations(
    lookup: OperatorLookup,
    *,
    after: str = "",
    status: str | None = None,
    search: str = "",
    most: int,
) -> list[Organisation]:
    """By address, from the one after `after` on."""
    return await lookup.fetch(
        Organisation, OPERATOR_ORGANISATIONS, None, after, status, search, most
    )


async def organisation(
    asks: OperatorLookup | OperatorTransaction, slug: str
) -> Organisation | None:
    """One, by its address."""
    return await asks.fetch_one(Organisation, OPERATOR_ORGANISATIONS, slug, "", None, "", 1)


OPERATOR_TOMBSTONE = """
select tenant_id, slug, name, created_at, erased_at, receipt from app.operator_tombstone($1)
"""


async def tombstone(asks: OperatorLookup | OperatorTransaction, slug: str) -> Tombstone | None:
    return await asks.fetch_one(Tombstone, OPERATOR_TOMBSTONE, slug)


# These act on the bound tenant, and answer whether anything changed.
OPERATOR_SUSPEND = "select app.suspend_tenant($1, $2)"
OPERATOR_LIFT = "select app.lift_tenant($1)"
OPERATOR_DELETE = "select app.delete_tenant($1, $2, $3)"
OPERATOR_RESTORE = "select app.restore_tenant($1)"


async def suspend(tx: OperatorTransaction, reason: str) -> bool:
    return bool(await tx.fetch_value(OPERATOR_SUSPEND, tx.tenant_id, reason))


async def lift(tx: OperatorTransaction) -> bool:
    return bool(await tx.fetch_value(OPERATOR_LIFT, tx.tenant_id))


async def delete(tx: OperatorTransaction, reason: str, grace_s: int) -> bool:
    return bool(await tx.fetch_value(OPERATOR_DELETE, tx.tenant_id, reason, grace_s))


async def restore(tx: OperatorTransaction) -> bool:
    return bool(await tx.fetch_value(OPERATOR_RESTORE, tx.tenant_id))
