"""The public keys of LMSes: read strictly, kept in memory, fetched again when a key is new.

A key is chosen by `kid`, and the algorithm follows from the key, never from the token's header.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from lms.claims import where
from lms.refusals import KeySetMalformed, KeySetUnreachable, KeyUnknown, KeyUnusable
from passerelle.kernel.errors import Problem

ALGORITHM: Final = "RS256"
KEYS_LIMIT: Final = 100
KEY_BITS_LIMITS: Final = (2048, 8192)
LIFETIME_S: Final = 3600
# An unknown kid fetches the set again, at most this often for one registration.
REFETCH_INTERVAL_S: Final = 30
REGISTRATIONS_LIMIT: Final = 2000


class KeySet:
    """The usable keys of one JSON Web Key Set (RFC 7517), and the names of the others."""

    def __init__(self, usable: dict[str, RSAKey], unusable: dict[str, str]) -> None:
        self._usable = usable
        self._unusable = unusable

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._usable or key_id in self._unusable

    def key(self, key_id: str) -> RSAKey:
        """Raises KeyUnknown or KeyUnusable."""
        found = self._usable.get(key_id)
        if found is not None:
            return found
        if key_id in self._unusable:
            raise KeyUnusable(f"kid {key_id[:80]}: {self._unusable[key_id]}")
        raise KeyUnknown(f"kid {key_id[:80]}")


class _Key(msgspec.Struct):
    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    n: str | None = None
    e: str | None = None


class _Keys(msgspec.Struct):
    keys: list[_Key]


def read_key_set(value: Any) -> KeySet:
    """The key set in a platform's answer. Raises KeySetMalformed."""
    try:
        keys = msgspec.convert(value, _Keys).keys
    except msgspec.ValidationError as error:
        raise KeySetMalformed(where(error)) from None
    if len(keys) > KEYS_LIMIT:
        raise KeySetMalformed(f"{len(keys)} > {KEYS_LIMIT}")
    usable: dict[str, RSAKey] = {}
    unusable: dict[str, str] = {}
    for key in keys:
        if key.kid is None or key.kid in usable:
            continue
        imported = _imported(key)
        if isinstance(imported, str):
            unusable[key.kid] = imported
        else:
            usable[key.kid] = imported
    return KeySet(usable, unusable)


def _imported(key: _Key) -> RSAKey | str:
    """The public key, or why it is of no use."""
    if key.kty != "RSA" or key.n is None or key.e is None:
        return f"kty {key.kty}"
    if key.use not in (None, "sig"):
        return f"use {key.use}"
    if key.alg not in (None, ALGORITHM):
        return f"alg {key.alg}"
    try:
        imported = RSAKey.import_key({"kty": "RSA", "n": key.n, "e": key.e})
        bits = imported.public_key.key_size
    except (JoseError, ValueError):
        return "n, e"
    smallest, largest = KEY_BITS_LIMITS
    return imported if smallest <= bits <= largest else f"n: {bits} bit"


class Keyed(Protocol):
    """What of a registration is needed here."""

    @property
    def id(self) -> UUID: ...
    @property
    def jwks_url(self) -> str: ...


class _Kept:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.url = ""
        self.key_set: KeySet | None = None
        self.fetched_at = float("-inf")


class KeySets:
    """Key sets by registration. One fetch at a time for each; a slow LMS delays its own only."""

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()

    async def holding(self, registration: Keyed, key_id: str | None) -> KeySet:
        """The registration's key set, fetched again where it is old or lacks `key_id`.

        Raises KeySetUnreachable or KeySetMalformed where there is no set to fall back on.
        """
        kept = self._entry(registration)
        if not self._wanted(kept, key_id) and kept.key_set is not None:
            return kept.key_set
        async with kept.lock:
            if self._wanted(kept, key_id):
                await self._refetch(kept)
        if kept.key_set is None:
            raise KeySetUnreachable(kept.url)
        return kept.key_set

    def _entry(self, registration: Keyed) -> _Kept:
        kept = self._kept.setdefault(registration.id, _Kept())
        if kept.url != registration.jwks_url:
            kept = self._kept[registration.id] = _Kept()
            kept.url = registration.jwks_url
        self._kept.move_to_end(registration.id)
        if len(self._kept) > REGISTRATIONS_LIMIT:
            self._kept.popitem(last=False)
        return kept

    def _wanted(self, kept: _Kept, key_id: str | None) -> bool:
        age_s = self._clock() - kept.fetched_at
        lacking = kept.key_set is None or (key_id is not None and key_id not in kept.key_set)
        return age_s > LIFETIME_S or (lacking and age_s > REFETCH_INTERVAL_S)

    async def _refetch(self, kept: _Kept) -> None:
        kept.fetched_at = self._clock()
        try:
            kept.key_set = read_key_set(await self._fetch(kept.url))
        except Problem as problem:
            if kept.key_set is None:
                if isinstance(problem, KeySetMalformed):
                    raise
                raise KeySetUnreachable(problem.detail) from problem
