"""Notices as pages, the same in an organisation and in a person's own space."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, get, post
from litestar.response import Redirect
from redis.asyncio import Redis

from passerelle.kernel.actor import MEMBER, PERSON, Actor
from passerelle.kernel.database import (
    PersonReader,
    PersonTransaction,
    TenantReader,
    TenantTransaction,
)
from passerelle.kernel.errors import NotSignedIn
from passerelle.people.notices import bar, service, store
from passerelle.people.notices.model import (
    KINDS,
    MAIL_WHEN,
    PAGE_ROWS,
    Choice,
    NoticeKind,
    Space,
)
from passerelle.web.page import Page

AnyRequest = Request[Any, Any, Any]
SEE_OTHER: Final = 303
SELECTED_LIMIT: Final = PAGE_ROWS


def _person(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise NotSignedIn()
    return actor.person_id


def _home(actor: Actor) -> str:
    return "/me/notices" if actor.tenant_id is None else f"/t/{actor.tenant_slug}/notices"


def kinds_for(actor: Actor) -> list[NoticeKind]:
    """What this person may be told where they are."""
    space: Space = "person" if actor.tenant_id is None else "tenant"
    return [
        kind
        for kind in KINDS.values()
        if space in kind.spaces and (kind.permission is None or actor.may(kind.permission))
    ]


async def _list_page(
    read: store.BoundRead, actor: Actor, show: str, kind: str, before: UUID | None
) -> Page:
    unread = show == "unread"
    found = await store.listed(
        read,
        _person(actor),
        unread=unread,
        kind=kind if kind in KINDS else None,
        before=before,
        limit=PAGE_ROWS + 1,
    )
    shown, more = found[:PAGE_ROWS], len(found) > PAGE_ROWS
    return Page(
        "people/notices.html",
        {
            "notices": shown,
            "next_before": shown[-1].id if more else None,
            "show": "unread" if unread else "all",
            "kind": kind,
            "kinds": kinds_for(actor),
            "home": _home(actor),
            "space": "/me" if actor.tenant_id is None else f"/t/{actor.tenant_slug}",
        },
    )


@get("/t/{slug:str}/notices", permission=MEMBER, include_in_schema=False)
async def notices(
    read: TenantReader,
    actor: Actor,
    show: str = "",
    kind: str = "",
    before: UUID | None = None,
) -> Page:
    """What the member was told, newest first."""
    return await _list_page(read, actor, show, kind, before)


@get("/me/notices", permission=PERSON, include_in_schema=False)
async def own_notices(
    person_read: PersonReader,
    actor: Actor,
    show: str = "",
    kind: str = "",
    before: UUID | None = None,
) -> Page:
    """The same in the person's own space."""
    return await _list_page(person_read, actor, show, kind, before)


async def _mark(
    request: AnyRequest, tx: TenantTransaction | PersonTransaction, valkey: Redis, actor: Actor
) -> Redirect:
    """Marks the chosen ones, one of them (and goes to what it is about), or all."""
    person_id, home = _person(actor), _home(actor)
    data = await request.form()
    opened = data.getall("open", [])
    ids = None if "all" in data else _ids(opened or data.getall("id", []))
    if ids is None or ids:
        await store.mark_read(tx, person_id, ids)
        await bar.forget(valkey, actor)
    if opened and ids:
        found = await store.by_ids(tx, ids[:1])
        mine = [one for one in found if one.person_id == person_id]
        if mine and mine[0].link:
            space = "" if actor.tenant_id is None else f"/t/{actor.tenant_slug}"
            return Redirect(space + mine[0].link, status_code=SEE_OTHER)
    return Redirect(home, status_code=SEE_OTHER)


def _ids(texts: list[Any]) -> list[UUID]:
    found = []
    for text in texts[:SELECTED_LIMIT]:
        try:
            found.append(UUID(str(text)))
        except ValueError:
            continue
    return found


@post("/t/{slug:str}/notices", permission=MEMBER, include_in_schema=False, status_code=200)
async def mark(request: AnyRequest, tx: TenantTransaction, actor: Actor, valkey: Redis) -> Redirect:
    return await _mark(request, tx, valkey, actor)


@post("/me/notices", permission=PERSON, include_in_schema=False, status_code=200)
async def mark_own(
    request: AnyRequest, person_tx: PersonTransaction, actor: Actor, valkey: Redis
) -> Redirect:
    return await _mark(request, person_tx, valkey, actor)


async def _choices_page(read: store.BoundRead, actor: Actor, done: str) -> Page:
    kept = await store.choices(read, _person(actor))
    rows = [
        (kind, kept.get(kind.name) or Choice(kind.name, True, kind.mail))
        for kind in kinds_for(actor)
    ]
    return Page(
        "people/notice_choices.html",
        {"rows": rows, "mail_when": MAIL_WHEN, "home": _home(actor), "saved": done == "saved"},
    )


@get("/t/{slug:str}/notices/choices", permission=MEMBER, include_in_schema=False)
async def choices(read: TenantReader, actor: Actor, done: str = "") -> Page:
    """What the member wants to be told, here and by mail."""
    return await _choices_page(read, actor, done)


@get("/me/notices/choices", permission=PERSON, include_in_schema=False)
async def own_choices(person_read: PersonReader, actor: Actor, done: str = "") -> Page:
    return await _choices_page(person_read, actor, done)


async def _save(
    request: AnyRequest, tx: TenantTransaction | PersonTransaction, actor: Actor
) -> Redirect:
    data = await request.form()
    chosen = [
        Choice(
            kind.name,
            bool(data.get(f"shown.{kind.name}")),
            data.get(f"mail.{kind.name}", "none"),
        )
        for kind in kinds_for(actor)
    ]
    await service.choose(tx, _person(actor), chosen)
    return Redirect(f"{_home(actor)}/choices?done=saved", status_code=SEE_OTHER)


@post("/t/{slug:str}/notices/choices", permission=MEMBER, include_in_schema=False, status_code=200)
async def save_choices(request: AnyRequest, tx: TenantTransaction, actor: Actor) -> Redirect:
    return await _save(request, tx, actor)


@post("/me/notices/choices", permission=PERSON, include_in_schema=False, status_code=200)
async def save_own_choices(
    request: AnyRequest, person_tx: PersonTransaction, actor: Actor
) -> Redirect:
    return await _save(request, person_tx, actor)


handlers = [
    notices,
    own_notices,
    mark,
    mark_own,
    choices,
    own_choices,
    save_choices,
    save_own_choices,
]
