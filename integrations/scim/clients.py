"""Clients and their tokens: made, rotated with an overlap, revoked; and who shows one.

A token opens provisioning of one organisation and nothing else. It is shown once; kept is its hash.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from integrations.scim import client_store as store
from integrations.scim.model import (
    CLIENT_NAME_LIMIT_CHARACTERS,
    KINDS,
    OVERLAP_DAYS,
    TOKEN_DAYS,
    Caller,
    ClientKind,
    ClientOnRecord,
)
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_

PREFIX: Final = "scim_"
TOKEN_BYTES: Final = 32
TOKEN_CHARACTERS: Final = len(PREFIX) + 43
HINT_CHARACTERS: Final = 4


class Made(msgspec.Struct, frozen=True):
    """A token, to be shown once."""

    client_id: UUID
    token: str
    expires_at: datetime


async def create(tx: TenantTransaction, name: str, kind: str) -> Made:
    """A client with its first token. Raises Invalid."""
    name = " ".join(name.split())
    errors: dict[str, str] = {}
    if not 1 <= len(name) <= CLIENT_NAME_LIMIT_CHARACTERS:
        errors["name"] = N_("Give a name of 1 to 80 characters.")
    if kind not in KINDS:
        errors["kind"] = N_("Choose which directory it is.")
    if errors:
        raise Invalid(errors=errors)
    known: ClientKind = kind  # type: ignore[assignment]
    client_id = new_id()
    if not await store.insert_client(tx, client_id, name, known):
        raise Invalid(
            errors={"name": N_("There are 10 clients already: revoke one that is not used.")}
        )
    made = ClientOnRecord(name)
    await emit(tx, "scim.client_made", made, subject=client_id)
    return await _new_token(tx, client_id, name)


async def rotate(tx: TenantTransaction, client_id: UUID) -> Made:
    """A new token; the one before it goes on for OVERLAP_DAYS. Raises NotFound."""
    name = await _held(tx, client_id)
    await store.retire(tx, client_id, datetime.now(UTC) + timedelta(days=OVERLAP_DAYS))
    return await _new_token(tx, client_id, name)


async def _new_token(tx: TenantTransaction, client_id: UUID, name: str) -> Made:
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = datetime.now(UTC) + timedelta(days=TOKEN_DAYS)
    hint = token[-HINT_CHARACTERS:]
    await store.insert_token(tx, new_id(), client_id, digest_of(token), hint, expires_at)
    on_record = ClientOnRecord(name, hint, expires_at)
    await emit(tx, "scim.token_made", on_record, subject=client_id)
    return Made(client_id, token, expires_at)


async def revoke_token(tx: TenantTransaction, client_id: UUID, token_id: UUID) -> None:
    """From the next request on it counts for nothing. Raises NotFound."""
    name = await _held(tx, client_id)
    hint = await store.revoke_token(tx, client_id, token_id)
    if hint is None:
        raise NotFound()
    await emit(tx, "scim.token_revoked", ClientOnRecord(name, hint), subject=client_id)


async def revoke(tx: TenantTransaction, client_id: UUID) -> None:
    """The client and all its tokens end; who was provisioned stays as they are. Raises NotFound."""
    name = await _held(tx, client_id)
    await store.revoke_client(tx, client_id)
    await emit(tx, "scim.client_revoked", ClientOnRecord(name), subject=client_id)


async def _held(tx: TenantTransaction, client_id: UUID) -> str:
    """The name of a client in use, held until the end. Raises NotFound."""
    found = await store.client(tx, client_id) if await store.locked(tx, client_id) else None
    if found is None:
        raise NotFound()
    return found.name


async def caller(database: Database, slug: str, token: str) -> Caller | None:
    """Whose token it is, at this organisation's address."""
    if len(token) != TOKEN_CHARACTERS or not token.startswith(PREFIX) or "\0" in slug:
        return None
    found = await store.by_token(database.lookup, slug, digest_of(token))
    if found is None:
        return None
    task = actors.system("scim", found.tenant_id)
    return await store.caller(database.tenant_reader(found.tenant_id, task), found.token_id)


def actor_of(caller: Caller) -> Actor:
    return Actor(
        kind="system",
        display_name=f"SCIM: {caller.name}",
        tenant_id=caller.tenant_id,
        origin="api",
    )


def digest_of(token: str) -> bytes:
    """A token is 256 random bits: nothing slower than SHA-256 would make it harder to guess."""
    return hashlib.sha256(token.encode()).digest()
