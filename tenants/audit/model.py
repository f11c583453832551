"""One entry of the audit record, as a page or the API shows it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Entry(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    actor_name: str
    actor_kind: str
    subject: UUID | None
    person_id: UUID | None
    reason: str | None
    before: Any
    payload: Any
    request_id: str | None
    occurred_at: datetime


class Filter(msgspec.Struct, frozen=True):
    """What to look for; None is everything. `as_of` leaves out what came later."""

    name: str | None = None
    text: str | None = None
    subject: UUID | None = None
    as_of: datetime | None = None


class Page(msgspec.Struct, frozen=True):
    """Newest first. `next_before` asks for the following page; None is the end."""

    entries: list[Entry]
    next_before: UUID | None
