"""`kernel.ports.Objects` over obstore: bytes in a folder or a bucket, rows in the database.

A key is `<scope>/<owner's id>/<object's id>`, made here from the binding: no caller can name
another owner, and no name reaches the store. Bytes are written before the row that names them, in
the caller's transaction; what a rolled-back transaction leaves behind, the worker sweeps.
"""

import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Final
from uuid import UUID

import obstore
from obstore.exceptions import BaseError

from integrations.objects import store
from integrations.objects.kinds import LOOKED_AT_BYTES, content_type_of
from integrations.objects.links import Seal
from integrations.objects.model import REMOVED, ObjectRemoved
from integrations.objects.place import Place, open_place
from integrations.objects.problems import (
    ObjectChanged,
    ObjectKindRefused,
    ObjectNameRefused,
    ObjectStoreUnavailable,
    ObjectTooLarge,
)
from integrations.objects.setting import FILES, MEGABYTE
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Scope, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.log import logger
from passerelle.kernel.ports import (
    OBJECT_LIMIT_BYTES,
    OBJECTS_PAGE_ROWS,
    BoundRead,
    BoundTransaction,
    StoredObject,
)
from passerelle.kernel.settings import Settings
from passerelle.kernel.tenant_settings import read_setting
from tenants.plans.service import require_storage

log = logger(__name__)

PIECE_BYTES: Final = 1_048_576
LIST_LIMIT_ROWS: Final = 1_000
NAME_LIMIT_CHARACTERS: Final = 400
#: One to eight parts; none begins with a dot.
NAME: Final = re.compile(r"[a-z0-9_][a-z0-9._-]{0,99}(/[a-z0-9_][a-z0-9._-]{0,99}){0,7}")
#: What obstore raises: errors of its own, and the system's for a folder.
FAILURES: Final = (BaseError, OSError)


def key_of(scope: Scope, owner_id: UUID, object_id: UUID) -> str:
    return f"{scope}/{UUID(str(owner_id))}/{UUID(str(object_id))}"


class StoredObjects:
    """One for a process."""

    def __init__(self, settings: Settings) -> None:
        self.place: Place = open_place(settings)
        self._seal = Seal(settings.master_key)

    async def put(
        self,
        tx: BoundTransaction,
        name: str,
        content: bytes | AsyncIterable[bytes],
        *,
        kinds: frozenset[str] | None = None,
        limit_bytes: int = OBJECT_LIMIT_BYTES,
    ) -> StoredObject:
        """Raises ObjectNameRefused, ObjectTooLarge, ObjectKindRefused, ObjectStoreUnavailable, and
        StorageFull where the organisation's plan has no room for it."""
        checked(name)
        if isinstance(tx, TenantTransaction):
            largest = (await read_setting(tx, FILES)).largest_mb * MEGABYTE
            limit_bytes = min(limit_bytes, largest)
        object_id = new_id()
        key = key_of(store.scope_of(tx), store.owner_of(tx), object_id)
        arriving = Arriving(_pieces(content), kinds, limit_bytes)
        try:
            await obstore.put_async(self.place, key, arriving)
        except FAILURES as error:
            raise _unavailable("write", error) from None
        await self._let_go(tx, name)
        if isinstance(tx, TenantTransaction):
            await require_storage(tx, object_id, name, arriving.size_bytes)
        return await store.insert(
            tx, object_id, name, arriving.content_type, arriving.size_bytes, arriving.digest
        )

    async def restore(
        self, tx: BoundTransaction, stored: StoredObject, content: AsyncIterable[bytes]
    ) -> None:
        """Raises ObjectChanged, ObjectStoreUnavailable."""
        key = key_of(store.scope_of(tx), store.owner_of(tx), stored.id)
        arriving = Arriving(_pieces(content), None, stored.size_bytes)
        try:
            await obstore.put_async(self.place, key, arriving)
        except FAILURES as error:
            raise _unavailable("write", error) from None
        if (arriving.size_bytes, arriving.digest) != (stored.size_bytes, stored.digest):
            raise ObjectChanged(stored.name)

    async def find(self, read: BoundRead, name: str) -> StoredObject | None:
        return await store.by_name(read, checked(name))

    async def find_by_id(self, read: BoundRead, object_id: UUID) -> StoredObject | None:
        return await store.by_id(read, object_id)

    async def content(self, read: BoundRead, name: str) -> bytes:
        stored = await self.find(read, name)
        if stored is None:
            raise NotFound()
        return b"".join([piece async for piece in self.stream(read, stored)])

    async def stream(self, read: BoundRead, stored: StoredObject) -> AsyncIterator[bytes]:
        key = key_of(store.scope_of(read), store.owner_of(read), stored.id)
        try:
            found = await obstore.get_async(self.place, key)
            async for piece in found.stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)
        except FileNotFoundError:
            raise NotFound() from None
        except FAILURES as error:
            raise _unavailable("read", error) from None

    async def delete(self, tx: BoundTransaction, name: str) -> bool:
        return await self._let_go(tx, checked(name))

    async def _let_go(self, tx: BoundTransaction, name: str) -> bool:
        """The row goes now; the bytes when the transaction has committed, by the outbox."""
        object_id = await store.remove(tx, name)
        if object_id is None:
            return False
        gone = ObjectRemoved(object_id, name)
        if isinstance(tx, TenantTransaction):
            await emit(tx, REMOVED, gone, subject=object_id)
        else:
            await emit(tx, REMOVED, gone, subject=object_id)
        return True

    async def list(
        self,
        read: BoundRead,
        prefix: str = "",
        *,
        after: str = "",
        limit: int = OBJECTS_PAGE_ROWS,
    ) -> list[StoredObject]:
        return await store.listed(read, prefix, after, min(limit, LIST_LIMIT_ROWS))

    async def used_bytes(self, read: BoundRead) -> int:
        return await store.used_bytes(read)

    def address(
        self,
        read: BoundRead,
        stored: StoredObject,
        *,
        reader: Actor | None,
        slug: str | None = None,
        file_name: str | None = None,
    ) -> str:
        return self._seal.address(
            store.scope_of(read),
            store.owner_of(read),
            stored.id,
            reader=reader.person_id if reader else None,
            slug=slug or read.actor.tenant_slug,
            file_name=file_name,
        )

    def is_sealed(
        self,
        seal: str,
        read: BoundRead,
        object_id: UUID,
        reader: UUID | None,
        until: int,
        name: str,
    ) -> bool:
        """Whether an address's parts were sealed by us for this reader and still serve."""
        owner = store.owner_of(read)
        return self._seal.holds(seal, store.scope_of(read), owner, object_id, reader, until, name)

    async def erase(self, keys: Iterable[str]) -> None:
        """Takes bytes away; what is gone already is no error. Raises ObjectStoreUnavailable."""
        for key in keys:
            try:
                await obstore.delete_async(self.place, key)
            except FileNotFoundError:
                continue
            except FAILURES as error:
                raise _unavailable("delete", error) from None


class Arriving:
    """Content on its way into the store: measured, looked at and digested as it passes."""

    def __init__(
        self, pieces: AsyncIterator[bytes], kinds: frozenset[str] | None, limit_bytes: int
    ) -> None:
        self._pieces = pieces
        self._kinds = kinds
        self._limit_bytes = limit_bytes
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        self.content_type = ""

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        held = b""
        async for piece in self._pieces:
            self.size_bytes += len(piece)
            if self.size_bytes > self._limit_bytes:
                raise ObjectTooLarge(f"more than {self._limit_bytes} bytes")
            self._hash.update(piece)
            # Nothing is written before enough was seen to say what it is.
            if not self.content_type:
                held += piece
                if len(held) < LOOKED_AT_BYTES:
                    continue
                self._look(held)
                piece, held = held, b""
            yield piece
        if not self.content_type:
            self._look(held)
            yield held

    def _look(self, start: bytes) -> None:
        self.content_type = content_type_of(start)
        if self._kinds is not None and self.content_type not in self._kinds:
            raise ObjectKindRefused(self.content_type)


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        for start in range(0, len(content), PIECE_BYTES):
            yield content[start : start + PIECE_BYTES]
        return
    async for piece in content:
        yield bytes(piece)


def checked(name: str) -> str:
    """The name. Raises ObjectNameRefused."""
    if len(name) > NAME_LIMIT_CHARACTERS or not NAME.fullmatch(name):
        raise ObjectNameRefused(name[:NAME_LIMIT_CHARACTERS])
    return name


def _unavailable(what: str, error: Exception) -> ObjectStoreUnavailable:
    # The error's first line alone: below it obstore prints addresses and headers.
    said = str(error).partition("\n")[0][:200]
    log.warning("the object store failed", what=what, kind=type(error).__name__, said=said)
    return ObjectStoreUnavailable(type(error).__name__)
