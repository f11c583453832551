"""The living sessions of a person: their own, everywhere; and a member's, in this organisation."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.response import Redirect
from redis.asyncio import Redis

from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.database import (
    PersonTransaction,
    TenantRead,
    TenantReader,
    TenantTransaction,
)
from passerelle.kernel.errors import NotFound, NotSignedIn
from passerelle.kernel.language import N_
from passerelle.web.language import current, translate
from passerelle.web.page import Page
from tenants.access.living import Living, end, living
from tenants.access.sessions import Sessions
from tenants.members.member_pages import seen_member
from tenants.members.model import Row
from tenants.members.powers import judge

OWN = "/me/sessions"
MEMBERS = "/t/{slug:str}/members/{person_id:uuid}/sessions"
AnyRequest = Request[None, None, State]

WAYS_IN = {
    "lti": N_("through the LMS"),
    "keycloak": N_("by signing in"),
}
DONE = {
    "one": N_("The session was ended. Its browser is asked to sign in at its next step."),
    "others": N_("All other sessions were ended."),
    "all": N_("All sessions in this organisation were ended."),
    "gone": N_("That session was over already."),
}


class Shown(msgspec.Struct, frozen=True):
    """One session in words; `here` is the one that looks."""

    session: Living
    space: str
    way_in: str
    browser: str
    here: bool


def _shown(one: Living, actor: Actor) -> Shown:
    name = one.actor.tenant_name
    return Shown(
        one,
        name.in_(current().locale) if name else translate(N_("Your own space")),
        translate(WAYS_IN[one.actor.origin]) if one.actor.origin in WAYS_IN else "",
        one.shown.browser.words,
        one.id.hex == actor.session_id,
    )


def _done(request: AnyRequest) -> str:
    done = request.query_params.get("done", "")
    return translate(DONE[done]) if done in DONE else ""


def _person_of(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise NotSignedIn()
    return actor.person_id


@get(OWN, permission=PERSON, include_in_schema=False)
async def own_sessions(
    request: AnyRequest, actor: Actor, sessions: Sessions, valkey: Redis
) -> Page:
    """Every session of the person, in whichever organisation."""
    found = await living(valkey, sessions, _person_of(actor))
    shown = [_shown(one, actor) for one in found]
    return Page("tenants/own_sessions.html", {"sessions": shown, "done": _done(request)})


@post(OWN + "/{session_id:uuid}/end", permission=PERSON, include_in_schema=False)
async def end_own(
    person_tx: PersonTransaction, sessions: Sessions, valkey: Redis, session_id: UUID
) -> Redirect:
    """Ends one of the person's own; someone else's is no session that there is."""
    found = await living(valkey, sessions, person_tx.person_id)
    chosen = [one for one in found if one.id == session_id]
    ended = await end(person_tx, sessions, chosen, "themselves")
    return _back(OWN, "one" if ended else "gone")


@post(OWN + "/end-others", permission=PERSON, include_in_schema=False)
async def end_others(person_tx: PersonTransaction, sessions: Sessions, valkey: Redis) -> Redirect:
    """Ends all but the one that asks."""
    found = await living(valkey, sessions, person_tx.person_id)
    others = [one for one in found if one.id.hex != person_tx.actor.session_id]
    await end(person_tx, sessions, others, "themselves")
    return _back(OWN, "others")


async def _managed(read: TenantRead, person_id: UUID) -> Row:
    """Raises NotFound, also for a member outside of the units that the actor manages."""
    row = await seen_member(read, person_id)
    if not (await judge(read)).powers.may("members.manage", row.unit_id):
        raise NotFound()
    return row


@get(MEMBERS, permission="members.manage", include_in_schema=False)
async def member_sessions(
    request: AnyRequest,
    read: TenantReader,
    actor: Actor,
    sessions: Sessions,
    valkey: Redis,
    person_id: UUID,
) -> Page:
    """A member's sessions in this organisation; of any other they have, nothing is said."""
    row = await _managed(read, person_id)
    found = await living(valkey, sessions, person_id, read.tenant_id)
    return Page(
        "tenants/member_sessions.html",
        {
            "member": row,
            "sessions": [_shown(one, actor) for one in found],
            "done": _done(request),
        },
    )


@post(MEMBERS + "/{session_id:uuid}/end", permission="members.manage", include_in_schema=False)
async def end_members(
    tx: TenantTransaction,
    sessions: Sessions,
    valkey: Redis,
    slug: str,
    person_id: UUID,
    session_id: UUID,
) -> Redirect:
    await _managed(tx, person_id)
    found = await living(valkey, sessions, person_id, tx.tenant_id)
    chosen = [one for one in found if one.id == session_id]
    ended = await end(tx, sessions, chosen, "administrator")
    return _back(f"/t/{slug}/members/{person_id}/sessions", "one" if ended else "gone")


@post(MEMBERS + "/end", permission="members.manage", include_in_schema=False)
async def end_all_of_member(
    tx: TenantTransaction, sessions: Sessions, valkey: Redis, slug: str, person_id: UUID
) -> Redirect:
    """Ends all of them here, but for the one that asks."""
    await _managed(tx, person_id)
    found = await living(valkey, sessions, person_id, tx.tenant_id)
    chosen = [one for one in found if one.id.hex != tx.actor.session_id]
    await end(tx, sessions, chosen, "administrator")
    own = len(chosen) < len(found)
    return _back(f"/t/{slug}/members/{person_id}/sessions", "others" if own else "all")


def _back(path: str, done: str) -> Redirect:
    return Redirect(f"{path}?done={done}", status_code=303)


handlers: list[Any] = [
    own_sessions,
    end_own,
    end_others,
    member_sessions,
    end_members,
    end_all_of_member,
]
