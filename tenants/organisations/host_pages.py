"""The page of an organisation's own host names: claimed, proved, tested, released."""

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from redis.asyncio import Redis

from passerelle.kernel.actor import PUBLIC, Actor
from passerelle.kernel.database import Database, TenantRead, TenantReader, TenantTransaction
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.language import N_
from passerelle.kernel.settings import Settings
from passerelle.web.formats import in_numerals
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.access.operator import count
from tenants.organisations import host_store as store
from tenants.organisations import hosts
from tenants.organisations.host_model import HOST_LIMIT_CHARACTERS, HOSTS_LIMIT, WELL_KNOWN
from tenants.organisations.proofs import Proofs, PublicProofs

ROOT = "/t/{slug:str}/hosts"
ADMIN = "tenant.admin"
#: Tests of one organisation in a minute: each goes out to somebody else's server.
CHECKS_LIMIT, CHECKS_WINDOW_S = 10, 60
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
DONE = {
    "claimed": N_("The host name is noted. Prove next that it is yours."),
    "proved": hosts.FOUND,
    "not-proved": hosts.NOT_FOUND,
    "released": N_("The host name is given up."),
}


def provide_proofs(state: State) -> Proofs:
    proofs: Proofs = state.get("proofs") or PublicProofs(state.http)
    return proofs


@get(ROOT, permission=ADMIN, include_in_schema=False)
async def host_names(read: TenantReader, settings: Settings, done: str = "") -> Page:
    """The organisation's host names, each with its proof and the last result of its test."""
    return await _page(read, settings, "", {}, done)


async def _page(
    read: TenantRead, settings: Settings, value: str, errors: dict[str, str], done: str = ""
) -> Page:
    return Page(
        "tenants/hosts.html",
        {
            "hosts": await store.hosts(read),
            "limit": HOSTS_LIMIT,
            "public_url": settings.public_url,
            "value": value,
            "errors": errors,
            "done": translate(DONE[done]) if done in DONE else None,
            "went_well": done != "not-proved",
        },
        status_code=400 if errors else 200,
    )


@post(ROOT, permission=ADMIN, include_in_schema=False, status_code=200)
async def claim(
    tx: TenantTransaction, settings: Settings, slug: str, data: Form
) -> Redirect | Page:
    name = data.get("host", "")[: HOST_LIMIT_CHARACTERS + 1]
    try:
        await hosts.claim(tx, settings.public_url, name)
    except Invalid as problem:
        errors = {field: in_numerals(translate(what)) for field, what in problem.errors.items()}
        return await _page(tx, settings, name, errors)
    return _back(slug, "claimed")


@post(ROOT + "/{name:str}/test", permission=ADMIN, include_in_schema=False)
async def test(
    database: Database, valkey: Redis, proofs: Proofs, actor: Actor, slug: str, name: str
) -> Redirect:
    """Looks for the proof now."""
    await count(valkey, f"hosts:{actor.tenant_id}", CHECKS_LIMIT, CHECKS_WINDOW_S)
    return _back(slug, await hosts.check(database, proofs, actor, name))


@post(ROOT + "/{name:str}/release", permission=ADMIN, include_in_schema=False)
async def release(tx: TenantTransaction, slug: str, name: str) -> Redirect:
    await hosts.release(tx, name)
    return _back(slug, "released")


@get(WELL_KNOWN, permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def no_token() -> None:
    """Where a proved host name shows its token (host_door); on any other there is none."""
    raise NotFound()


def _back(slug: str, done: str) -> Redirect:
    return Redirect(f"/t/{slug}/hosts?done={done}", status_code=303)


handlers: list[Any] = [
    Router(
        path="",
        route_handlers=[host_names, claim, test, release, no_token],
        dependencies={"proofs": Provide(provide_proofs, sync_to_thread=False)},
    )
]
