"""Access tokens of LMSes: one for each registration and set of scopes, kept until it expires.

Client credentials with a signed assertion (RFC 7523; LTI security framework 1.0 section 4.1).
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lms import keys
from lms.model import Registration
from passerelle.kernel.database import TenantRead
from passerelle.kernel.http import GuardedClient, OutsideFailure
from passerelle.kernel.language import N_
from passerelle.kernel.secrets import Vault

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MARGIN_S = 30
LIFETIME_LIMIT_S = 3600
TOKENS_LIMIT = 5000


class TokenRefused(OutsideFailure):
    """The LMS gave no access token; nothing was sent under one."""

    title = N_("The LMS gave us no access to its grade book")
    mend = N_(
        "Check token address and client id of the connection, and that the LMS knows our key "
        "set address."
    )


Key = tuple[UUID, UUID, tuple[str, ...]]


class _Answer(msgspec.Struct):
    access_token: Annotated[str, Meta(min_length=1, max_length=16_384)]
    expires_in: int | float | str | None = None


class _Kept(msgspec.Struct):
    token: str
    until: float


class AccessTokens:
    """The tokens of one process. The key holds tenant and registration: issuers are shared."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Kept] = {}
        self._locks: dict[Key, asyncio.Lock] = {}

    async def get(
        self,
        read: TenantRead,
        http: GuardedClient,
        vault: Vault,
        registration: Registration,
        scopes: Iterable[str],
    ) -> str:
        """A token for these scopes; many who ask at once fetch one.

        Raises TokenRefused, with the LMS's own error code, AddressRefused or ToolKeyLost.
        """
        key = (read.tenant_id, registration.id, tuple(sorted(set(scopes))))
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is None or kept.until < time.monotonic():
                assertion = await keys.client_assertion(read, vault, registration)
                kept = await _fetch(http, registration.token_url, assertion, key[2])
                self._make_room()
                self._kept[key] = kept
            return kept.token

    def forget(self, token: str) -> None:
        """Lets go of a token that the LMS no longer takes."""
        self._kept = {key: kept for key, kept in self._kept.items() if kept.token != token}

    def _make_room(self) -> None:
        if len(self._kept) >= TOKENS_LIMIT:
            self._kept.clear()
            self._locks = {key: lock for key, lock in self._locks.items() if lock.locked()}


async def _fetch(
    http: GuardedClient, token_url: str, assertion: str, scopes: tuple[str, ...]
) -> _Kept:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": " ".join(scopes),
    }
    try:
        reply = await http.post_form(token_url, form, headers={"accept": "application/json"})
    except OutsideFailure as problem:
        raise TokenRefused(f"token: {problem.detail}") from problem
    if reply.status != 200:
        raise TokenRefused(f"token: HTTP {reply.status} {_error(reply.content)}".rstrip())
    try:
        answer = msgspec.json.decode(reply.content, type=_Answer)
        lifetime_s = float(answer.expires_in or LIFETIME_LIMIT_S)
    except (msgspec.DecodeError, ValueError):
        raise TokenRefused("token: JSON") from None
    lifetime_s = min(lifetime_s, LIFETIME_LIMIT_S) - MARGIN_S
    return _Kept(answer.access_token, time.monotonic() + lifetime_s)


def _error(content: bytes) -> str:
    """The error code of RFC 6749 section 5.2, where the answer has one."""
    try:
        found = msgspec.json.decode(content, type=dict[str, object]).get("error", "")
    except msgspec.DecodeError:
        return ""
    return str(found)[:80]
