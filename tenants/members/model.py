"""A member's standing, changes to it, and what is on record of each."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from passerelle.kernel.language import Locale, Localised

Status = Literal["active", "suspended", "removed"]
Kind = Literal["grant", "revoke", "move", "suspend", "reinstate", "remove", "restore"]

REASON_LIMIT_CHARACTERS = 500
#: What one transaction changes; more is a job of the worker's.
PEOPLE_AT_ONCE = 100


class Held(msgspec.Struct, frozen=True, order=True):
    """A role that is held, for the whole organisation or in a unit."""

    role: str
    unit_id: UUID | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.role, str(self.unit_id or "")


class Standing(msgspec.Struct, frozen=True):
    """How someone stands as a member: what each event about them holds, before and after."""

    status: Status
    unit_id: UUID | None
    roles: list[Held]


class Change(msgspec.Struct, frozen=True):
    """What is to be done to members. `held` is for grant and revoke, `unit_id` for a move,
    `standing` for a restoring (an undo)."""

    kind: Kind
    held: Held | None = None
    unit_id: UUID | None = None
    standing: Standing | None = None


class Known(msgspec.Struct, frozen=True):
    """A member as a change finds them."""

    person_id: UUID
    display_name: str
    status: Status
    unit_id: UUID | None
    roles: list[Held]

    @property
    def standing(self) -> Standing:
        return Standing(self.status, self.unit_id, sorted(self.roles, key=lambda held: held.key))


class MemberChanged(msgspec.Struct, frozen=True):
    person_id: UUID
    display_name: str
    standing: Standing


class Refusal(msgspec.Struct, frozen=True):
    """Someone who was not changed, and why."""

    person_id: UUID
    display_name: str
    why: str


class Outcome(msgspec.Struct, frozen=True):
    changed: list[UUID]
    unchanged: list[UUID]
    refused: list[Refusal]


#: The event of each kind of change.
EVENTS: dict[Kind, str] = {
    "grant": "member.role_given",
    "revoke": "member.role_taken",
    "move": "member.moved",
    "suspend": "member.suspended",
    "reinstate": "member.reinstated",
    "remove": "member.removed",
    "restore": "member.restored",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list of members."""

    person_id: UUID
    display_name: str
    email: str | None
    locale: Locale
    status: Status
    unit_id: UUID | None
    roles: list[Held]
    created_at: datetime
    folded_name: str


class GrantOnRecord(msgspec.Struct, frozen=True):
    """A role that is held, since when and given by whom."""

    role: str
    unit_id: UUID | None
    granted_at: datetime
    granted_by: str | None


class Past(msgspec.Struct, frozen=True):
    """One event about a member."""

    id: UUID
    name: str
    actor_name: str
    actor_kind: str
    reason: str | None
    before: Any
    payload: Any
    occurred_at: datetime
    origin: str | None = None


class Unit(msgspec.Struct, frozen=True):
    id: UUID
    parent_id: UUID | None
    name: Localised
    closed: bool
