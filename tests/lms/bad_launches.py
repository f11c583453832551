"""The table of launches that must be refused: what is spoiled, and the reason that must be given.

The first part is the certification guide's list of bad payloads, the rest is ours.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from lms import refusals
from lms.claims import AGS, LTI
from lms.refusals import LaunchRefused
from lms.state import LoginState
from tests.lms import tokens
from tests.lms.tokens import CLIENT_ID, OTHER_KEY, PRIVATE_PEM, PUBLIC_PEM, body, part, signed

Make = Callable[[LoginState], str]
Case = tuple[str, Make, type[LaunchRefused]]


def changed(**changes: Any) -> Make:
    return lambda state: signed(body(state, **changes))


def claim(name: str, value: Any) -> Make:
    return lambda state: signed(body(state, **{LTI + name: value}))


def header(**changes: Any) -> Make:
    return lambda state: signed(body(state), header=changes)


def at(**offsets_s: float) -> Make:
    """Times at so many seconds from now."""
    return lambda state: signed(
        body(state, **{name: time.time() + offset for name, offset in offsets_s.items()})
    )


def unsigned(name: str) -> Make:
    def make(state: LoginState) -> str:
        head = part(json.dumps({"alg": name, "kid": "good"}).encode())
        return (head + b"." + part(json.dumps(body(state)).encode()) + b".").decode()

    return make


def with_public_key_as_secret(kid: str) -> Make:
    """HS256 over the platform's public key, the classic confusion of algorithms."""

    def make(state: LoginState) -> str:
        head = part(json.dumps({"alg": "HS256", "kid": kid}).encode())
        signing_input = head + b"." + part(json.dumps(body(state)).encode())
        code = hmac.new(PUBLIC_PEM, signing_input, hashlib.sha256).digest()
        return (signing_input + b"." + part(code)).decode()

    return make


def own_key(name: str, value: Any) -> Make:
    return lambda state: signed(body(state), key=OTHER_KEY, header={name: value})


def altered(state: LoginState) -> str:
    head, content, signature = signed(body(state)).split(".")
    spoiled = base64.urlsafe_b64decode(content + "==").replace(b"user-1", b"user-2")
    return f"{head}.{part(spoiled).decode()}.{signature}"


def of(content: bytes) -> Make:
    return lambda state: signed(content)


GUIDE: list[Case] = [
    ("no kid", header(kid=None), refusals.KeyIdMissing),
    ("a wrong kid", header(kid="another"), refusals.KeyUnknown),
    ("a wrong version", claim("version", "1.1.3"), refusals.VersionUnsupported),
    ("no version", claim("version", ...), refusals.VersionMissing),
    ("an invalid message", claim("message_type", "Nonsense"), refusals.MessageTypeUnknown),
    ("no claims at all", of(b"{}"), refusals.AudienceForeign),
    ("iat and exp long ago", at(iat=-90_000, exp=-86_400), refusals.Expired),
    ("no message type", claim("message_type", ...), refusals.MessageTypeMissing),
    ("no roles", claim("roles", ...), refusals.RolesMissing),
    ("no deployment id", claim("deployment_id", ...), refusals.DeploymentMissing),
    ("no resource link id", claim("resource_link", {"title": "x"}), refusals.ResourceLinkMissing),
    ("no sub", changed(sub=...), refusals.SubjectMissing),
]

FORM: list[Case] = [
    ("a text that is no token", lambda _: "nonsense", refusals.TokenMalformed),
    ("two parts", lambda s: signed(body(s)).rsplit(".", 1)[0], refusals.TokenMalformed),
    ("four parts", lambda s: signed(body(s)) + ".x", refusals.TokenMalformed),
    ("not ASCII", lambda s: signed(body(s)) + "é", refusals.TokenMalformed),
    ("a header that is a list", lambda s: "W10." + signed(body(s))[4:], refusals.TokenMalformed),
    (
        "a header that is a list of its members",
        lambda s: part(b'["alg", "kid"]').decode() + signed(body(s))[signed(body(s)).index(".") :],
        refusals.TokenMalformed,
    ),
    (
        "a header that is a text",
        lambda s: part(b'"alg"').decode() + signed(body(s))[signed(body(s)).index(".") :],
        refusals.TokenMalformed,
    ),
    ("a body that is a list", of(b"[]"), refusals.TokenMalformed),
    ("a body that is no JSON", of(b"{'a': 1}"), refusals.TokenMalformed),
    ("a body nested a thousand deep", of(b"[" * 5000), refusals.TokenMalformed),
    ("a time beyond all numbers", of(b'{"exp": 1e999}'), refusals.TokenMalformed),
    ("more than 64 KiB", changed(blob="x" * 70_000), refusals.LaunchTooLarge),
    ("alg none", unsigned("none"), refusals.TokenUnsigned),
    ("alg NONE", unsigned("NONE"), refusals.TokenUnsigned),
    ("no alg", header(alg=None), refusals.TokenMalformed),
    ("HS256 with the public key", with_public_key_as_secret("good"), refusals.AlgorithmRefused),
    (
        "HS256 with a listed secret",
        with_public_key_as_secret("symmetric"),
        refusals.AlgorithmRefused,
    ),
    ("RS512 in the header", header(alg="RS512"), refusals.AlgorithmRefused),
    ("alg that is a list", header(alg=["RS256"]), refusals.AlgorithmRefused),
    ("kid that is a number", header(kid=7), refusals.KeyIdMissing),
    ("kid that is empty", header(kid=""), refusals.KeyIdMissing),
    ("a critical extension", header(crit=["exp"]), refusals.HeaderCritical),
    ("an unencoded payload", header(b64=False), refusals.TokenMalformed),
]

KEYS: list[Case] = [
    (
        "a signature of another key",
        lambda s: signed(body(s), key=OTHER_KEY),
        refusals.SignatureBroken,
    ),
    ("a changed body", altered, refusals.SignatureBroken),
    (
        "an empty signature",
        lambda s: signed(body(s)).rsplit(".", 1)[0] + ".",
        refusals.SignatureBroken,
    ),
    (
        "the header's own key",
        own_key("jwk", tokens.public_jwk(OTHER_KEY, "good")),
        refusals.HeaderKeyRefused,
    ),
    (
        "the header's own key address",
        own_key("jku", "https://evil.example/keys"),
        refusals.HeaderKeyRefused,
    ),
    ("a key of 1024 bits", header(kid="weak"), refusals.KeyUnusable),
    ("a key for encryption", header(kid="for-encryption"), refusals.KeyUnusable),
    ("a key for another algorithm", header(kid="for-rs512"), refusals.KeyUnusable),
    ("an elliptic key", header(kid="curve"), refusals.KeyUnusable),
    ("a symmetric key", header(kid="symmetric"), refusals.KeyUnusable),
]

PARTIES: list[Case] = [
    ("a foreign issuer", changed(iss="https://evil.example"), refusals.IssuerForeign),
    ("no issuer", changed(iss=...), refusals.IssuerForeign),
    ("an issuer that is a list", changed(iss=[tokens.ISSUER]), refusals.IssuerForeign),
    ("an issuer with a slash more", changed(iss=tokens.ISSUER + "/"), refusals.IssuerForeign),
    ("a foreign audience", changed(aud="another-tool"), refusals.AudienceForeign),
    ("no audience", changed(aud=...), refusals.AudienceForeign),
    ("no one in the audience", changed(aud=[]), refusals.AudienceForeign),
    ("an audience that is an object", changed(aud={CLIENT_ID: 1}), refusals.AudienceForeign),
    (
        "several audiences without azp",
        changed(aud=[CLIENT_ID, "b"]),
        refusals.AuthorizedPartyMissing,
    ),
    ("a foreign azp", changed(azp="another-tool"), refusals.AuthorizedPartyForeign),
    (
        "several audiences, a foreign azp",
        changed(aud=[CLIENT_ID, "b"], azp="b"),
        refusals.AuthorizedPartyForeign,
    ),
]

TIMES: list[Case] = [
    ("no exp", changed(exp=...), refusals.ExpiryMissing),
    ("exp 61 s ago", at(iat=-120, exp=-61), refusals.Expired),
    ("exp before iat", at(iat=0, exp=-10), refusals.Expired),
    ("exp as a text", changed(exp="tomorrow"), refusals.TimeMalformed),
    ("exp as a truth value", changed(exp=True), refusals.TimeMalformed),
    (
        "exp in year 10^400",
        lambda s: signed(
            json.dumps(body(s)).encode().replace(b'"exp": ', b'"exp": 1' + b"0" * 400)
        ),
        refusals.TimeMalformed,
    ),
    ("exp in milliseconds", at(exp=1.8e12), refusals.TimeMalformed),
    ("exp before 1970", changed(exp=-1), refusals.TimeMalformed),
    ("no iat", changed(iat=...), refusals.IssueTimeMissing),
    ("iat 65 s ahead", at(iat=65, exp=125), refusals.IssuedInFuture),
    ("iat a day before the login", at(iat=-86_400, exp=60), refusals.IssuedBeforeLogin),
    ("iat 65 s before the login", at(iat=-65, exp=60), refusals.IssuedBeforeLogin),
    ("iat as a text", changed(iat=str(int(time.time()))), refusals.TimeMalformed),
    ("nbf in an hour", at(nbf=3600), refusals.NotYetValid),
]

MESSAGE: list[Case] = [
    ("no nonce", changed(nonce=...), refusals.NonceMissing),
    ("the nonce of another login", changed(nonce="other"), refusals.NonceForeign),
    ("a nonce that is a list", changed(nonce=["x"]), refusals.NonceForeign),
    ("a version that is a number", claim("version", 1.3), refusals.VersionUnsupported),
    (
        "a deep linking request",
        claim("message_type", "LtiDeepLinkingRequest"),
        refusals.MessageTypeUnserved,
    ),
    ("a message type that is a list", claim("message_type", ["x"]), refusals.MessageTypeUnknown),
    ("another deployment", claim("deployment_id", "deployment-2"), refusals.DeploymentUnknown),
    (
        "a deployment that is a list",
        claim("deployment_id", ["deployment-1"]),
        refusals.DeploymentUnknown,
    ),
    ("roles of null", claim("roles", None), refusals.RolesMissing),
    ("roles that are a text", claim("roles", "Learner"), refusals.ClaimMalformed),
    ("roles of numbers", claim("roles", [1]), refusals.ClaimMalformed),
    ("a sub of null", changed(sub=None), refusals.SubjectMissing),
    ("an empty sub", changed(sub=""), refusals.SubjectMissing),
    ("a sub that is a number", changed(sub=7), refusals.ClaimMalformed),
    ("a sub of 256 characters", changed(sub="x" * 256), refusals.ClaimMalformed),
    ("no resource link", claim("resource_link", ...), refusals.ResourceLinkMissing),
    ("a resource link of null", claim("resource_link", None), refusals.ResourceLinkMissing),
    ("a resource link that is a text", claim("resource_link", "x"), refusals.ClaimMalformed),
    ("a context that is a text", claim("context", "course"), refusals.ClaimMalformed),
    ("a custom parameter that is a list", claim("custom", {"a": []}), refusals.ClaimMalformed),
    ("a line item that is a number", changed(**{AGS: {"lineitem": 7}}), refusals.ClaimMalformed),
    ("no target", claim("target_link_uri", ...), refusals.TargetMissing),
    (
        "a foreign target",
        claim("target_link_uri", "https://evil.example/lti/launch"),
        refusals.TargetForeign,
    ),
    (
        "a target on another port",
        claim("target_link_uri", tokens.PUBLIC_URL + ":444/lti/launch"),
        refusals.TargetForeign,
    ),
    (
        "a target with a user name",
        claim("target_link_uri", "https://passerelle.example@evil.example/"),
        refusals.TargetForeign,
    ),
    (
        "a target whose host only begins like ours",
        claim("target_link_uri", tokens.PUBLIC_URL + ".evil.example/"),
        refusals.TargetForeign,
    ),
    (
        "a target with a backslash",
        claim("target_link_uri", tokens.PUBLIC_URL + "\\@evil.example"),
        refusals.TargetForeign,
    ),
    (
        "a target over http",
        claim("target_link_uri", "http://passerelle.example/lti/launch"),
        refusals.TargetForeign,
    ),
    (
        "a target that is a script",
        claim("target_link_uri", "javascript:alert(1)"),
        refusals.TargetForeign,
    ),
]

BAD_LAUNCHES: list[Case] = [*GUIDE, *FORM, *KEYS, *PARTIES, *TIMES, *MESSAGE]
assert PRIVATE_PEM
