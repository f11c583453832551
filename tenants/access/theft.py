"""A token that was replaced came once more: two browsers held it, and one of them took it."""

from uuid import UUID

import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.log import logger

TASK = "access.sessions"
log = logger(__name__)


class SessionStolen(msgspec.Struct, frozen=True):
    """`session.stolen`: the session was ended for both; the subject is its id."""


async def record_stolen(database: Database, actor: Actor) -> None:
    """Puts on the organisation's record, or the person's own, that this session was ended.

    Once a session: it is gone, and its tokens tell nothing any more.
    """
    log.warning("a session was ended: its old token came again", session_id=actor.session_id)
    subject = UUID(actor.session_id)
    stolen = SessionStolen()
    if actor.tenant_id is not None:
        system = actors.system(TASK, actor.tenant_id)
        async with database.tenant(actor.tenant_id, system, standing=False) as tx:
            await emit(tx, "session.stolen", stolen, subject=subject, person_id=actor.person_id)
    elif actor.person_id is not None:
        async with database.person(actor.person_id, actors.system(TASK)) as own:
            await emit(own, "session.stolen", stolen, subject=subject)
