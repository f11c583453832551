"""The sessions of a person that live: which there are, and ending them, on record.

A list is read by the person's index alone, and holds no session of anyone else; whom it is shown
to narrows it to their organisation.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import PersonTransaction, TenantTransaction
from passerelle.kernel.events import emit
from tenants.access.session_index import names_in, person_index, session_key
from tenants.access.session_model import Record, Shown
from tenants.access.sessions import Sessions

By = Literal["themselves", "administrator"]


class Living(msgspec.Struct, frozen=True):
    """One living session, as its list shows it."""

    id: UUID
    actor: Actor
    shown: Shown
    last_at: datetime
    ends_at: datetime

    @property
    def began_at(self) -> datetime:
        return datetime.fromtimestamp(self.shown.began_at, UTC)


class SessionEnded(msgspec.Struct, frozen=True):
    """`session.ended`: by the person, or by an administrator; the subject is its id. `origin` and
    `began_at` say which it was."""

    by: By
    origin: str
    began_at: datetime


async def living(
    valkey: Redis, sessions: Sessions, person_id: UUID, tenant_id: UUID | None = None
) -> list[Living]:
    """Newest use first; at most SESSIONS_OF_A_PERSON. With a tenant, of that tenant only.

    Who is gone is forgotten on the way.
    """
    index = person_index(person_id)
    names = await names_in(valkey, index)
    async with valkey.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hmget(session_key(name), "record", "shown")
            pipe.ttl(session_key(name))
        answers = await pipe.execute()
    found, gone = [], []
    now = time.time()
    for name, (record, shown), left_s in zip(names, answers[::2], answers[1::2], strict=True):
        if record is None or shown is None:
            gone.append(name)
            continue
        one = _living(name, record, shown, now - max(0, sessions.idle_s - left_s))
        if one.actor.person_id != person_id or one.ends_at.timestamp() < now:
            continue
        if tenant_id is None or one.actor.tenant_id == tenant_id:
            found.append(one)
    if gone:
        await valkey.zrem(index, *gone)
    return sorted(found, key=lambda one: one.last_at, reverse=True)


def _living(name: str, record: bytes, shown: bytes, last_at: float) -> Living:
    held = msgspec.json.decode(record, type=Record)
    seen = msgspec.json.decode(shown, type=Shown)
    return Living(
        UUID(name),
        held.actor,
        seen,
        datetime.fromtimestamp(max(last_at, seen.began_at), UTC),
        datetime.fromtimestamp(held.ends_at, UTC),
    )


async def end(
    tx: TenantTransaction | PersonTransaction,
    sessions: Sessions,
    chosen: Iterable[Living],
    by: By,
) -> int:
    """Ends these sessions, each on the record of `tx`; returns how many lived until now.

    A session is ended before the transaction commits: what the record says did happen.
    """
    ended = 0
    for one in chosen:
        event = SessionEnded(by, one.actor.origin, one.began_at)
        if isinstance(tx, TenantTransaction):
            person_id = one.actor.person_id
            await emit(tx, "session.ended", event, subject=one.id, person_id=person_id)
        else:
            tenant_id = one.actor.tenant_id
            await emit(tx, "session.ended", event, subject=one.id, tenant_id=tenant_id)
        ended += await sessions.close(one.id.hex)
    return ended
