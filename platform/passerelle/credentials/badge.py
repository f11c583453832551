"""The document of a credential: an OpenBadgeCredential (Open Badges 3.0, section B.1.1).

These Structs are the only shape we sign and the only one we accept as ours: a member that isn't
here is refused, so nothing in a document that verifies is outside what was signed. Every node that
says something about the holder has an identifier of its own; none is blank.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from passerelle.credentials import contexts
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_, Locale

DOCUMENT_LIMIT_BYTES: Final = 65_536
TEXT_LIMIT_CHARACTERS: Final = 4_000
ALIGNMENT_LIMIT: Final = 64
# What RFC 9457 and people's browsers get it as (VC Data Model 2.0, section 6.1).
MEDIA_TYPE: Final = "application/vc"

# Control characters are canonicalised differently by the tools in use, so none but a line's end.
Text = Annotated[
    str,
    Meta(min_length=1, max_length=TEXT_LIMIT_CHARACTERS, pattern=r"\A[^\x00-\x09\x0b-\x1f\x7f]+\Z"),
]
# An absolute address; a relative one would silently be left out of what is signed.
Address = Annotated[str, Meta(max_length=1_000, pattern=r'\A[a-z][a-z0-9+.-]*:[^\s"<>\\^`{|}]+\Z')]
Moment = Annotated[str, Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node of the document. Nulls are refused; what isn't known is left out."""


class Profile(Part, frozen=True):
    """The issuer."""

    id: Address
    type: tuple[Literal["Profile"]]
    name: Text


class Criteria(Part, frozen=True):
    narrative: Text


class Alignment(Part, frozen=True):
    """A skill that the achievement proves, as its framework names it."""

    type: tuple[Literal["Alignment"]]
    target_name: Text = field(name="targetName")
    target_url: Address = field(name="targetUrl")
    target_framework: Text | UnsetType = field(name="targetFramework", default=UNSET)
    target_description: Text | UnsetType = field(name="targetDescription", default=UNSET)


class Achievement(Part, frozen=True):
    id: Address
    type: tuple[Literal["Achievement"]]
    name: Text
    description: Text
    criteria: Criteria
    achievement_type: Literal["Certification"] = field(name="achievementType")
    in_language: Locale = field(name="inLanguage")
    human_code: Text | UnsetType = field(name="humanCode", default=UNSET)
    alignment: Annotated[list[Alignment], Meta(min_length=1, max_length=ALIGNMENT_LIMIT)] | (
        UnsetType
    ) = UNSET


class Subject(Part, frozen=True):
    """The holder, under a name only this issuer uses."""

    id: Address
    type: tuple[Literal["AchievementSubject"]]
    achievement: Achievement
    name: Text | UnsetType = UNSET


class Proof(Part, frozen=True):
    """A Data Integrity proof (W3C Verifiable Credential Data Integrity 1.0, section 2.1)."""

    type: Literal["DataIntegrityProof"]
    cryptosuite: Literal["eddsa-rdfc-2022"]
    created: Moment
    verification_method: Address = field(name="verificationMethod")
    proof_purpose: Literal["assertionMethod"] = field(name="proofPurpose")
    proof_value: Annotated[str, Meta(min_length=2, max_length=89)] | UnsetType = field(
        name="proofValue", default=UNSET
    )


class Credential(Part, frozen=True):
    """The whole document, with its proof once it is signed."""

    context: tuple[
        Literal["https://www.w3.org/ns/credentials/v2"],
        Literal["https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
    ] = field(name="@context")
    id: Address
    type: tuple[Literal["VerifiableCredential"], Literal["OpenBadgeCredential"]]
    name: Text
    issuer: Profile
    valid_from: Moment = field(name="validFrom")
    credential_subject: Subject = field(name="credentialSubject")
    valid_until: Moment | UnsetType = field(name="validUntil", default=UNSET)
    proof: Proof | UnsetType = UNSET


class NotACredential(Invalid):
    """The text isn't an Open Badges credential in the form we sign; `detail` says where."""

    title = N_("This is not a credential that can be read here")
    mend = N_("Use the whole file, as it was downloaded from the wallet, without changing it.")


class CredentialTooLarge(NotACredential):
    status = 413
    title = N_("This file is larger than a credential can be")
    mend = N_("Choose the credential's own file: it is smaller than 64 KiB (65,536 bytes).")


def moment(when: datetime) -> str:
    """`when` as the document writes it: UTC, whole seconds (XML Schema dateTimeStamp)."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(text: str) -> datetime:
    """The moment that a Moment's text names. Raises ValueError where the calendar has none."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def compose(
    *,
    credential_id: str,
    issuer: Profile,
    subject_id: str,
    subject_name: str | None,
    achievement: Achievement,
    valid_from: datetime,
) -> Credential:
    """A credential still without a proof. Raises msgspec.ValidationError for a part out of form."""
    subject = Subject(
        id=subject_id,
        type=("AchievementSubject",),
        achievement=achievement,
        name=subject_name or UNSET,
    )
    credential = Credential(
        context=(contexts.CREDENTIALS, contexts.OPEN_BADGES),
        id=credential_id,
        type=("VerifiableCredential", "OpenBadgeCredential"),
        name=achievement.name,
        issuer=issuer,
        valid_from=moment(valid_from),
        credential_subject=subject,
    )
    return msgspec.convert(msgspec.to_builtins(credential), Credential)


def encode(credential: Credential) -> str:
    """The document's text: UTF-8 JSON without white space, so that every byte of it counts."""
    return msgspec.json.encode(credential).decode()


def decode(text: bytes) -> Credential:
    """The credential in `text`. Raises CredentialTooLarge or NotACredential, saying where."""
    return convert(parse(text))


def parse(text: bytes) -> dict[str, Any]:
    """The JSON object in `text`: of our size, and no member twice.

    Raises CredentialTooLarge or NotACredential.
    """
    if len(text) > DOCUMENT_LIMIT_BYTES:
        raise CredentialTooLarge(f"{len(text)} > {DOCUMENT_LIMIT_BYTES} bytes")
    try:
        # msgspec alone would let the last of two members of one name win in silence.
        document = json.loads(text.decode(), object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotACredential(f"JSON: {error}") from error
    if not isinstance(document, dict):
        raise NotACredential("JSON: not an object")
    return document


def convert(document: dict[str, Any]) -> Credential:
    """The parsed document as a Credential. Raises NotACredential, saying which member."""
    try:
        return msgspec.convert(document, Credential)
    except msgspec.ValidationError as error:
        raise NotACredential(str(error)) from error


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("an object has the same member twice")
    return found


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
