"""One entry of the audit record, as a page or the API shows it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import msgspec

from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Entry(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    actor_name: str
    actor_kind: str
    actor_person_id: UUID | None
    subject: UUID | None
    person_id: UUID | None
    reason: str | None
    before: Any
    payload: Any
    request_id: str | None
    origin: str | None
    source_address: str | None
    occurred_at: datetime
    # Its place in the chain; None until the worker has chained it, a second later.
    position: int | None
    chained_at: datetime | None
    # Hexadecimal, as is `hash`.
    previous_hash: str | None
    body_hash: str | None
    hash: str | None
    # The event's whole row, the very text that was hashed; only where it was asked for.
    body: str | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; None is everything.

    `since` is the first moment that counts, `until` the first that doesn't any more; `as_of` leaves
    out what came after it.
    """

    name: str | None = None
    who: UUID | None = None
    subject: UUID | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None


class Cursor(msgspec.Struct, frozen=True):
    """A place between two entries, for paging: the time and id of the one next to it."""

    occurred_at: datetime
    id: UUID

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Raises Invalid."""
        if not text:
            return None
        try:
            microseconds, _, identifier = text.partition("-")
            return cls(EPOCH + int(microseconds) * MICROSECOND, UUID(identifier))
        except (ValueError, OverflowError):
            raise Invalid(errors={"page": N_("Open the first page and go on from there")}) from None

    def __str__(self) -> str:
        return f"{(self.occurred_at - EPOCH) // MICROSECOND}-{self.id.hex}"


class Page(msgspec.Struct, frozen=True):
    """Newest first; `older` and `newer` ask for the pages beside this one, None is the end."""

    entries: list[Entry]
    older: str | None
    newer: str | None


class DayCount(msgspec.Struct, frozen=True):
    """How many entries on a day (UTC)."""

    day: datetime
    count: int
