"""The SQL of clients and their tokens."""

from datetime import datetime
from uuid import UUID

import msgspec

from integrations.scim.model import CLIENTS_LIMIT, Caller, Client, ClientKind, Token
from passerelle.kernel.database import Lookup, TenantRead, TenantTransaction

CLIENTS = """
select client.id, name, kind, client.created_at, client.created_by, client.revoked_at, revoked_by,
  tested_at, test_ok, test_detail,
  (select max(last_used_at) from scim_token as token
   where token.tenant_id = $1 and token.client_id = client.id) as last_used_at
from scim_client as client
where client.tenant_id = $1 and ($2::uuid is null or client.id = $2)
order by client.revoked_at is not null, client.created_at desc, client.id limit 100
"""


async def clients(read: TenantRead) -> list[Client]:
    """Those in use first."""
    return await read.fetch(Client, CLIENTS, read.tenant_id, None)


async def client(read: TenantRead, client_id: UUID) -> Client | None:
    return await read.fetch_one(Client, CLIENTS, read.tenant_id, client_id)


# The organisation's clients are counted and added one after the other.
LOCK_CLIENTS = "select pg_advisory_xact_lock(hashtextextended(($1::uuid)::text, 7283180))"
INSERT_CLIENT = """
insert into scim_client (tenant_id, id, name, kind, created_by)
select $1, $2, $3, $4, $5
where (select count(*) from scim_client where tenant_id = $1 and revoked_at is null) < $6
"""


async def insert_client(
    tx: TenantTransaction, client_id: UUID, name: str, kind: ClientKind
) -> bool:
    """False where there are enough already."""
    await tx.fetch_value(LOCK_CLIENTS, tx.tenant_id)
    by = tx.actor.display_name
    return (
        await tx.execute(INSERT_CLIENT, tx.tenant_id, client_id, name, kind, by, CLIENTS_LIMIT) == 1
    )


LOCK_CLIENT = """
select id from scim_client where tenant_id = $1 and id = $2 and revoked_at is null for update
"""


async def locked(tx: TenantTransaction, client_id: UUID) -> bool:
    """Whether the client is in use; nobody else changes it until the transaction ends."""
    return await tx.fetch_value(LOCK_CLIENT, tx.tenant_id, client_id) is not None


REVOKE_CLIENT = """
update scim_client set revoked_at = now(), revoked_by = $3 where tenant_id = $1 and id = $2
"""


async def revoke_client(tx: TenantTransaction, client_id: UUID) -> None:
    await tx.execute(REVOKE_CLIENT, tx.tenant_id, client_id, tx.actor.display_name)


NOTE_TEST = """
update scim_client set tested_at = now(), test_ok = $3, test_detail = $4
where tenant_id = $1 and id = $2
"""


async def note_test(tx: TenantTransaction, client_id: UUID, ok: bool, detail: str) -> None:
    await tx.execute(NOTE_TEST, tx.tenant_id, client_id, ok, detail)


TOKENS = """
select id, client_id, hint, created_at, created_by, expires_at, revoked_at, last_used_at
from scim_token where tenant_id = $1 and ($2::uuid is null or client_id = $2)
  and revoked_at is null and expires_at > now()
order by created_at desc, id desc limit 1000
"""


async def tokens(read: TenantRead, client_id: UUID | None = None) -> list[Token]:
    """Those that count, the newest first."""
    return await read.fetch(Token, TOKENS, read.tenant_id, client_id)


INSERT_BEARER = """
insert into scim_token (tenant_id, id, client_id, digest, hint, created_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert_token(
    tx: TenantTransaction,
    token_id: UUID,
    client_id: UUID,
    digest: bytes,
    hint: str,
    expires_at: datetime,
) -> None:
    by = tx.actor.display_name
    await tx.execute(INSERT_BEARER, tx.tenant_id, token_id, client_id, digest, hint, by, expires_at)


# One goes on for the overlap; whatever is older ends now.
RETIRE_TOKENS = """
update scim_token as token set
  revoked_at = case when token.id = newest.id then null else now() end,
  expires_at = case when token.id = newest.id
    then least(token.expires_at, $3) else token.expires_at end
from (select id from scim_token where tenant_id = $1 and client_id = $2 and revoked_at is null
      and expires_at > now() order by created_at desc, id desc limit 1) as newest
where token.tenant_id = $1 and token.client_id = $2 and token.revoked_at is null
  and token.expires_at > now()
"""


async def retire(tx: TenantTransaction, client_id: UUID, until: datetime) -> None:
    """Before a new token: the newest so far ends at `until`, older ones now."""
    await tx.execute(RETIRE_TOKENS, tx.tenant_id, client_id, until)


REVOKE_BEARER = """
update scim_token set revoked_at = now()
where tenant_id = $1 and id = $2 and client_id = $3 and revoked_at is null
returning hint
"""


async def revoke_token(tx: TenantTransaction, client_id: UUID, token_id: UUID) -> str | None:
    """How it ended; None where there is none that counts."""
    hint: str | None = await tx.fetch_value(REVOKE_BEARER, tx.tenant_id, token_id, client_id)
    return hint


class Found(msgspec.Struct, frozen=True):
    tenant_id: UUID
    client_id: UUID
    token_id: UUID


BEARER_LOOKUP = "select tenant_id, client_id, token_id from app.scim_token($1, $2)"


async def by_token(lookup: Lookup, slug: str, digest: bytes) -> Found | None:
    return await lookup.fetch_one(Found, BEARER_LOOKUP, slug, digest)


CALLER = """
select client.tenant_id, client.id as client_id, token.id as token_id, client.name,
  coalesce(token.last_used_at < now() - interval '1 minute', true) as unnoted
from scim_token as token join scim_client as client
  on client.tenant_id = $1 and client.id = token.client_id
where token.tenant_id = $1 and token.id = $2
"""


async def caller(read: TenantRead, token_id: UUID) -> Caller | None:
    return await read.fetch_one(Caller, CALLER, read.tenant_id, token_id)


NOTE_USE = """
update scim_token set last_used_at = now()
where tenant_id = $1 and id = $2
  and (last_used_at is null or last_used_at < now() - interval '1 minute')
"""


async def note_use(tx: TenantTransaction, token_id: UUID) -> None:
    """At most once a minute: a sync of thousands writes it a few times."""
    await tx.execute(NOTE_USE, tx.tenant_id, token_id)


COUNTS = """
select count(*) filter (where kind = 'User') as users,
  count(*) filter (where kind = 'Group') as groups
from scim_resource where tenant_id = $1 and client_id = $2
"""


class Counts(msgspec.Struct, frozen=True):
    users: int
    groups: int


async def counts(read: TenantRead, client_id: UUID) -> Counts:
    return await read.fetch_one(Counts, COUNTS, read.tenant_id, client_id) or Counts(0, 0)
