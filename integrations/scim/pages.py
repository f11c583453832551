"""Provisioning on screen: connections of directories, their tokens, and what they did."""

from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from integrations.scim import client_store as store
from integrations.scim import clients, testing
from integrations.scim.door import base_url
from integrations.scim.log_pages import handlers as log_handlers
from integrations.scim.model import (
    CLIENT_NAME_LIMIT_CHARACTERS,
    CLIENTS_LIMIT,
    KINDS,
    OVERLAP_DAYS,
    TOKEN_DAYS,
)
from passerelle.kernel.database import TenantRead, TenantReader, TenantTransaction
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.language import N_
from passerelle.kernel.settings import Settings
from passerelle.web.language import translate
from passerelle.web.page import Page

ROOT = "/t/{slug:str}/settings/provisioning"
ONE = ROOT + "/{client_id:uuid}"
ADMIN = "tenant.admin"
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
DONE = {
    "token-revoked": N_("The token is revoked: it counts for nothing from now on."),
    "revoked": N_("The connection is revoked. Who was provisioned stays as they are."),
    "tested": N_("The connection works."),
    "not-ready": N_("The connection is not ready yet."),
}
WELL = frozenset({"token-revoked", "revoked", "tested"})


@get(ROOT, permission=ADMIN, include_in_schema=False)
async def provisioning(read: TenantReader, settings: Settings, slug: str, done: str = "") -> Page:
    """The connections, the address for a directory, and how to set one up."""
    return await _list(read, settings, slug, {}, {}, done)


async def _list(
    read: TenantRead,
    settings: Settings,
    slug: str,
    typed: dict[str, str],
    errors: dict[str, str],
    done: str = "",
) -> Page:
    found = await store.clients(read)
    return Page(
        "integrations/provisioning.html",
        {
            "clients": found,
            "used": sum(one.revoked_at is None for one in found),
            "limit": CLIENTS_LIMIT,
            "name_limit": CLIENT_NAME_LIMIT_CHARACTERS,
            "base_url": base_url(settings, slug),
            "kinds": KINDS,
            "typed": typed,
            "errors": {field: translate(what) for field, what in errors.items()},
            **_done(done),
        },
        status_code=400 if errors else 200,
    )


def _done(done: str) -> dict[str, object]:
    return {"done": translate(DONE[done]) if done in DONE else None, "went_well": done in WELL}


@post(ROOT, permission=ADMIN, include_in_schema=False, status_code=200)
async def create(tx: TenantTransaction, settings: Settings, slug: str, data: Form) -> Page:
    """A connection; the answer shows its token, this once."""
    try:
        made = await clients.create(tx, data.get("name", "")[:1000], data.get("kind", ""))
    except Invalid as problem:
        return await _list(tx, settings, slug, data, problem.errors)
    return await _token(tx, settings, slug, made)


@post(ONE + "/rotate", permission=ADMIN, include_in_schema=False, status_code=200)
async def rotate(tx: TenantTransaction, settings: Settings, slug: str, client_id: UUID) -> Page:
    """A new token, shown this once; the one before goes on for a while."""
    return await _token(tx, settings, slug, await clients.rotate(tx, client_id))


async def _token(read: TenantRead, settings: Settings, slug: str, made: clients.Made) -> Page:
    return Page(
        "integrations/provisioning_token.html",
        {
            "client": await store.client(read, made.client_id),
            "made": made,
            "base_url": base_url(settings, slug),
            "tokens": len(await store.tokens(read, made.client_id)),
            "overlap_days": OVERLAP_DAYS,
        },
    )


@get(ONE, permission=ADMIN, include_in_schema=False)
async def client(
    read: TenantReader, settings: Settings, slug: str, client_id: UUID, done: str = ""
) -> Page:
    """One connection: its tokens, its test, what it provisioned."""
    found = await store.client(read, client_id)
    if found is None:
        raise NotFound()
    return Page(
        "integrations/provisioning_client.html",
        {
            "client": found,
            "kinds": KINDS,
            "tokens": await store.tokens(read, client_id),
            "counts": await store.counts(read, client_id),
            "base_url": base_url(settings, slug),
            "overlap_days": OVERLAP_DAYS,
            "token_days": TOKEN_DAYS,
            **_done(done),
        },
    )


@post(ONE + "/test", permission=ADMIN, include_in_schema=False)
async def test(tx: TenantTransaction, slug: str, client_id: UUID) -> Redirect:
    ok = await testing.test(tx, client_id)
    return _back(f"{slug}/settings/provisioning/{client_id}", "tested" if ok else "not-ready")


@post(ONE + "/tokens/{token_id:uuid}/revoke", permission=ADMIN, include_in_schema=False)
async def revoke_token(
    tx: TenantTransaction, slug: str, client_id: UUID, token_id: UUID
) -> Redirect:
    await clients.revoke_token(tx, client_id, token_id)
    return _back(f"{slug}/settings/provisioning/{client_id}", "token-revoked")


@get(ONE + "/revoke", permission=ADMIN, include_in_schema=False)
async def ask_revoke(read: TenantReader, client_id: UUID) -> Page:
    """What happens when the connection ends, before it does."""
    found = await store.client(read, client_id)
    if found is None or found.revoked_at is not None:
        raise NotFound()
    counts = await store.counts(read, client_id)
    return Page("integrations/provisioning_revoke.html", {"client": found, "counts": counts})


@post(ONE + "/revoke", permission=ADMIN, include_in_schema=False)
async def revoke(tx: TenantTransaction, slug: str, client_id: UUID) -> Redirect:
    await clients.revoke(tx, client_id)
    return _back(f"{slug}/settings/provisioning", "revoked")


def _back(path: str, done: str) -> Redirect:
    return Redirect(f"/t/{path}?done={done}", status_code=303)


handlers: list[Any] = [
    provisioning,
    create,
    client,
    rotate,
    test,
    revoke_token,
    ask_revoke,
    revoke,
    *log_handlers,
]
