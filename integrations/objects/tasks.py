"""What becomes of bytes that no row names: gone when the row went, or swept once a day."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import obstore

from integrations.objects import store
from integrations.objects.adapter import FAILURES, StoredObjects, key_of
from integrations.objects.model import REMOVED, ObjectRemoved
from passerelle.kernel.clocks import work_clock
from passerelle.kernel.database import Lookup
from passerelle.kernel.events import Event, worker_listener
from passerelle.kernel.log import logger
from passerelle.kernel.work import Work

log = logger(__name__)

SWEEP_EVERY_S: Final = 24 * 3600.0
#: Bytes younger than this may belong to a transaction that is still under way.
LEFT_OVER_AFTER: Final = timedelta(hours=24)
SWEEP_KEYS: Final = 1_000


@worker_listener(REMOVED, ObjectRemoved)
async def erase_bytes(work: Work, event: Event[ObjectRemoved]) -> None:
    """Takes the bytes away. Raises ObjectStoreUnavailable, upon which the outbox tries again."""
    objects = StoredObjects(work.settings)
    await objects.erase([key_of(event.owner_scope, event.owner_id, event.payload.object_id)])


@work_clock(SWEEP_EVERY_S)
async def sweep_left_over(work: Work) -> int:
    """Erases what rolled-back transactions and erased owners left behind; returns how many."""
    return await sweep(StoredObjects(work.settings), work.database.lookup, datetime.now(UTC))


async def sweep(objects: StoredObjects, lookup: Lookup, now: datetime) -> int:
    """Goes through the store, SWEEP_KEYS at a time; keys that aren't ours stay."""
    swept = 0
    try:
        async for chunk in obstore.list(objects.place, chunk_size=SWEEP_KEYS):
            old = {
                object_id: str(each["path"])
                for each in chunk
                if each["last_modified"] < now - LEFT_OVER_AFTER
                and (object_id := id_in(str(each["path"]))) is not None
            }
            if not old:
                continue
            unknown = await store.unknown(lookup, list(old))
            await objects.erase([old[object_id] for object_id in unknown])
            swept += len(unknown)
    except FAILURES as error:
        log.warning("the sweep of the object store stopped", kind=type(error).__name__)
    return swept


def id_in(key: str) -> UUID | None:
    """The object's id in a key of ours; None for any other."""
    scope, _, rest = key.partition("/")
    owner, _, name = rest.partition("/")
    if scope not in {"tenant", "person"}:
        return None
    try:
        UUID(owner)
        return UUID(name)
    except ValueError:
        return None
