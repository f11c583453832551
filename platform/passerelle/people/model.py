"""A person's profile and sharings: their shapes, their limits and their events."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from passerelle.kernel import personal_data
from passerelle.kernel.language import Localised
from passerelle.kernel.personal_data import PersonalTable

Purpose = Literal["hiring"]
SHARING_DAYS_LIMIT = 730
HEADLINE_LENGTH_LIMIT = 160
ABOUT_LENGTH_LIMIT = 4_000
SHARINGS_SHOWN_LIMIT = 200


class Profile(Struct, frozen=True):
    """What a person says of themselves: shown to people, never scored."""

    headline: str
    about: str
    locale: str


class Sharing(Struct, frozen=True):
    """What a person lets an organisation see: for what, and until when."""

    id: UUID
    tenant_id: UUID
    purpose: str
    granted_at: datetime
    until: datetime
    withdrawn_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        return self.withdrawn_at is None and self.until > now


class Organisation(Struct, frozen=True):
    """An organisation that can be shared with."""

    id: UUID
    slug: str
    name: Localised


class SharingGranted(Struct, frozen=True):
    """Event `sharing.granted`; sent again when the date of a live sharing changes."""

    sharing_id: UUID
    tenant_id: UUID
    purpose: str
    until: datetime


class SharingWithdrawn(Struct, frozen=True):
    """Event `sharing.withdrawn`: by then the organisation's projections are gone already."""

    sharing_id: UUID
    tenant_id: UUID
    purpose: str


def end_of(day: date) -> datetime:
    """The moment after the last one of `day` (UTC): a sharing until that day ends there."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


def last_day(until: datetime) -> date:
    """The last whole day on which a sharing that ends at `until` is live (UTC)."""
    return (until.astimezone(UTC) - timedelta(microseconds=1)).date()


personal_data.register(
    PersonalTable(
        table="person",
        owner="person",
        purpose=Localised(
            en="Your name, address and language",
            fr="Votre nom, votre adresse et votre langue",
            ar="اسمك وعنوانك ولغتك",
        ),
        columns=("display_name", "email", "locale"),
    ),
    PersonalTable(
        table="identity",
        owner="person",
        purpose=Localised(
            en="The accounts you sign in with",
            fr="Les comptes avec lesquels vous vous connectez",
            ar="الحسابات التي تسجل الدخول بها",
        ),
        columns=("issuer", "subject", "linked_at"),
    ),
    PersonalTable(
        table="profile",
        owner="person",
        purpose=Localised(
            en="What you say of yourself",
            fr="Ce que vous dites de vous-même",
            ar="ما تقوله عن نفسك",
        ),
        columns=("headline", "about"),
        ground="consent",
    ),
    PersonalTable(
        table="sharing",
        owner="person",
        purpose=Localised(
            en="With whom you shared, for what and until when",
            fr="Avec qui vous avez partagé, pour quoi et jusqu’à quand",
            ar="مع من شاركت، ولأي غرض، وإلى متى",
        ),
        columns=("tenant_id", "purpose", "granted_at", "until", "withdrawn_at"),
        ground="consent",
    ),
)
