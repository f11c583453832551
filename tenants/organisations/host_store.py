"""The SQL of host names."""

from uuid import UUID

import msgspec

from passerelle.kernel.database import Lookup, TenantRead, TenantTransaction
from tenants.organisations.host_model import HOSTS_LIMIT, Host

INSERT_HOST = """
insert into tenant_host (tenant_id, host, token, claimed_by) values ($1, $2, $3, $4)
on conflict do nothing
"""


async def insert(tx: TenantTransaction, host: str, token: str) -> bool:
    """False where this organisation claims it already."""
    by = tx.actor.display_name
    return await tx.execute(INSERT_HOST, tx.tenant_id, host, token, by) == 1


HOSTS = """
select host, token, claimed_at, claimed_by, proved_at, checked_at, check_ok, detail, failures
from tenant_host where tenant_id = $1 and ($2::text is null or host = $2) order by host limit $3
"""


async def hosts(read: TenantRead) -> list[Host]:
    return await read.fetch(Host, HOSTS, read.tenant_id, None, HOSTS_LIMIT)


async def host(read: TenantRead, name: str) -> Host | None:
    return await read.fetch_one(Host, HOSTS, read.tenant_id, name, 1)


# Of one organisation's claims, one change after the other.
LOCK_HOSTS = "select pg_advisory_xact_lock(hashtextextended(($1::uuid)::text, 7283005))"


async def lock(tx: TenantTransaction) -> None:
    await tx.fetch_value(LOCK_HOSTS, tx.tenant_id)


DELETE_HOST = "delete from tenant_host where tenant_id = $1 and host = $2"


async def delete(tx: TenantTransaction, name: str) -> bool:
    return await tx.execute(DELETE_HOST, tx.tenant_id, name) == 1


# A proof that fails counts; after $5 in a row the host is not the organisation's any more.
UPDATE_CHECK = """
update tenant_host set checked_at = now(), check_ok = $3, detail = $4,
  failures = case when $3 then 0 else failures + 1 end,
  proved_at = case when $3 then coalesce(proved_at, now())
    when failures + 1 >= $5 then null else proved_at end
where tenant_id = $1 and host = $2
"""


async def note_check(
    tx: TenantTransaction, name: str, ok: bool, detail: str, failures_limit: int
) -> None:
    """Raises asyncpg.UniqueViolationError where another organisation has proved it."""
    await tx.execute(UPDATE_CHECK, tx.tenant_id, name, ok, detail, failures_limit)


class Owner(msgspec.Struct, frozen=True):
    id: UUID
    slug: str


TENANT_BY_HOST_LOOKUP = "select id, slug from app.tenant_by_host($1)"


async def owner(lookup: Lookup, name: str) -> Owner | None:
    """The organisation that has proved this host name."""
    return await lookup.fetch_one(Owner, TENANT_BY_HOST_LOOKUP, name)
