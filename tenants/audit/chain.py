"""The chain's format: how an event becomes a link. Pure; README.md says it for other verifiers.

A link's hash is SHA-256 over seven lines of text, so that `sha256sum` can make it again. Nothing in
it tells of the installation: the same events and links verify in another one.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

#: The first line of what is hashed: what it is, and the version of its form.
DOMAIN: Final = "passerelle-audit-link-v1"
#: In front of the first link.
GENESIS: Final = bytes(32)


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One event's place in the chain."""

    position: int
    event_id: UUID
    chained_at: datetime
    previous_hash: bytes
    body_hash: bytes
    hash: bytes


class Head(msgspec.Struct, frozen=True):
    """The last link, in short: position 0 is a chain that has none."""

    position: int
    hash: bytes
    chained_at: datetime


def moment(value: datetime) -> str:
    """UTC to the microsecond, which is all that the database keeps."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def body_hash(body: str) -> bytes:
    """SHA-256 of an event's whole row as text (store.BODY)."""
    return sha256(body.encode()).digest()


def link_hash(
    tenant_id: UUID,
    position: int,
    event_id: UUID,
    chained_at: datetime,
    previous_hash: bytes,
    hash_of_body: bytes,
) -> bytes:
    """No line can hold a line's end, so that no two links have the same text."""
    lines = (
        DOMAIN,
        str(tenant_id),
        str(position),
        str(event_id),
        moment(chained_at),
        previous_hash.hex(),
        hash_of_body.hex(),
    )
    return sha256("\n".join(lines).encode()).digest()


def own_hash(tenant_id: UUID, link: Link, *, position: int | None = None) -> bytes:
    """What the link's hash must be, by its own fields; or were it at another position."""
    return link_hash(
        tenant_id,
        link.position if position is None else position,
        link.event_id,
        link.chained_at,
        link.previous_hash,
        link.body_hash,
    )


def linked(tenant_id: UUID, head: Head, event_id: UUID, body: str, now: datetime) -> Link:
    """The link that follows `head`."""
    position, digest = head.position + 1, body_hash(body)
    return Link(
        position=position,
        event_id=event_id,
        chained_at=now,
        previous_hash=head.hash,
        body_hash=digest,
        hash=link_hash(tenant_id, position, event_id, now, head.hash, digest),
    )
