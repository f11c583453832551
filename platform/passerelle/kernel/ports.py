"""What the product needs of the outside and leaves to `infra` to plug in."""

from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import PersonRead, PersonTransaction, TenantRead, TenantTransaction

#: Of one object, unless the caller names a smaller limit.
OBJECT_LIMIT_BYTES = 50_000_000
OBJECTS_PAGE_ROWS = 50

BoundRead = TenantRead | PersonRead
BoundTransaction = TenantTransaction | PersonTransaction


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a mail, such as an invitation for a calendar (`text/calendar`)."""

    name: str
    content_type: str
    content: bytes


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. `message_id` makes a repeat recognisable: the same effect has the same id."""

    to: str
    subject: str
    text: str
    html: str
    locale: str
    message_id: str
    # What the mail is about (`credential.issued`, `invitation`): stands in the tenant's mail log.
    kind: str = "message"
    person_id: UUID | None = None
    attachments: tuple[Attachment, ...] = ()
    # Where the person says which mails they want; None for a mail that is needed (an invitation).
    unsubscribe_url: str | None = None


class Mail(Protocol):
    async def send(self, message: Message, *, for_tenant: TenantRead | None = None) -> str:
        """Hands the message to the mail server; returns what the server said.

        `for_tenant` sends it by the organisation's own server where it has set one up, and under
        its name. Raises Unavailable where the server doesn't take it now, Invalid where never.
        """
        ...


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object as it is kept: the bytes under an `id` never change, a name may get a new id."""

    id: UUID
    name: str
    content_type: str
    size_bytes: int
    # SHA-256, in hexadecimal.
    digest: str
    written_at: datetime


class Objects(Protocol):
    """Files of a tenant or of a person. Whose they are is the binding's to say, never the caller's.

    A name is a path below the owner, the room first: `branding/logo`, `exports/2026-11/members`.
    The row is the truth: bytes that no row names are swept away by the worker.
    """

    async def put(
        self,
        tx: BoundTransaction,
        name: str,
        content: bytes | AsyncIterable[bytes],
        *,
        kinds: frozenset[str] | None = None,
        limit_bytes: int = OBJECT_LIMIT_BYTES,
    ) -> StoredObject:
        """Keeps the content under the name, in place of what it named before.

        The content type is found by looking at the bytes. `kinds` are the content types that are
        taken; None takes any. Raises Invalid (its child says which) and Unavailable.
        """
        ...

    async def restore(
        self, tx: BoundTransaction, stored: StoredObject, content: AsyncIterable[bytes]
    ) -> None:
        """Keeps the bytes of an object whose row an import brings in the same transaction.

        Raises Invalid where they aren't what the row says, and Unavailable.
        """
        ...

    async def find(self, read: BoundRead, name: str) -> StoredObject | None: ...

    async def find_by_id(self, read: BoundRead, object_id: UUID) -> StoredObject | None: ...

    async def content(self, read: BoundRead, name: str) -> bytes:
        """The whole content. Raises NotFound."""
        ...

    def stream(self, read: BoundRead, stored: StoredObject) -> AsyncIterator[bytes]:
        """The content piece by piece. Raises NotFound, at the first piece."""
        ...

    async def delete(self, tx: BoundTransaction, name: str) -> bool:
        """False where nothing had this name."""
        ...

    async def list(
        self,
        read: BoundRead,
        prefix: str = "",
        *,
        after: str = "",
        limit: int = OBJECTS_PAGE_ROWS,
    ) -> list[StoredObject]:
        """Objects whose names start with `prefix`, by name, from the one after `after` on."""
        ...

    async def used_bytes(self, read: BoundRead) -> int:
        """What the owner's objects take together."""
        ...

    def address(
        self,
        read: BoundRead,
        stored: StoredObject,
        *,
        reader: Actor | None,
        slug: str | None = None,
        file_name: str | None = None,
    ) -> str:
        """A signed path below our own host from which a browser gets the object.

        It serves `reader` alone, in their session and for a quarter of an hour; None serves
        anyone, for good: for what a tenant's public page shows, such as a logo. `slug` is the
        tenant's, where the binding's actor does not say it. `file_name` makes it a download.
        """
        ...
