"""Verification of a launch: pure, on a snapshot, with nothing read before the signature holds.

PyLTI1p3's validator runs inside, and what it leaves open is closed here (LTI security framework
1.0 section 5; RFC 8725): the key's own algorithm, `crit`, `exp` and `iat`, several audiences and
`azp`, the nonce of this very login, the target within ours. Who calls awaits form, registration
and key set first, and stores the nonce after.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from pylti1p3.deployment import Deployment
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.registration import Registration as LibraryRegistration

from lms import refusals
from lms.claims import (
    LTI,
    RESOURCE_LINK_REQUEST,
    VERSION,
    Claims,
    Launch,
    convert,
    flattened,
    where,
)
from lms.id_token import Token, signed_body
from lms.key_sets import KeySet
from lms.state import LEEWAY_S, LoginState

KNOWN_MESSAGES: Final = (
    RESOURCE_LINK_REQUEST,
    "LtiDeepLinkingRequest",
    "LtiSubmissionReviewRequest",
    "DataPrivacyLaunchRequest",
    "LtiStartProctoring",
    "LtiEndAssessment",
    "LtiContextCopyNotice",
)
# The last second of the year 9999; a time in milliseconds is beyond it.
LATEST_TIME_S: Final = 253_402_300_799
# What browsers read otherwise than we do: blanks, controls, backslashes.
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f\\]")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a launch's registration before its token is looked at."""

    tenant_id: UUID
    registration_id: UUID
    issuer: str
    client_id: str
    deployment_ids: tuple[str, ...]
    key_set: KeySet
    # Where this service is reached, without a slash at the end.
    public_url: str


class _Session:
    """PyLTI1p3's memory of the login; ours is the sealed state."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce

    def check_state_is_valid(self, state: str, id_token_hash: str) -> bool:
        return True

    def check_nonce(self, nonce: object) -> bool:
        if nonce != self._nonce:
            raise refusals.NonceForeign()
        return True


class _Configuration:
    """PyLTI1p3's view of the one registration and its deployments."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def check_iss_has_one_client(self, issuer: str) -> bool:
        return False

    def find_registration_by_params(
        self, issuer: object, client_id: object, **_: object
    ) -> LibraryRegistration:
        if issuer != self._snapshot.issuer:
            raise refusals.IssuerForeign(f"iss {str(issuer)[:200]}")
        return LibraryRegistration().set_issuer(self._snapshot.issuer).set_client_id(str(client_id))

    def find_deployment_by_params(
        self, issuer: object, deployment_id: object, client_id: object
    ) -> Deployment:
        # A tuple's `in` compares, so that no kind of claim needs to be hashable.
        if deployment_id not in self._snapshot.deployment_ids:
            raise refusals.DeploymentUnknown(f"deployment_id {str(deployment_id)[:255]}")
        return Deployment().set_deployment_id(str(deployment_id))


class _Validator(MessageLaunch[Any, Any, Any, Any]):
    """PyLTI1p3's validator: no network, no storage, and no body before the signature holds."""

    claims: Claims

    def __init__(self, token: Token, snapshot: Snapshot, state: LoginState, now: float) -> None:
        # `_SHARED` stands for the HTTP session that the library would else make for each launch.
        super().__init__(
            None, _Configuration(snapshot), _Session(state.nonce), _SHARED, None, _SHARED
        )
        self._token, self._snapshot, self._state, self._now = token, snapshot, state, now

    def _get_request_param(self, key: str) -> str:
        return self._token.text if key == "id_token" else "sealed"

    def validate_jwt_format(self) -> "_Validator":
        body = signed_body(self._token, self._snapshot.key_set)
        check_parties(body, self._snapshot)
        check_times(body, self._state.began_at, self._now)
        self._jwt = {"body": body}  # type: ignore[typeddict-item]
        return self

    def validate_jwt_signature(self) -> "_Validator":
        return self  # held already, before the body was read

    def get_client_id(self) -> str:
        return self._snapshot.client_id

    def fetch_public_key(self, key_set_url: str) -> Any:
        raise AssertionError("keys come with the snapshot")

    def validate_message(self) -> "_Validator":
        self.claims = message(self._jwt["body"])  # type: ignore[arg-type]
        super().validate_message()
        return self

    def save_launch_data(self) -> "_Validator":
        return self


_SHARED: Any = object()


def verify(token: Token, snapshot: Snapshot, state: LoginState, now: float) -> Launch:
    """The launch that the token describes; a LaunchRefused subclass says why there is none."""
    validator = _Validator(token, snapshot, state, now)
    try:
        validator.validate()
    except LtiException as error:
        raise _REASONS.get(str(error), refusals.LaunchRefused)(str(error)) from None
    check_target(validator.claims.target_link_uri, snapshot.public_url)
    return flattened(validator.claims, snapshot.tenant_id, snapshot.registration_id)


# What PyLTI1p3 says itself before our checks of the message run.
_REASONS: Final[dict[str, type[refusals.LaunchRefused]]] = {
    '"nonce" is empty': refusals.NonceMissing,
    '"iss" is empty': refusals.IssuerForeign,
    "deployment_id is not set in jwt body": refusals.DeploymentMissing,
}


def check_parties(body: dict[str, Any], snapshot: Snapshot) -> None:
    """Audience and authorized party (OpenID Connect Core 3.1.3.7, points 3 to 5)."""
    audience = body.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or snapshot.client_id not in audiences:
        raise refusals.AudienceForeign(f"aud {str(audience)[:200]}")
    authorized = body.get("azp")
    if authorized is None and len(audiences) > 1:
        raise refusals.AuthorizedPartyMissing()
    if authorized is not None and authorized != snapshot.client_id:
        raise refusals.AuthorizedPartyForeign(f"azp {str(authorized)[:200]}")


def check_times(body: dict[str, Any], began_at: int, now: float) -> None:
    """exp, iat and nbf against now; and no token older than the login that it answers."""
    expires, issued, not_before = (_time(body, name) for name in ("exp", "iat", "nbf"))
    if expires is None:
        raise refusals.ExpiryMissing()
    if issued is None:
        raise refusals.IssueTimeMissing()
    if expires <= now - LEEWAY_S or expires <= issued:
        raise refusals.Expired(f"exp − now = {expires - now:.0f} s")
    if issued > now + LEEWAY_S:
        raise refusals.IssuedInFuture(f"iat − now = {issued - now:.0f} s")
    if issued < began_at - LEEWAY_S:
        raise refusals.IssuedBeforeLogin(f"iat − login = {issued - began_at:.0f} s")
    if not_before is not None and not_before > now + LEEWAY_S:
        raise refusals.NotYetValid(f"nbf − now = {not_before - now:.0f} s")


def _time(body: dict[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value <= LATEST_TIME_S:
        raise refusals.TimeMalformed(name)
    return float(value)


def message(body: dict[str, Any]) -> Claims:
    """The claims of a resource link launch (LTI Core 1.3 section 5.3): each required one is
    missed by its own refusal."""
    for claim, refusal in _REQUIRED:
        if body.get(claim) in (None, ""):
            raise refusal()
    if body[LTI + "version"] != VERSION:
        raise refusals.VersionUnsupported(str(body[LTI + "version"])[:40])
    kind = body[LTI + "message_type"]
    if kind not in KNOWN_MESSAGES:
        raise refusals.MessageTypeUnknown(str(kind)[:80])
    if kind != RESOURCE_LINK_REQUEST:
        raise refusals.MessageTypeUnserved(kind)
    link = body.get(LTI + "resource_link")
    if not link or (isinstance(link, dict) and link.get("id") in (None, "")):
        raise refusals.ResourceLinkMissing()
    try:
        return convert(body)
    except msgspec.ValidationError as error:
        raise refusals.ClaimMalformed(where(error)) from None


_REQUIRED: Final[tuple[tuple[str, type[refusals.LaunchRefused]], ...]] = (
    (LTI + "version", refusals.VersionMissing),
    (LTI + "message_type", refusals.MessageTypeMissing),
    (LTI + "roles", refusals.RolesMissing),
    ("sub", refusals.SubjectMissing),
    (LTI + "target_link_uri", refusals.TargetMissing),
)


def check_target(target: str, public_url: str) -> None:
    """A target address is ours: same scheme, host and port, and no way out of it."""
    try:
        ours, theirs = urlsplit(public_url), urlsplit(target)
    except ValueError:
        raise refusals.TargetForeign(target[:200]) from None
    within = (theirs.scheme, theirs.netloc.lower()) == (ours.scheme, ours.netloc.lower())
    if not within or _UNFIT.search(target):
        raise refusals.TargetForeign(target[:200])
