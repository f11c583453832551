"""Verification of the tokens that Keycloak signs: id tokens and logout tokens.

Pure: a token, the realm's keys, what is expected and the time go in; claims come out, or
TokenError with the reason. The key is chosen by `kid` among the realm's own; the algorithm must
be one of that key's kind (RFC 8725, 3.1); a key or an address in the header is never followed.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

#: Seconds by which two machines' clocks may differ.
LEEWAY_S = 30
#: An id token is taken within this many seconds of its making; a logout token likewise.
AGE_LIMIT_S = 300
TOKEN_LIMIT_BYTES = 16_384
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

Key = RSAKey | ECKey
ALGORITHMS: dict[str, frozenset[str]] = {
    "RSA": frozenset({"RS256", "PS256"}),
    "EC": frozenset({"ES256"}),
}
RSA_BITS_MINIMUM = 2048


class TokenError(Exception):
    """The token proves nothing; the message says why, for the log alone."""


class Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str
    typ: str | None = None
    crit: Any = None
    jwk: Any = None
    jku: Any = None
    x5u: Any = None
    x5c: Any = None
    b64: Any = None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What both kinds carry. Times are seconds since 1970 (NumericDate)."""

    iss: str
    sub: str
    aud: str | list[str]
    iat: float
    exp: float
    azp: str | None = None
    nbf: float | None = None


class Organization(msgspec.Struct, frozen=True):
    id: str = ""


class IdToken(Claims, frozen=True, kw_only=True):
    nonce: str
    sid: str
    typ: Literal["ID"]
    name: str = ""
    email: str | None = None
    email_verified: bool = False
    locale: str | None = None
    acr: str | None = None
    # By alias; the alias may be renamed and given to another, the id may not.
    organization: dict[str, Organization] = {}


class LogoutToken(Claims, frozen=True, kw_only=True):
    jti: str
    sid: str
    events: dict[str, Any]
    nonce: str | None = None


class Expected(msgspec.Struct, frozen=True):
    issuer: str
    client_id: str


Token = TypeVar("Token", bound=Claims)


def key_set(document: bytes) -> dict[str, Key]:
    """The signature keys of a JWK set (RFC 7517), by `kid`; others are left out.

    Raises TokenError where the document isn't one.
    """
    try:
        described = msgspec.json.decode(document, type=dict[str, Any])["keys"]
        keys: dict[str, Key] = {}
        for each in described:
            if each.get("use", "sig") != "sig" or not isinstance(each.get("kid"), str):
                continue
            if each.get("kty") == "RSA":
                rsa = RSAKey.import_key(each)
                if rsa.public_key.key_size >= RSA_BITS_MINIMUM:
                    keys[each["kid"]] = rsa
            elif each.get("kty") == "EC" and each.get("crv") == "P-256":
                keys[each["kid"]] = ECKey.import_key(each)
        return keys
    except (msgspec.MsgspecError, JoseError, KeyError, ValueError, TypeError, AttributeError):
        raise TokenError("the realm's key set can't be read") from None


def header_of(token: str) -> Header:
    """The header, unverified: enough to choose the key by. Raises TokenError."""
    if len(token) > TOKEN_LIMIT_BYTES or token.count(".") != 2:
        raise TokenError("not a signed token in compact form")
    try:
        header = msgspec.json.decode(_from_base64(token.split(".", 1)[0]), type=Header)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise TokenError("the header can't be read") from None
    for name in ("crit", "jwk", "jku", "x5u", "x5c", "b64"):
        if getattr(header, name) is not None:
            raise TokenError(f"the header carries {name}")
    return header


def verify_id_token(
    token: str, keys: Mapping[str, Key], expected: Expected, *, nonce: str, now: float
) -> IdToken:
    """The claims of an id token (OpenID Connect Core, 3.1.3.7) that answers `nonce`."""
    claims = _verified(token, keys, expected, IdToken, now)
    if claims.nonce != nonce:
        raise TokenError("the nonce is of another sign-in")
    return claims


def verify_logout_token(
    token: str, keys: Mapping[str, Key], expected: Expected, *, now: float
) -> LogoutToken:
    """The claims of a logout token (OpenID Connect Back-Channel Logout, 2.6).

    We ask Keycloak for `sid` always, so a token without is refused too.
    """
    if (header_of(token).typ or "").lower() not in ("logout+jwt", "jwt"):
        raise TokenError("not typed as a logout token")
    claims = _verified(token, keys, expected, LogoutToken, now)
    if claims.nonce is not None:
        raise TokenError("a logout token carries no nonce")
    if not isinstance(claims.events.get(LOGOUT_EVENT), dict):
        raise TokenError("not about a logout")
    return claims


def _verified(
    token: str, keys: Mapping[str, Key], expected: Expected, kind: type[Token], now: float
) -> Token:
    header = header_of(token)
    key = keys.get(header.kid)
    if key is None:
        raise TokenError("signed with a key that is not the realm's")
    if header.alg not in ALGORITHMS[key.key_type]:
        raise TokenError(f"{header.alg} is not an algorithm of that key")
    try:
        payload = jws.deserialize_compact(token, key, algorithms=[header.alg]).payload
        claims = msgspec.json.decode(payload, type=kind)
    except JoseError:
        raise TokenError("the signature does not hold") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise TokenError(f"claims are missing or misshapen: {error}") from None
    _check(claims, expected, now)
    return claims


def _check(claims: Claims, expected: Expected, now: float) -> None:
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if claims.iss != expected.issuer:
        raise TokenError("of another issuer")
    if expected.client_id not in audience:
        raise TokenError("for another audience")
    if len(audience) > 1 and claims.azp is None:
        raise TokenError("several audiences and no authorized party")
    if claims.azp is not None and claims.azp != expected.client_id:
        raise TokenError("another authorized party")
    if claims.exp + LEEWAY_S <= now:
        raise TokenError("expired")
    if claims.iat - LEEWAY_S > now or claims.iat + AGE_LIMIT_S < now:
        raise TokenError("made at another time")
    if claims.nbf is not None and claims.nbf - LEEWAY_S > now:
        raise TokenError("not valid yet")
    if not claims.sub:
        raise TokenError("no subject")


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
