"""Rate limits: how often a session, an organisation or a network address may ask, at which door.

Each limit is a bucket that holds `burst` requests and is filled again at `requests_per_s` (the
generic cell rate algorithm, as ATM Forum's Traffic Management 4.0 defines it: one time stamp a
bucket), kept in Valkey, so all web processes share it. A session's limit and its organisation's are
charged by the script that finds the session (see sessions.py): no further round trip. A handler
that does something dear, or that could be asked to guess, declares a door: `limit="verify"`.
"""

import ipaddress
import math
from typing import Literal, Protocol
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from redis.asyncio import Redis
from redis.exceptions import RedisError

from passerelle.kernel.errors import Unavailable
from passerelle.kernel.log import logger
from passerelle.kernel.settings import PREFIX, Settings, SettingsError
from passerelle.web.errors import TooMany

log = logger(__name__)

#: charge(bucket, requests a second, burst) → {allowed, left, ms until allowed, ms until full again}
CHARGE = """
local function charge(bucket, per_s, burst)
  local clock = redis.call('TIME')
  local now = clock[1] * 1000000 + clock[2]
  local interval = 1000000 / per_s
  local depth = interval * burst
  local full_at = math.max(tonumber(redis.call('GET', bucket) or 0), now)
  if full_at + interval - depth > now then
    return {0, 0, math.ceil((full_at + interval - depth - now) / 1000),
      math.ceil((full_at - now) / 1000)}
  end
  full_at = full_at + interval
  redis.call('SET', bucket, string.format('%.0f', full_at),
    'PX', math.ceil((full_at - now) / 1000))
  return {1, math.floor((depth - full_at + now) / interval), 0, math.ceil((full_at - now) / 1000)}
end
"""
CHARGE_ONE = CHARGE + "return charge(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))"
#: An IPv6 customer holds a whole network of this length, and could use each address once.
IPV6_PREFIX_BITS = 64


class Limit(msgspec.Struct, frozen=True):
    name: str
    requests_per_s: float
    burst: int
    by: Literal["address", "session"] = "address"
    # Without Valkey nobody counts: a door to something that can be guessed then stays shut.
    guards_a_secret: bool = False


#: The doors. Many people stand behind one address: a class that opens a course, a ministry at nine.
DOORS = {
    limit.name: limit
    for limit in (
        Limit("sign-in", 10, 300, guards_a_secret=True),
        Limit("invitation", 1, 30, guards_a_secret=True),
        Limit("launch", 50, 1_000),
        Limit("verify", 10, 100),
        Limit("download", 0.5, 20, by="session"),
        # A directory's first sync of thousands; and who shows a token that counts for nothing.
        Limit("scim", 100, 2_000),
        Limit("scim-token", 0.2, 30, guards_a_secret=True),
    )
}


class Verdict(msgspec.Struct, frozen=True):
    """What one limit says of one request."""

    name: str
    requests_per_s: float
    burst: int
    allowed: bool
    remaining: int
    wait_ms: int
    full_in_ms: int


class Plans(Protocol):
    """What an organisation's plan allows."""

    async def requests_per_s(self, tenant_id: UUID) -> int: ...


class RateLimits:
    """The limits of this process: its settings, and the doors they may change."""

    def __init__(self, valkey: Redis, settings: Settings) -> None:
        self._charge = valkey.register_script(CHARGE_ONE)
        self._scale = settings.rate_limit_scale
        self._doors = doors_of(settings)

    async def charge(self, door: str, connection: ASGIConnection) -> Verdict | None:  # type: ignore[type-arg]
        """One request at a door. None where limits are off, or can't be asked and aren't vital.

        Raises Unavailable.
        """
        limit = self._doors[door]
        if self._scale == 0:
            return None
        per_s, burst = limit.requests_per_s * self._scale, limit.burst * self._scale
        try:
            said = await self._charge(
                keys=[f"rate:{door}:{_who(limit, connection)}"], args=[per_s, burst]
            )
        except (OSError, RedisError) as error:
            if limit.guards_a_secret:
                raise Unavailable() from error
            log.warning("a limit could not be asked", limit=door, error=type(error).__name__)
            return None
        return verdict(door, per_s, burst, said)


def doors_of(settings: Settings) -> dict[str, Limit]:
    """The doors with the operator's changes (`verify=5/50`: 5 requests a second, 50 at once)."""
    doors = dict(DOORS)
    for change in settings.rate_limits:
        name, _, figures = change.partition("=")
        per_s, _, burst = figures.partition("/")
        try:
            limit = msgspec.structs.replace(
                doors[name], requests_per_s=float(per_s), burst=int(burst)
            )
        except (KeyError, ValueError):
            limit = None
        if limit is None or not (0 < limit.requests_per_s < math.inf and limit.burst >= 1):
            raise SettingsError(
                f"{PREFIX}RATE_LIMITS has {change!r}: write name=requests a second/burst, as in "
                f"verify=5/50. Names: {', '.join(DOORS)}."
            )
        doors[name] = limit
    return doors


def verdict(name: str, requests_per_s: float, burst: int, said: list[int]) -> Verdict:
    allowed, remaining, wait_ms, full_in_ms = said
    return Verdict(name, requests_per_s, burst, bool(allowed), remaining, wait_ms, full_in_ms)


async def within_limits(
    connection: ASGIConnection,  # type: ignore[type-arg]
    handler: BaseRouteHandler,
) -> None:
    """A guard of all routes, before what they permit is asked. Raises TooMany, Unavailable."""
    verdicts: list[Verdict] = connection.scope["state"].setdefault("verdicts", [])
    door = handler.opt.get("limit")
    if isinstance(door, str) and all(one.allowed for one in verdicts):
        limits: RateLimits = connection.app.state.rate_limits
        said = await limits.charge(door, connection)
        if said is not None:
            verdicts.append(said)
    refused = [one for one in verdicts if not one.allowed]
    if refused:
        log.info("limited", limit=refused[0].name, wait_ms=refused[0].wait_ms)
        raise TooMany(limit=refused[0].name, retry_after_s=_seconds(refused[0].wait_ms))


def headers(verdicts: list[Verdict]) -> list[tuple[bytes, bytes]]:
    """Retry-After (RFC 9110, 10.2.3), RateLimit and RateLimit-Policy
    (draft-ietf-httpapi-ratelimit-headers-10, 3 and 4): each limit that was asked."""
    if not verdicts:
        return []
    found = [
        (
            b"ratelimit-policy",
            ", ".join(
                f'"{one.name}";q={one.burst};w={math.ceil(one.burst / one.requests_per_s)}'
                for one in verdicts
            ).encode(),
        ),
        (
            b"ratelimit",
            ", ".join(
                f'"{one.name}";r={one.remaining};t={_seconds(one.full_in_ms)}' for one in verdicts
            ).encode(),
        ),
    ]
    waits = [one.wait_ms for one in verdicts if not one.allowed]
    if waits:
        found.append((b"retry-after", str(max(1, _seconds(max(waits)))).encode()))
    return found


def _who(limit: Limit, connection: ASGIConnection) -> str:  # type: ignore[type-arg]
    actor = connection.scope["state"].get("actor")
    if limit.by == "session" and actor is not None and actor.session_id:
        return str(actor.session_id)
    return network_of(connection.client.host if connection.client else "")


def network_of(address: str) -> str:
    """Who is counted as one: an IPv4 address, an IPv6 network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX_BITS), strict=False))
    return str(parsed)


def _seconds(milliseconds: int) -> int:
    return math.ceil(milliseconds / 1000)
