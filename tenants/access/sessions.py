"""Sessions, kept in Valkey; the browser holds a random token, we only its hash.

The token is renewed while it is used (settings.session_renewal_minutes; see session_scripts.py);
the session keeps its id.

Each organisation has a session of its own in a browser (the cookie's path is `/t/<slug>`), and so
has the person's own space (`/me`): signing in to one says nothing about another.

What a member may do stands in their session, with the organisation's epoch at which it was read.
Whoever changes roles or standing in an organisation calls `changed`, which moves the epoch: every
session then reads its member anew at its next request (see refresh.py).
"""

import hashlib
import secrets
import time
from typing import Any
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.events import source_address
from passerelle.kernel.language import Locale
from passerelle.kernel.settings import Settings
from tenants.access.browsers import browser_of, user_agent
from tenants.access.grants import access_of
from tenants.access.rate_limits import verdict
from tenants.access.session_index import (
    end_all,
    end_oldest,
    person_index,
    session_key,
    sid_index,
)
from tenants.access.session_model import Found, Record, Shown
from tenants.access.session_scripts import FIND, KEEP, OFFERED, STOLEN
from tenants.model import Member, Tenant

COOKIE = "passerelle_session"
TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43
SESSION_ID_BYTES = 16
SCAN_KEYS = 1_000


#: Of a session in a person's own space, whose rights never change.
NO_TENANT = UUID(int=0)
#: How long the limit of an organisation's plan is remembered beside its bucket.
PLAN_S = 60
#: How long a token still serves after its successor was first used: for what was under way.
GRACE_S = 10
#: So many sessions of one person live at a time; one more ends the oldest.
SESSIONS_OF_A_PERSON = 100


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
        self.idle_s = settings.session_idle_minutes * 60
        self._absolute_s = settings.session_absolute_minutes * 60
        self._renew_s = settings.session_renewal_minutes * 60
        self._settings = settings
        self._find = valkey.register_script(FIND)
        self._keep = valkey.register_script(KEEP)

    async def open(self, actor: Actor) -> str:
        """Begins a session under a fresh token; returns the value of its Set-Cookie header."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session_id = secrets.token_hex(SESSION_ID_BYTES)
        actor = msgspec.structs.replace(actor, session_id=session_id)
        epoch = await self._valkey.get(_epoch_key(actor.tenant_id))
        now = time.time()
        record = Record(actor, now + self._absolute_s, int(epoch or 0))
        shown = Shown(now, source_address.get() or "", browser_of(user_agent.get()))
        held: dict[Any, Any] = {
            "owner": (actor.tenant_id or NO_TENANT).hex,
            "record": msgspec.json.encode(record),
            "shown": msgspec.json.encode(shown),
            **{"token": _digest(token), "generation": 0, "since": int(now), "offered": 0},
        }
        person = person_index(actor.person_id)
        async with self._valkey.pipeline() as pipe:
            pipe.hset(session_key(session_id), mapping=held)
            pipe.expire(session_key(session_id), self.idle_s)
            pipe.set(_token_key(token), f"{session_id}0", ex=max(1, self._absolute_s))
            sid = actor.attributes.get("sid")
            for index in [sid_index(sid), person] if sid else [person]:
                pipe.zremrangebyscore(index, "-inf", now)
                pipe.zadd(index, {session_id: record.ends_at})
                pipe.expire(index, self._absolute_s)
            pipe.zcard(person)
            known = (await pipe.execute())[-1]
        if known > SESSIONS_OF_A_PERSON:
            await end_oldest(self._valkey, person, SESSIONS_OF_A_PERSON)
        return cookie(COOKIE, token, path_of(actor), self._absolute_s)

    async def find(self, token: str) -> Actor | None:
        """The actor of a token; the session lives on for another idle time."""
        found = await self.look(token)
        return found.actor if found and not found.stolen else None

    async def look(
        self, token: str, *, charged: bool = False, renewing: bool = False
    ) -> Found | None:
        """The session of a token, and whether its member is to be read anew; `charged` counts the
        request against the session's limit and its organisation's, `renewing` may give the browser
        a new token."""
        if len(token) != TOKEN_CHARACTERS:
            return None
        own = self._settings
        scale = own.rate_limit_scale
        rates: list[float] = []
        if charged and scale:
            per_s, burst = own.session_requests_per_s * scale, own.session_requests_burst * scale
            rates = [per_s, burst, own.tenant_burst_s, scale]
        successor = secrets.token_urlsafe(TOKEN_BYTES) if renewing else ""
        tokens = [token, successor] if renewing else [token]
        answer = await self._find(
            keys=[_token_key(one) for one in tokens],
            args=[self.idle_s, GRACE_S, self._renew_s, self._absolute_s, *rates],
        )
        if not answer:
            return None
        record = msgspec.json.decode(answer[0], type=Record)
        mark, charges = answer[2], answer[3:]
        if record.ends_at < time.time():
            await self.close(record.actor.session_id or "")
            return None
        found = Found(record, int(answer[1]), plan_known=len(charges) != 2)
        found.stolen = mark == STOLEN
        if mark == OFFERED:
            left_s = int(record.ends_at - time.time())
            found.renewed = cookie(COOKIE, successor, path_of(record.actor), left_s)
            # Long before another may be offered: the browser keeps the one that comes last.
            found.renewed_until = time.monotonic() + GRACE_S / 2
        if charges:
            found.verdicts.append(verdict("session", rates[0], int(rates[1]), charges[0]))
        if len(charges) > 2:
            per_s = int(charges[2])
            burst = per_s * own.tenant_burst_s
            found.verdicts.append(verdict("organisation", per_s, burst, charges[1]))
        return found

    async def find_by_id(self, session_id: str) -> Actor | None:
        record = await self._record(session_id)
        return Found(record, record.epoch).actor if record else None

    async def _record(self, session_id: str) -> Record | None:
        content = await self._valkey.hget(session_key(session_id), "record")
        record = msgspec.json.decode(content, type=Record) if content else None
        return record if record and record.ends_at >= time.time() else None

    async def remember_plan(self, tenant_id: UUID, requests_per_s: int) -> None:
        """What the organisation's plan allows, for every process, for PLAN_S seconds."""
        await self._valkey.set(f"rate:plan:{tenant_id.hex}", requests_per_s, ex=PLAN_S)

    async def keep(self, session_id: str, record: Record) -> None:
        """Writes a living session anew; one that ended in the meantime stays ended."""
        await self._keep(keys=[session_key(session_id)], args=[msgspec.json.encode(record)])

    async def look_as(self, session_id: str, viewing: Actor | None) -> None:
        """From now on the session looks as someone else, or with None as itself again."""
        record = await self._record(session_id)
        if record is not None:
            await self.keep(session_id, msgspec.structs.replace(record, viewing=viewing))

    async def changed(self, tenant_id: UUID) -> None:
        """Roles or standing changed in this organisation: call it once the change is committed."""
        await self._valkey.incr(_epoch_key(tenant_id))

    async def close(self, session_id: str) -> bool:
        """Ends a session; returns whether it lived."""
        return bool(await self._valkey.delete(session_key(session_id)))

    async def close_of_person(self, person_id: UUID) -> int:
        """Ends every session of a person, in every organisation; returns how many lived."""
        return await end_all(self._valkey, person_index(person_id))

    async def close_of_sign_in(self, sid: str) -> int:
        """Ends the sessions that one sign-in at the identity provider (its `sid`) began."""
        return await end_all(self._valkey, sid_index(sid))

    async def close_of_tenant(self, tenant_id: UUID) -> int:
        """Ends every session of an organisation; returns how many lived. It looks at each session
        there is: for the day on which an organisation is suspended or ends."""
        closed = 0
        owner = tenant_id.hex.encode()
        names: list[bytes] = []
        # Hashes alone: sessions of before an upgrade were texts, and end by themselves.
        async for name in self._valkey.scan_iter("session:*", SCAN_KEYS, "hash"):
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
                pipe.hget(name, "owner")
            owners = await pipe.execute()
        found = [name for name, held in zip(names, owners, strict=True) if held == owner]
        closed: int = await self._valkey.delete(*found) if found else 0
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


def _token_key(token: str) -> str:
    return f"token:{_digest(token)}"


def _epoch_key(tenant_id: UUID | None) -> str:
    return f"access:{(tenant_id or NO_TENANT).hex}"
