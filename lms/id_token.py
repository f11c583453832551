"""The form of an id_token and its signature (RFC 7515): nothing of its body is read before."""

from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from lms import refusals
from lms.key_sets import ALGORITHM, KeySet

TOKEN_LIMIT_BYTES: Final = 65_536
HEADER_KEYS: Final = ("jwk", "jku", "x5c", "x5u")


class _Registry(jws.JWSRegistry):
    max_header_length = 8192
    max_payload_length = TOKEN_LIMIT_BYTES


# Headers we don't know are let pass (RFC 7515 section 4); `crit` is refused by hand.
_REGISTRY = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


class Token(msgspec.Struct, frozen=True):
    """An id_token in its three parts, with a header we accept and nothing verified yet."""

    text: str
    parts: jws.CompactSignature
    key_id: str


def read_token(text: str) -> Token:
    """Raises a LaunchRefused subclass where the form alone rules the token out."""
    if len(text) > TOKEN_LIMIT_BYTES:
        raise refusals.LaunchTooLarge(f"{len(text)} B")
    try:
        parts = jws.extract_compact(text.encode("ascii"), registry=_REGISTRY)
    except (JoseError, ValueError, RecursionError, TypeError):
        raise refusals.TokenMalformed() from None
    header = parts.headers()
    if not isinstance(header, dict):
        raise refusals.TokenMalformed("header")
    if "crit" in header:
        raise refusals.HeaderCritical()
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm.lower() == "none":
        raise refusals.TokenUnsigned()
    if algorithm != ALGORITHM:
        raise refusals.AlgorithmRefused(f"alg {str(algorithm)[:40]}")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise refusals.KeyIdMissing()
    return Token(text, parts, key_id)


def signed_body(token: Token, key_set: KeySet) -> dict[str, Any]:
    """The body, under a signature that holds with the named key of the platform's set."""
    try:
        holds = jws.validate_compact(token.parts, key_set.key(token.key_id), registry=_REGISTRY)
    except JoseError:
        raise refusals.TokenMalformed("header") from None
    if not holds and any(name in token.parts.headers() for name in HEADER_KEYS):
        raise refusals.HeaderKeyRefused()
    if not holds:
        raise refusals.SignatureBroken()
    try:
        body = msgspec.json.decode(token.parts.payload)
    except (msgspec.DecodeError, RecursionError):
        raise refusals.TokenMalformed("body") from None
    if not isinstance(body, dict):
        raise refusals.TokenMalformed("body")
    return body
