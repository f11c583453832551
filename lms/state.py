"""The state of an OIDC login: sealed, carried by the browser, and stored nowhere.

What we must remember between the login and the launch travels in the `state` parameter under a
message authentication code, so that neither a login nor a bad launch leaves anything behind. It
is bound to the browser by a random value in a cookie, of which the state holds the digest only.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lms.refusals import CookieMissing, OtherBrowser, StateExpired, StateForged

LIFETIME_S: Final = 600
# How far two clocks may differ: the LMS's and ours, or those of two of our machines.
LEEWAY_S: Final = 60
COOKIE: Final = "passerelle_launch"
BROWSER_BYTES: Final = 24
STATE_LIMIT_CHARACTERS: Final = 1024


class LoginState(msgspec.Struct, frozen=True, array_like=True):
    """What a login began: for which registration, with which nonce, in which browser, when."""

    tenant_id: UUID
    registration_id: UUID
    nonce: str
    browser_digest: bytes
    began_at: int


class StateSeal:
    """Seals and opens states with a key derived from the master key (HKDF, RFC 5869)."""

    def __init__(self, master_key: str) -> None:
        self._key = HKDF(SHA256(), 32, None, b"passerelle lti login state").derive(
            base64.b64decode(master_key)
        )

    def seal(self, state: LoginState) -> str:
        body = msgspec.msgpack.encode(state)
        return _text(body + self._code(body))

    def open(self, text: str, browser: str | None, now: float) -> LoginState:
        """The state. Raises StateForged, StateExpired, CookieMissing or OtherBrowser."""
        if len(text) > STATE_LIMIT_CHARACTERS:
            raise StateForged()
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise StateForged() from None
        body, code = sealed[:-32], sealed[-32:]
        if text != _text(sealed) or not hmac.compare_digest(code, self._code(body)):
            raise StateForged()
        state = msgspec.msgpack.decode(body, type=LoginState)
        if not -LEEWAY_S <= now - state.began_at <= LIFETIME_S:
            raise StateExpired()
        if not browser:
            raise CookieMissing()
        if not hmac.compare_digest(state.browser_digest, digest(browser)):
            raise OtherBrowser()
        return state

    def _code(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")


def begin(tenant_id: UUID, registration_id: UUID, browser: str, now: float) -> LoginState:
    return LoginState(
        tenant_id, registration_id, secrets.token_urlsafe(18), digest(browser), int(now)
    )


def browser_value(cookie: str | None) -> str:
    """The browser's own value where the cookie has one of our form, else a new one. It is kept
    between logins, so that two activities opened at once don't shut each other out."""
    if cookie is not None and len(cookie) == 4 * BROWSER_BYTES // 3 and cookie.isascii():
        return cookie
    return secrets.token_urlsafe(BROWSER_BYTES)


def digest(browser: str) -> bytes:
    return hashlib.sha256(browser.encode()).digest()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
