"""Sessions, kept in Valkey; the browser holds a random token, we only its hash.

Each organisation has a session of its own in a browser (the cookie's path is `/t/<slug>`), and so
has the person's own space (`/me`): signing in to one says nothing about another.

What a member may do stands in their session, with the organisation's epoch at which it was read.
Whoever changes roles or standing in an organisation calls `changed`, which moves the epoch: every
session then reads its member anew at its next request (see refresh.py).
"""

import hashlib
import secrets
import time
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.language import Locale
from passerelle.kernel.settings import Settings
from tenants.access.grants import access_of
from tenants.access.rate_limits import CHARGE, Verdict, verdict
from tenants.model import Member, Tenant

COOKIE = "passerelle_session"
TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43
TENANT_CHARACTERS = 32
SCAN_KEYS = 1_000


#: Of a session in a person's own space, whose rights never change.
NO_TENANT = UUID(int=0)
#: How long the limit of an organisation's plan is remembered beside its bucket.
PLAN_S = 60
#: The session and its organisation's epoch in one round trip. A record begins with the tenant's id.
#: With a rate, the request is charged to the session and then to the organisation as well: what a
#: session is refused costs the others of its organisation nothing.
FIND = (
    CHARGE
    + """
local record = redis.call('GETEX', KEYS[1], 'EX', ARGV[1])
if not record then return false end
local owner = string.sub(record, 1, 32)
local epoch = redis.call('GET', 'access:' .. owner) or '0'
if not ARGV[2] then return {record, epoch} end
local of_session = charge('rate:' .. KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
if of_session[1] == 0 or owner == string.rep('0', 32) then
  return {record, epoch, of_session}
end
local plan = redis.call('GET', 'rate:plan:' .. owner)
if not plan then return {record, epoch, of_session, ''} end
local per_s = plan * ARGV[5]
return {record, epoch, of_session, charge('rate:tenant:' .. owner, per_s, per_s * ARGV[4]), per_s}
"""
)


class Record(msgspec.Struct):
    actor: Actor
    ends_at: float
    # The organisation's epoch at which the actor's rights were read.
    epoch: int = 0
    # Whom the actor looks as, read only.
    viewing: Actor | None = None


class Found(msgspec.Struct):
    """A living session; where it is not `fresh`, its member is to be read anew at `epoch`."""

    record: Record
    epoch: int
    # What the limits say of the request, where it was charged.
    verdicts: list[Verdict] = []
    # Whether the limit of the organisation's plan was at hand.
    plan_known: bool = True

    @property
    def fresh(self) -> bool:
        return self.record.epoch == self.epoch

    @property
    def actor(self) -> Actor:
        """Who acts: the one looked as while a viewing lasts."""
        viewing = self.record.viewing
        if viewing is None or viewing.viewer is None or viewing.viewer.ends_at < time.time():
            return self.record.actor
        return viewing


def tenant_actor(
    tenant: Tenant, member: Member, origin: str, attributes: dict[str, str], locale: Locale | None
) -> Actor:
    """The actor of a member who came in by `origin`, with what their roles allow."""
    locale = locale or member.locale
    access = access_of(member.grants)
    return msgspec.convert(
        {
            "kind": "person",
            "display_name": member.display_name,
            "person_id": member.person_id,
            "tenant_id": tenant.id,
            "tenant_slug": tenant.slug,
            "tenant_name": tenant.name,
            "permissions": access.permissions,
            "units": access.units,
            "locale": locale,
            "origin": origin,
            "attributes": attributes,
        },
        Actor,
    )


def person_actor(
    person_id: UUID, display_name: str, locale: Locale, attributes: dict[str, str]
) -> Actor:
    """The actor of a person in their own space."""
    return Actor(
        kind="person",
        display_name=display_name,
        person_id=person_id,
        permissions=frozenset({PERSON}),
        locale=locale,
        origin="keycloak",
        attributes=attributes,
    )


def path_of(actor: Actor) -> str:
    return f"/t/{actor.tenant_slug}" if actor.tenant_slug else "/me"


class Sessions:
    def __init__(self, valkey: Redis, settings: Settings) -> None:
        self._valkey = valkey
        self._idle_s = settings.session_idle_minutes * 60
        self._absolute_s = settings.session_absolute_minutes * 60
        self._settings = settings
        self._find = valkey.register_script(FIND)

    async def open(self, actor: Actor) -> str:
        """Begins a session under a fresh token; returns the value of its Set-Cookie header."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session_id = _digest(token)
        actor = msgspec.structs.replace(actor, session_id=session_id)
        epoch = await self._valkey.get(_epoch_key(actor.tenant_id))
        record = Record(actor, time.time() + self._absolute_s, int(epoch or 0))
        async with self._valkey.pipeline() as pipe:
            pipe.set(_key(session_id), _encoded(record), ex=self._idle_s)
            for index in _indexes(actor):
                pipe.sadd(index, session_id)
                pipe.expire(index, self._absolute_s)
            await pipe.execute()
        return cookie(COOKIE, token, path_of(actor), self._absolute_s)

    async def find(self, token: str) -> Actor | None:
        """The actor of a token; the session lives on for another idle time."""
        found = await self.look(token)
        return found.actor if found else None

    async def look(self, token: str, *, charged: bool = False) -> Found | None:
        """The session of a token, and whether its member is to be read anew; `charged` counts the
        request against the session's limit and its organisation's."""
        if len(token) != TOKEN_CHARACTERS:
            return None
        return await self._found(_digest(token), charged=charged)

    async def find_by_id(self, session_id: str) -> Actor | None:
        found = await self._found(session_id)
        return found.actor if found else None

    async def remember_plan(self, tenant_id: UUID, requests_per_s: int) -> None:
        """What the organisation's plan allows, for every process, for PLAN_S seconds."""
        await self._valkey.set(f"rate:plan:{tenant_id.hex}", requests_per_s, ex=PLAN_S)

    async def _found(self, session_id: str, *, charged: bool = False) -> Found | None:
        own = self._settings
        scale = own.rate_limit_scale
        rates: list[float] = []
        if charged and scale:
            per_s, burst = own.session_requests_per_s * scale, own.session_requests_burst * scale
            rates = [per_s, burst, own.tenant_burst_s, scale]
        answer = await self._find(keys=[_key(session_id)], args=[self._idle_s, *rates])
        if not answer:
            return None
        record = msgspec.json.decode(answer[0][TENANT_CHARACTERS:], type=Record)
        if record.ends_at < time.time():
            await self.close(session_id)
            return None
        found = Found(record, int(answer[1]), plan_known=len(answer) != 4)
        if len(answer) > 2:
            found.verdicts.append(verdict("session", rates[0], int(rates[1]), answer[2]))
        if len(answer) > 4:
            per_s = int(answer[4])
            burst = per_s * own.tenant_burst_s
            found.verdicts.append(verdict("organisation", per_s, burst, answer[3]))
        return found

    async def keep(self, session_id: str, record: Record) -> None:
        """Writes a living session anew; one that ended in the meantime stays ended."""
        await self._valkey.set(_key(session_id), _encoded(record), xx=True, keepttl=True)

    async def look_as(self, session_id: str, viewing: Actor | None) -> None:
        """From now on the session looks as someone else, or with None as itself again."""
        found = await self._found(session_id)
        if found is not None:
            await self.keep(session_id, msgspec.structs.replace(found.record, viewing=viewing))

    async def changed(self, tenant_id: UUID) -> None:
        """Roles or standing changed in this organisation: call it once the change is committed."""
        await self._valkey.incr(_epoch_key(tenant_id))

    async def close(self, session_id: str) -> None:
        await self._valkey.delete(_key(session_id))

    async def close_of_person(self, person_id: UUID) -> int:
        """Ends every session of a person, in every organisation; returns how many lived."""
        return await self._close_index(f"sessions:person:{person_id}")

    async def close_of_sign_in(self, sid: str) -> int:
        """Ends the sessions that one sign-in at the identity provider (its `sid`) began."""
        return await self._close_index(f"sessions:sid:{sid}")

    async def close_of_tenant(self, tenant_id: UUID) -> int:
        """Ends every session of an organisation; returns how many lived. It looks at each session
        there is: for the day on which an organisation is suspended or ends."""
        closed = 0
        owner = tenant_id.hex.encode()
        names: list[bytes] = []
        async for name in self._valkey.scan_iter(match="session:*", count=SCAN_KEYS):
            names.append(name)
            if len(names) == SCAN_KEYS:
                closed += await self._close_owned(names, owner)
                names = []
        closed += await self._close_owned(names, owner)
        await self.changed(tenant_id)
        return closed

    async def _close_owned(self, names: list[bytes], owner: bytes) -> int:
        async with self._valkey.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.getrange(name, 0, TENANT_CHARACTERS - 1)
            owners = await pipe.execute()
        found = [name for name, held in zip(names, owners, strict=True) if held == owner]
        closed: int = await self._valkey.delete(*found) if found else 0
        return closed

    async def _close_index(self, index: str) -> int:
        session_ids = await self._valkey.smembers(index)
        if not session_ids:
            return 0
        names = [s.decode() if isinstance(s, bytes) else s for s in session_ids]
        closed: int = await self._valkey.delete(*(_key(name) for name in names))
        await self._valkey.delete(index)
        return closed


def cookie(name: str, value: str, path: str, max_age_s: int, same_site: str = "None") -> str:
    """A Set-Cookie header. `Partitioned` keeps a session that began in an LMS's frame there."""
    partitioned = "; Partitioned" if same_site == "None" else ""
    return (
        f"{name}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; Secure; "
        f"SameSite={same_site}{partitioned}"
    )


def expired_cookie(name: str, path: str) -> str:
    return cookie(name, "", path, 0)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(session_id: str) -> str:
    return f"session:{session_id}"


def _epoch_key(tenant_id: UUID | None) -> str:
    return f"access:{(tenant_id or NO_TENANT).hex}"


def _encoded(record: Record) -> bytes:
    owner = record.actor.tenant_id or NO_TENANT
    return owner.hex.encode() + msgspec.json.encode(record)


def _indexes(actor: Actor) -> list[str]:
    indexes = [f"sessions:person:{actor.person_id}"]
    if sid := actor.attributes.get("sid"):
        indexes.append(f"sessions:sid:{sid}")
    return indexes
