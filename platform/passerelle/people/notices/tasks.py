"""The clock of the day's mail: it finds whose notices have waited long enough."""

from datetime import timedelta
from typing import Final

from passerelle.kernel import actor as actors
from passerelle.kernel.clocks import clock
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from passerelle.kernel.log import logger
from passerelle.people.notices import service, store
from passerelle.people.notices.model import DIGEST_AFTER_H

log = logger(__name__)
TASK: Final = "notices.digest"
EVERY_S: Final = 600.0
OWNERS_LIMIT: Final = 500


@clock(EVERY_S)
async def gather_digests(database: Database) -> int:
    """Each owner in a transaction of its own; one that can't be bound now is left for later."""
    after = timedelta(hours=DIGEST_AFTER_H)
    gathered = 0
    for owner in await store.digests_due(database.lookup, after, OWNERS_LIMIT):
        try:
            if owner.scope == "tenant":
                async with database.tenant(owner.owner_id, actors.system(TASK)) as tx:
                    gathered += await service.take_digest(tx, after=after)
            else:
                async with database.person(owner.owner_id, actors.system(TASK)) as person_tx:
                    gathered += await service.take_digest(person_tx, after=after)
        except Problem as problem:
            log.info("a digest waits", owner_scope=owner.scope, why=type(problem).__name__)
    return gathered
