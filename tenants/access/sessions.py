"""Sessions, kept in Valkey; the browser holds a random token, we only its hash.

Each organisation has a session of its own in a browser (the cookie's path is `/t/<slug>`), and so
has the person's own space (`/me`): signing in to one says nothing about another.
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
from tenants.access.roles import permissions_of
from tenants.model import Member, Tenant

COOKIE = "passerelle_session"
TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43


class Record(msgspec.Struct):
    actor: Actor
    ends_at: float


def tenant_actor(
    tenant: Tenant, member: Member, origin: str, attributes: dict[str, str], locale: Locale | None
) -> Actor:
    """The actor of a member who came in by `origin`, with what their roles allow."""
    locale = locale or member.locale
    return msgspec.convert(
        {
            "kind": "person",
            "display_name": member.display_name,
            "person_id": member.person_id,
            "tenant_id": tenant.id,
            "tenant_slug": tenant.slug,
            "tenant_name": tenant.name,
            "permissions": permissions_of(member.roles),
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

    async def open(self, actor: Actor) -> str:
        """Begins a session under a fresh token; returns the value of its Set-Cookie header."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session_id = _digest(token)
        actor = msgspec.structs.replace(actor, session_id=session_id)
        record = Record(actor, time.time() + self._absolute_s)
        async with self._valkey.pipeline() as pipe:
            pipe.set(_key(session_id), msgspec.json.encode(record), ex=self._idle_s)
            for index in _indexes(actor):
                pipe.sadd(index, session_id)
                pipe.expire(index, self._absolute_s)
            await pipe.execute()
        return cookie(COOKIE, token, path_of(actor), self._absolute_s)

    async def find(self, token: str) -> Actor | None:
        """The actor of a token; the session lives on for another idle time."""
        if len(token) != TOKEN_CHARACTERS:
            return None
        return await self.find_by_id(_digest(token))

    async def find_by_id(self, session_id: str) -> Actor | None:
        content = await self._valkey.getex(_key(session_id), ex=self._idle_s)
        if content is None:
            return None
        record = msgspec.json.decode(content, type=Record)
        if record.ends_at < time.time():
            await self.close(session_id)
            return None
        return record.actor

    async def close(self, session_id: str) -> None:
        await self._valkey.delete(_key(session_id))

    async def close_of_person(self, person_id: UUID) -> int:
        """Ends every session of a person, in every organisation; returns how many lived."""
        return await self._close_index(f"sessions:person:{person_id}")

    async def close_of_sign_in(self, sid: str) -> int:
        """Ends the sessions that one sign-in at the identity provider (its `sid`) began."""
        return await self._close_index(f"sessions:sid:{sid}")

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


def _indexes(actor: Actor) -> list[str]:
    indexes = [f"sessions:person:{actor.person_id}"]
    if sid := actor.attributes.get("sid"):
        indexes.append(f"sessions:sid:{sid}")
    return indexes
