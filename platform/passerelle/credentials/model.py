"""What can be earned, what was earned, and what a check of it found."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from passerelle.credentials.badge import Credential
from passerelle.kernel.language import N_, Locale, Localised
from passerelle.kernel.personal_data import PersonalTable, register

SKILLS_PER_ACHIEVEMENT_LIMIT: Final = 64
WALLET_SHOWN_LIMIT: Final = 1_000
REASON_LIMIT_CHARACTERS: Final = 500
#: How far an issuer's clock may be ahead of ours.
CLOCK_SKEW_S: Final = 300

Outcome = Literal["valid", "revoked", "not-valid", "not-known"]
StepName = Literal["issuer", "form", "signature", "dates", "record", "standing"]
#: The order in which a credential is checked; a step that fails ends the check.
STEPS: Final[tuple[StepName, ...]] = (
    "issuer",
    "form",
    "signature",
    "dates",
    "record",
    "standing",
)


class ProvenSkill(msgspec.Struct, frozen=True):
    """A skill and the level (1 to 4) at which an achievement proves it."""

    skill_id: UUID
    level: int


class NewAchievement(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation lets people earn; `criteria` says what it takes."""

    code: str
    name: Localised
    description: Localised
    criteria: Localised
    skills: list[ProvenSkill]


class Achievement(NewAchievement, frozen=True, kw_only=True):
    id: UUID


class IssuerKey(msgspec.Struct, frozen=True):
    """The public half (a Multikey text) of a tenant's key, and the DID it was made under."""

    controller: str
    public_key: str


class SigningKey(IssuerKey, frozen=True):
    """The current key with its private half, sealed."""

    id: UUID
    sealed_private_key: bytes


class Organisation(msgspec.Struct, frozen=True):
    """The tenant, as a credential names it."""

    slug: str
    name: Localised
    default_locale: Locale


class IssuedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential in the issuer's record. Without a document it waits to be signed."""

    id: UUID
    person_id: UUID | None
    achievement_id: UUID
    earned_at: datetime
    document: str | None
    issued_at: datetime | None
    revoked_at: datetime | None


class OnRecord(msgspec.Struct, frozen=True):
    """What counts of an issuer's record when a document is checked."""

    id: UUID
    issued_at: datetime | None
    revoked_at: datetime | None


class WalletCredential(msgspec.Struct, frozen=True, kw_only=True):
    """The person's own copy of a credential."""

    id: UUID
    tenant_id: UUID
    document: str
    issuer_name: Localised
    achievement_name: Localised
    skills: list[ProvenSkill]
    earned_at: datetime
    revoked_at: datetime | None


class Step(msgspec.Struct, frozen=True):
    """One step of a check: `held` is None for a step that was not reached."""

    name: StepName
    held: bool | None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found, step by step. `credential` is there once its signature held."""

    outcome: Outcome
    steps: list[Step]
    credential_id: UUID | None = None
    credential: Credential | None = None
    revoked_at: datetime | None = None


class CredentialDue(msgspec.Struct, frozen=True):
    """Event `credential.due`: earned, and to be signed."""

    credential_id: UUID
    person_id: UUID
    achievement_id: UUID


class CredentialIssued(msgspec.Struct, frozen=True):
    """Event `credential.issued`: signed; the person's wallet gets its copy."""

    credential_id: UUID
    person_id: UUID


class CredentialReceived(msgspec.Struct, frozen=True):
    """Event `credential.received`, of the person: the copy lies in the wallet."""

    credential_id: UUID
    tenant_id: UUID
    achievement_name: Localised


class CredentialRevoked(msgspec.Struct, frozen=True):
    """Event `credential.revoked`: it no longer stands, from `revoked_at` on."""

    credential_id: UUID
    person_id: UUID | None
    revoked_at: datetime


register(
    PersonalTable(
        table="issued_credential",
        owner="tenant",
        purpose=Localised(
            "The credentials that the organisation issued to you",
            "Les attestations que l’organisation vous a délivrées",
            "الشهادات التي أصدرتها لك المؤسسة",
        ),
        columns=("document", "earned_at", "revoked_at", "revocation_reason"),
        erasure="anonymise",
        blanks={
            "person_id": "null",
            "document": "null",
            "revocation_reason": "case when revoked_at is not null then '' end",
        },
        kept_because=N_(
            "An entry without name and document stays, so that a copy someone holds can still be "
            "told from a forged or a withdrawn one."
        ),
    ),
    PersonalTable(
        table="wallet_credential",
        owner="person",
        purpose=Localised(
            "Your own copies of the credentials you earned",
            "Vos propres copies des attestations que vous avez obtenues",
            "نسخك الخاصة من الشهادات التي حصلت عليها",
        ),
        columns=("document", "skills", "earned_at", "revoked_at"),
    ),
)
