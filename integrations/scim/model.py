"""What provisioning keeps and puts on record."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from passerelle.kernel import personal_data
from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable, Retention

Kind = Literal["User", "Group"]
ClientKind = Literal["entra", "okta", "other"]

LOG_KEPT_DAYS: Final = 180
CLIENTS_LIMIT: Final = 10
CLIENT_NAME_LIMIT_CHARACTERS: Final = 80
#: A token's life, and how long the one before it goes on after a rotation.
TOKEN_DAYS: Final = 365
OVERLAP_DAYS: Final = 7
#: What a member whom provisioning made may do until somebody gives them more.
ROLES: Final = ["learner"]

KINDS: Final[dict[ClientKind, str]] = {
    "entra": "Microsoft Entra ID",
    "okta": "Okta",
    "other": N_("Another directory"),
}


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A user or a group. `links` are a user's groups or a group's members."""

    id: UUID
    kind: Kind
    name: str
    external_id: str | None
    person_id: UUID | None
    suspended: bool
    attributes: dict[str, Any]
    version: int
    created_at: datetime
    changed_at: datetime
    links: list[dict[str, Any]] = []

    @property
    def tag(self) -> str:
        return f'W/"{self.version}"'

    @property
    def active(self) -> bool:
        """What the client asked for last; the membership may be held back by others as well.
        Where it took the attribute away, all stays as it was."""
        return bool(self.attributes.get("active", not self.suspended))


class Caller(msgspec.Struct, frozen=True):
    """The client whose token was shown."""

    tenant_id: UUID
    client_id: UUID
    token_id: UUID
    name: str
    # Whether the use of the token is to be noted.
    unnoted: bool = False


class Client(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    kind: ClientKind
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None
    tested_at: datetime | None
    test_ok: bool | None
    test_detail: str | None
    last_used_at: datetime | None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    client_id: UUID
    hint: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was asked: by whom, of whom, and what came of it."""

    id: UUID
    client_id: UUID
    client_name: str
    asked_at: datetime
    action: str
    kind: str
    resource_id: str | None
    name: str
    person_id: UUID | None
    status: int
    detail: str

    @property
    def went_well(self) -> bool:
        return self.status < 400


class ClientOnRecord(msgspec.Struct, frozen=True):
    """`scim.client_made`, `scim.client_revoked`, `scim.token_made`, `scim.token_revoked`; `hint`
    is how a token ends."""

    name: str
    hint: str | None = None
    expires_at: datetime | None = None


class UserChanged(msgspec.Struct, frozen=True):
    """`scim.user_changed`: the attributes that changed, as they are now; before, as they were."""

    user_name: str
    attributes: dict[str, Any]


class GroupChanged(msgspec.Struct, frozen=True):
    """`scim.group_made`, `scim.group_changed`, `scim.group_removed`: members by their person."""

    name: str
    external_id: str | None
    joined: list[UUID] = []
    left: list[UUID] = []


class TokenRefused(msgspec.Struct, frozen=True):
    """`scim.refused`: a token that counts for nothing here was shown; once an hour an address."""

    reason: Literal["missing", "unknown"]


personal_data.register(
    PersonalTable(
        table="scim_resource",
        owner="tenant",
        purpose=Localised(
            en="What your organisation's directory says of you",
            fr="Ce que l’annuaire de votre organisation dit de vous",
            ar="ما يقوله عنك دليل مؤسستك",
        ),
        columns=("name", "external_id", "attributes"),
        withheld=("folded", "name_key", "client_id"),
    ),
    PersonalTable(
        table="scim_log",
        owner="tenant",
        purpose=Localised(
            en="What your organisation's directory changed about your membership, and when",
            fr="Ce que l’annuaire de votre organisation a changé à votre adhésion, et quand",
            ar="ما غيّره دليل مؤسستك في عضويتك، ومتى",
        ),
        columns=("action", "name", "detail", "asked_at"),
        ground="duty",
        retention=Retention(column="asked_at", days=LOG_KEPT_DAYS, least_days=30),
    ),
    PersonalTable(
        table="scim_client",
        owner="tenant",
        person_column="created_by",
        by_name=True,
        purpose=Localised(
            en="Who connected a directory",
            fr="Qui a raccordé un annuaire",
            ar="من ربط الدليل",
        ),
        erasure="anonymise",
        blanks={"created_by": "''"},
    ),
    PersonalTable(
        table="scim_client",
        owner="tenant",
        person_column="revoked_by",
        by_name=True,
        purpose=Localised(
            en="Who disconnected a directory",
            fr="Qui a débranché un annuaire",
            ar="من فصل الدليل",
        ),
        erasure="anonymise",
        blanks={"revoked_by": "''"},
    ),
    PersonalTable(
        table="scim_token",
        owner="tenant",
        person_column="created_by",
        by_name=True,
        purpose=Localised(
            en="Who made a token for a directory",
            fr="Qui a créé un jeton pour un annuaire",
            ar="من أنشأ رمزًا لدليل",
        ),
        erasure="anonymise",
        blanks={"created_by": "''"},
        withheld=("digest",),
    ),
)
personal_data.not_personal(
    {
        "scim_client.name": "what the organisation calls a directory",
        "scim_log.client_name": "what the organisation calls a directory",
    }
)
