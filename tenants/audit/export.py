"""The record as a file: CSV for people, JSON Lines in the chain's order for whoever verifies it.

Both are made piece by piece: however long the record, a piece at a time is in memory.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead
from passerelle.web.export import BYTE_ORDER_MARK, neutralised
from tenants.audit import chain_store, store
from tenants.audit.chain import moment
from tenants.audit.chain_store import Verified
from tenants.audit.model import Cursor, Entry, Filter

EXPORT_FORM: Final = "passerelle-audit-export-v1"
PIECE_ENTRIES: Final = 1_000
COLUMNS: Final = (
    "position",
    "occurred_at",
    "name",
    "actor_name",
    "actor_kind",
    "actor_person_id",
    "origin",
    "source_address",
    "subject",
    "person_id",
    "reason",
    "before",
    "payload",
    "request_id",
    "id",
    "hash",
)


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `filter` is null where the file holds the whole chain up to the head."""

    form: str
    tenant_id: UUID
    slug: str
    exported_at: datetime
    filter: Filter | None
    head_position: int
    head_hash: str
    # Events on record that the chain had not reached yet: they are not in the file.
    waiting: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry: `body` is the event's whole row, the very text that was hashed."""

    position: int
    event_id: UUID
    # As it was hashed: with all six figures of its microseconds.
    chained_at: str
    previous_hash: str
    body_hash: str
    hash: str
    body: str


async def json_lines(
    read: TenantRead, slug: str, wanted: Filter, now: datetime
) -> AsyncIterator[bytes]:
    """The heading, then entries from the first to the head as it stands now."""
    end = await chain_store.end(read)
    heading = Heading(
        form=EXPORT_FORM,
        tenant_id=read.tenant_id,
        slug=slug,
        exported_at=now.astimezone(UTC),
        filter=None if wanted == Filter() else wanted,
        head_position=end.head_position or 0,
        head_hash=(end.head_hash or bytes(32)).hex(),
        waiting=end.waiting,
    )
    yield msgspec.json.encode(heading) + b"\n"
    position = 0
    while True:
        found = await store.chained(read, wanted, position, heading.head_position, PIECE_ENTRIES)
        if found:
            yield b"".join(msgspec.json.encode(_line(entry)) + b"\n" for entry in found)
            position = found[-1].position
        if len(found) < PIECE_ENTRIES:
            return


def _line(entry: Verified) -> Line:
    return Line(
        position=entry.position,
        event_id=entry.event_id,
        chained_at=moment(entry.chained_at),
        previous_hash=entry.previous_hash.hex(),
        body_hash=entry.body_hash.hex(),
        hash=entry.hash.hex(),
        body=entry.body or "",
    )


async def csv_pieces(read: TenantRead, wanted: Filter) -> AsyncIterator[bytes]:
    """Newest first, safe to open in a spreadsheet (passerelle.web.export)."""
    yield BYTE_ORDER_MARK.encode() + _rows([COLUMNS])
    before: Cursor | None = None
    while True:
        found = await store.entries(read, wanted, PIECE_ENTRIES, before=before)
        if found:
            yield _rows([_cell(getattr(entry, name)) for name in COLUMNS] for entry in found)
            before = cursor_of(found[-1])
        if len(found) < PIECE_ENTRIES:
            return


def cursor_of(entry: Entry) -> Cursor:
    return Cursor(entry.occurred_at, entry.id)


def _rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([neutralised(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode().strip('"')
