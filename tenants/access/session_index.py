"""Which sessions belong together: a person's, and those that one sign-in began.

Both are sorted by when a session ends at the latest, so that who is gone is forgotten on the way.
"""

from typing import Any
from uuid import UUID

from redis.asyncio import Redis


def session_key(session_id: str) -> str:
    return f"session:{session_id}"


def person_index(person_id: UUID | None) -> str:
    return f"sessions:of-person:{person_id}"


def sid_index(sid: str) -> str:
    return f"sessions:of-sign-in:{sid}"


async def names_in(valkey: Redis, index: str) -> list[str]:
    """The ids of an index, who ends first first; some of them may be gone."""
    found: list[Any] = await valkey.zrange(index, 0, -1)
    return [name.decode() if isinstance(name, bytes) else str(name) for name in found]


async def end_all(valkey: Redis, index: str) -> int:
    """Ends every session of an index; returns how many lived."""
    names = await names_in(valkey, index)
    if not names:
        return 0
    closed: int = await valkey.delete(*(session_key(name) for name in names))
    # By name: one that began in the meantime stays known.
    await valkey.zrem(index, *names)
    return closed


async def end_oldest(valkey: Redis, index: str, limit: int) -> None:
    """Forgets who is gone, then ends the oldest above the limit."""
    names = await names_in(valkey, index)
    async with valkey.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.exists(session_key(name))
        alive = await pipe.execute()
    living = [name for name, lives in zip(names, alive, strict=True) if lives]
    over = living[: max(0, len(living) - limit)]
    gone = [*over, *(set(names) - set(living))]
    if gone:
        await valkey.delete(*(session_key(name) for name in gone))
        await valkey.zrem(index, *gone)
