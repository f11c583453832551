"""An invitation, and the link that proves it.

The link holds the invitation's id and an HMAC-SHA-256 (RFC 2104) over the organisation, the id, the
version, the address, the roles and the unit: there is nothing else in it to alter, no algorithm to
choose, and the database alone is not enough to make one.
"""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from passerelle.kernel.language import Locale
from passerelle.kernel.settings import Settings
from tenants.members.model import Held

VALID_DAYS = 14
SENDS_LIMIT = 10
EMAIL_LIMIT_CHARACTERS = 254
#: One @, a domain with a dot, nothing that a mail header or a page would trip over.
_WORD = r"[^\s@<>()\[\],;:\\\"]"
EMAIL = re.compile(_WORD + r"{1,64}@" + _WORD + r"+\.[^\s@<>()\[\],;:\\\".]{2,63}")
MAC_BYTES = 32
TOKEN = re.compile(r"[A-Za-z0-9_-]{64}")

State = Literal["open", "accepted", "expired", "withdrawn"]


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    email: str
    folded_email: str
    name: str
    roles: list[str]
    unit_id: UUID | None
    only_in_unit: bool
    locale: Locale
    version: int
    invited_at: datetime
    invited_by: str
    sent_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: UUID | None
    withdrawn_at: datetime | None
    # The database's clock.
    now: datetime

    @property
    def state(self) -> State:
        if self.accepted_at is not None:
            return "accepted"
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "expired" if self.expires_at <= self.now else "open"


class Invitee(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to invite, as what."""

    email: str
    roles: list[str]
    locale: Locale
    # Where they will stand; and whether the roles count there only.
    unit_id: UUID | None = None
    only_in_unit: bool = False
    name: str = ""

    @property
    def held(self) -> list[Held]:
        return [Held(role, self.unit_id if self.only_in_unit else None) for role in self.roles]


class Invited(msgspec.Struct, frozen=True):
    """`member.invited`, `invitation.sent_again`, `invitation.withdrawn`. No address: the record
    outlives it."""

    invitation_id: UUID
    roles: list[str]
    unit_id: UUID | None
    version: int


class InvitationRefused(msgspec.Struct, frozen=True):
    """`invitation.refused`: someone tried to use one that isn't theirs."""

    invitation_id: UUID
    why: Literal["another-address"]


def token_of(settings: Settings, tenant_id: UUID, invitation: Invitation) -> str:
    """The link's last part, 64 characters."""
    return (
        base64.urlsafe_b64encode(invitation.id.bytes + _mac(settings, tenant_id, invitation))
        .rstrip(b"=")
        .decode("ascii")
    )


def invitation_id_of(token: str) -> UUID | None:
    """Which invitation a token speaks of; None for what is none."""
    if not TOKEN.fullmatch(token):
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(token)[:-MAC_BYTES])
    except (binascii.Error, ValueError):
        return None


def authentic(settings: Settings, tenant_id: UUID, invitation: Invitation, token: str) -> bool:
    """Whether the token was made for this invitation as it now stands, in this organisation."""
    return hmac.compare_digest(token, token_of(settings, tenant_id, invitation))


def _mac(settings: Settings, tenant_id: UUID, invitation: Invitation) -> bytes:
    key = hmac.new(base64.b64decode(settings.master_key), b"invitations", hashlib.sha256).digest()
    bound = (
        str(tenant_id),
        str(invitation.id),
        invitation.version,
        invitation.folded_email,
        sorted(invitation.roles),
        str(invitation.unit_id or ""),
        invitation.only_in_unit,
    )
    return hmac.new(key, msgspec.json.encode(bound), hashlib.sha256).digest()
