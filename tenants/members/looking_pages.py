"""Beginning and ending a look at the product as a member or a role."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from passerelle.kernel.actor import PUBLIC, Actor
from passerelle.kernel.database import Database, TenantReader
from passerelle.kernel.errors import Invalid, NotSignedIn
from passerelle.kernel.language import N_
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.access.sessions import Sessions
from tenants.members import labels, viewing
from tenants.members.member_pages import seen_member
from tenants.members.model import REASON_LIMIT_CHARACTERS

AS_MEMBER = "/t/{slug:str}/members/{person_id:uuid}/look"
AS_ROLE = "/t/{slug:str}/members/roles/{code:str}/look"
AnyRequest = Request[None, None, State]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def _page(name: str, back: str, errors: dict[str, str]) -> Page:
    return Page(
        "tenants/look.html",
        {
            "name": name,
            "back": back,
            "minutes": viewing.VIEWING_MINUTES,
            "errors": {field: translate(text) for field, text in errors.items()},
        },
        status_code=400 if errors else 200,
    )


def _reason(data: dict[str, str]) -> str:
    reason = data.get("reason", "").strip()
    if not reason:
        raise Invalid(errors={"reason": N_("Say why: it stays on record with your name.")})
    if len(reason) > REASON_LIMIT_CHARACTERS:
        raise Invalid(errors={"reason": N_("Use at most 500 characters.")})
    return reason


@get(AS_MEMBER, permission="members.manage", include_in_schema=False)
async def member(read: TenantReader, person_id: UUID) -> Page:
    row = await seen_member(read, person_id)
    return _page(row.display_name, f"/members/{person_id}", {})


@post(AS_MEMBER, permission="members.manage", include_in_schema=False, status_code=200)
async def as_member(
    database: Database,
    sessions: Sessions,
    read: TenantReader,
    actor: Actor,
    slug: str,
    person_id: UUID,
    data: Form,
) -> Redirect | Page:
    row = await seen_member(read, person_id)
    try:
        reason = _reason(data)
    except Invalid as problem:
        return _page(row.display_name, f"/members/{person_id}", problem.errors)
    async with database.tenant(read.tenant_id, actor) as tx:
        seen = await viewing.as_member(tx, person_id, reason)
    return await _begun(sessions, actor, seen, slug)


@get(AS_ROLE, permission="members.manage", include_in_schema=False)
async def role(read: TenantReader, code: str) -> Page:
    names = await labels.role_names(read)
    return _page(names.name(code), f"/members/roles/{code}", {})


@post(AS_ROLE, permission="members.manage", include_in_schema=False, status_code=200)
async def as_role(
    database: Database,
    sessions: Sessions,
    read: TenantReader,
    actor: Actor,
    slug: str,
    code: str,
    data: Form,
) -> Redirect | Page:
    name = (await labels.role_names(read)).name(code)
    try:
        reason = _reason(data)
    except Invalid as problem:
        return _page(name, f"/members/roles/{code}", problem.errors)
    async with database.tenant(read.tenant_id, actor) as tx:
        seen = await viewing.as_role(tx, code, name, reason)
    return await _begun(sessions, actor, seen, slug)


async def _begun(sessions: Sessions, actor: Actor, seen: Actor, slug: str) -> Redirect:
    if actor.session_id is None:
        raise NotSignedIn()
    await sessions.look_as(actor.session_id, seen)
    return Redirect(f"/t/{slug}", status_code=303)


@post("/t/{slug:str}/looking/stop", permission=PUBLIC, include_in_schema=False)
async def stop(request: AnyRequest, sessions: Sessions, slug: str) -> Redirect:
    """Oneself again. Open to whoever looks: what they look as may allow nothing."""
    actor: Actor | None = request.scope["state"].get("actor")
    if actor is None or actor.tenant_slug != slug or actor.session_id is None:
        raise NotSignedIn()
    await sessions.look_as(actor.session_id, None)
    return Redirect(f"/t/{slug}", status_code=303)


handlers: list[Any] = [member, as_member, role, as_role, stop]
