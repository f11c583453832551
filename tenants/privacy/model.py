"""Erasures, exports, consents and retention: their shapes, their limits and their events."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

#: How long an erasure can be taken back.
COOLING_OFF_DAYS: Final = 7
#: How long a finished export can be fetched.
EXPORT_HOURS: Final = 24
PAGE_ROWS: Final = 50
REASON_LEAST_CHARACTERS: Final = 10
REASON_LIMIT_CHARACTERS: Final = 500
#: Decisions stand in the name of who made them, whatever else is erased.
NAMES_STAY: Final = ("application.moved",)

Did = Literal["deleted", "anonymised", "redacted", "kept"]


class PartErased(msgspec.Struct, frozen=True):
    """What an erasure did to one way in which a table held the person, and to how many rows."""

    table: str
    did: Did
    rows: int


class PersonErasure(msgspec.Struct, frozen=True):
    id: UUID
    requested_at: datetime
    due_at: datetime
    cancelled_at: datetime | None
    handed_at: datetime | None
    tenants: list[UUID] | None


class MemberErasure(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    person_id: UUID | None
    asked_by: Literal["person", "officer", "import"]
    requested_by_name: str
    reason: str
    requested_at: datetime
    due_at: datetime
    cancelled_at: datetime | None
    handed_at: datetime | None
    finished_at: datetime | None
    parts: list[PartErased] | None
    # While the person is a member still.
    display_name: str | None = None


class OrganisationErased(msgspec.Struct, frozen=True):
    tenant_id: UUID
    parts: list[PartErased]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an erased person: numbers, and no name."""

    id: UUID
    requested_at: datetime
    erased_at: datetime
    own: list[PartErased]
    organisations: list[OrganisationErased]


class Known(msgspec.Struct, frozen=True):
    """By what a person is found where their identifier does not stand."""

    person_id: UUID
    name: str | None
    email: str | None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export, a person's or a tenant's, on its way or ready."""

    id: UUID
    requested_at: datetime
    state: Literal["waiting", "working", "ready", "failed", "expired"]
    done: int
    total: int
    object_name: str | None
    size_bytes: int | None
    digest: str | None
    expires_at: datetime | None
    fetched_at: datetime | None
    session_digest: str = ""
    requested_by_name: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in ("waiting", "working")


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger."""

    id: UUID
    person_id: UUID
    tenant_id: UUID
    purpose: str
    text_version: str
    locale: str
    given_at: datetime
    given_by_event: UUID
    until: datetime | None
    withdrawn_at: datetime | None
    withdrawn_by_event: UUID | None
    display_name: str | None = None


# ---- events ----


class TenantImported(msgspec.Struct, frozen=True):
    exported_from: str
    exported_at: str


class ExportAsked(msgspec.Struct, frozen=True):
    """Of a person: `export.asked`; of a tenant: `tenant.export_asked`."""

    export_id: UUID


class ExportMade(msgspec.Struct, frozen=True):
    export_id: UUID
    size_bytes: int
    sha256: str


class ErasureAsked(msgspec.Struct, frozen=True):
    erasure_id: UUID
    due_at: datetime


class ErasureDue(msgspec.Struct, frozen=True):
    """Of a person: `erasure.due`; of a tenant: `member.erasure_due`."""

    erasure_id: UUID


class ErasureTakenBack(msgspec.Struct, frozen=True):
    erasure_id: UUID


class MemberErased(msgspec.Struct, frozen=True):
    """No name and no identifier of the person: the receipt's number, and counts."""

    erasure_id: UUID
    parts: list[PartErased]


class MemberExported(msgspec.Struct, frozen=True):
    person_id: UUID


class RetentionApplied(msgspec.Struct, frozen=True):
    table: str
    days: int
    rows: int


class AnyRow(msgspec.Struct, frozen=True):
    """A row as PostgreSQL writes it in JSON."""

    row: dict[str, Any]
