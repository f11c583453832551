"""Sign-ins under way: one-time records in Valkey, each bound to the browser that began it.

A record's key is the hash of its ticket *and* of a secret that the browser holds in a cookie, so a
ticket shown by another browser finds nothing, and spoils nothing either.
"""

import base64
import hashlib
import re
import secrets
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis

from integrations.keycloak.model import SignInExpired

#: `__Host-`: no other host and no path of ours can plant it (RFC 6265bis, 4.1.3.2).
COOKIE = "__Host-passerelle_sign_in"
#: For a ticket that leaves a frame for a new window, where the frame's cookies don't follow.
ANY_BROWSER = ""
SIGN_IN_S = 600
TOKEN_BYTES = 32
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
NEXT_LIMIT_CHARACTERS = 512
NEXT = re.compile(r"/[A-Za-z0-9/_.~=&?%+-]*")

Record = TypeVar("Record", bound=msgspec.Struct)


def new_token() -> str:
    """256 bits from the system's random source, 43 characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def code_challenge(verifier: str) -> str:
    """RFC 7636, 4.2, method S256."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def browser_secret(cookie: str | None) -> str:
    """The secret this browser holds, or a new one: two sign-ins in two tabs share it."""
    return cookie if cookie and TOKEN.fullmatch(cookie) else new_token()


async def keep(
    valkey: Redis, kind: str, record: msgspec.Struct, browser: str, *, kept_s: int = SIGN_IN_S
) -> str:
    """Keeps a record for one use by this browser, or by ANY_BROWSER; returns its ticket."""
    ticket = new_token()
    await valkey.set(_key(kind, ticket, browser), msgspec.json.encode(record), ex=kept_s, nx=True)
    return ticket


async def take(
    valkey: Redis, kind: str, model: type[Record], ticket: str, browser: str | None
) -> Record:
    """The record, once. Raises SignInExpired."""
    if browser is None or not TOKEN.fullmatch(ticket):
        raise SignInExpired
    content = await valkey.getdel(_key(kind, ticket, browser))
    if content is None:
        raise SignInExpired
    return msgspec.json.decode(content, type=model)


def own_path(wanted: str | None, below: str, otherwise: str) -> str:
    """`wanted` if it is a path of ours at or below `below`, else `otherwise`.

    Letters by a list of those allowed: no scheme, no host, no backslash, no control character,
    no dot segment can lead elsewhere.
    """
    if not wanted or len(wanted) > NEXT_LIMIT_CHARACTERS or not NEXT.fullmatch(wanted):
        return otherwise
    path = urlsplit(wanted).path
    if wanted.startswith("//") or "//" in path or "%" in path or ".." in path:
        return otherwise
    return wanted if path == below or path.startswith(below + "/") else otherwise


def _key(kind: str, ticket: str, browser: str) -> str:
    return f"keycloak:{kind}:{hashlib.sha256(f'{ticket}.{browser}'.encode()).hexdigest()}"
