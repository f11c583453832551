"""The ways out: a person signs out here, or Keycloak says that a sign-in has ended."""

import re
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from redis.asyncio import Redis

from integrations.keycloak import flow
from integrations.keycloak.login import end_sign_in
from integrations.keycloak.model import AnotherAccount
from integrations.keycloak.realm import Realm
from integrations.keycloak.tokens import AGE_LIMIT_S, LEEWAY_S, TOKEN_LIMIT_BYTES, TokenError
from integrations.keycloak.ways import (
    NO_STORE,
    AnyRequest,
    browser_of,
    forget_id_token,
    kept_id_token,
    see,
)
from passerelle.kernel.actor import PUBLIC, Actor
from passerelle.kernel.log import logger
from passerelle.web.language import current
from passerelle.web.page import Page
from tenants.access.sessions import COOKIE, Sessions, expired_cookie, path_of
from tenants.service import SLUG

log = logger(__name__)
#: Where a sign-out came from, and whether it only makes room for another account.
WAY_OUT = re.compile(rf"(?P<again>again\.)?(?:me|t\.(?P<slug>{SLUG.pattern}))")


class LogoutNotice(msgspec.Struct, frozen=True):
    logout_token: str


async def _sign_out(
    request: AnyRequest, sessions: Sessions, valkey: Redis, realm: Realm, otherwise: str
) -> Redirect:
    """Ends this session, then the sign-in at Keycloak, which ends what else it began."""
    actor: Actor | None = request.scope["state"].get("actor")
    if actor is None or actor.session_id is None:
        return see(otherwise)
    await sessions.close(actor.session_id)
    way_out = f"t.{actor.tenant_slug}" if actor.tenant_slug else "me"
    address = f"/auth/signed-out?state={way_out}"
    sid = actor.attributes.get("sid") if actor.origin == "keycloak" else None
    id_token = await kept_id_token(valkey, sid) if sid else None
    if sid and id_token:
        await end_sign_in(sessions, valkey, sid)
        await forget_id_token(valkey, sid)
        if await realm.answers():
            address = realm.sign_out_address(id_token, way_out, current().locale)
    return see(address, session=expired_cookie(COOKIE, path_of(actor)))


@post("/t/{slug:str}/sign-out", permission=PUBLIC, status_code=303)
async def tenant_sign_out(
    request: AnyRequest, slug: str, sessions: Sessions, valkey: Redis, realm: Realm
) -> Redirect:
    """Signs a member out."""
    otherwise = f"/t/{slug}/sign-in" if SLUG.fullmatch(slug) else "/me/sign-in"
    return await _sign_out(request, sessions, valkey, realm, otherwise)


@post("/me/sign-out", permission=PUBLIC, status_code=303)
async def person_sign_out(
    request: AnyRequest, sessions: Sessions, valkey: Redis, realm: Realm
) -> Redirect:
    """Signs a person out of their own space."""
    return await _sign_out(request, sessions, valkey, realm, "/me/sign-in")


@get("/auth/signed-out", permission=PUBLIC)
async def signed_out(request: AnyRequest) -> Page | Redirect:
    """After the sign-out: the way back in."""
    way = WAY_OUT.fullmatch(request.query_params.get("state", ""))
    slug = way["slug"] if way else None
    sign_in = f"/t/{slug}/sign-in" if slug else "/me/sign-in"
    if way and way["again"]:
        return see(sign_in)
    return Page("integrations/signed_out.html", {"sign_in": sign_in})


@get("/auth/another-account", permission=PUBLIC)
async def another_account(request: AnyRequest, valkey: Redis, realm: Realm) -> Redirect:
    """Signs the refused account out of Keycloak and comes back to the sign-in page."""
    another = await flow.take(
        valkey,
        "another-account",
        AnotherAccount,
        request.query_params.get("ticket", ""),
        browser_of(request),
    )
    way_out = f"again.t.{another.tenant_slug}"
    return see(realm.sign_out_address(another.id_token, way_out, current().locale))


@post("/auth/backchannel-logout", permission=PUBLIC, status_code=200, exclude_from_csrf=True)
async def backchannel_logout(
    data: Annotated[LogoutNotice, Body(media_type=RequestEncodingType.URL_ENCODED)],
    sessions: Sessions,
    valkey: Redis,
    realm: Realm,
) -> Response[dict[str, str]]:
    """Keycloak's notice that a sign-in ended (Back-Channel Logout, 2.5): each token counts once."""
    try:
        claims = await realm.logout_claims(data.logout_token[: TOKEN_LIMIT_BYTES + 1])
    except TokenError as error:
        log.warning("a logout token was refused", reason=str(error))
        return _answer(400, {"error": "invalid_request"})
    kept_s = AGE_LIMIT_S + 2 * LEEWAY_S
    if not await valkey.set(f"keycloak:logout:{claims.jti}", b"1", ex=kept_s, nx=True):
        log.warning("a logout token came twice")
        return _answer(400, {"error": "invalid_request"})
    ended = await end_sign_in(sessions, valkey, claims.sid)
    await forget_id_token(valkey, claims.sid)
    log.info("a sign-in ended at Keycloak", sessions_ended=ended)
    return _answer(200, {})


def _answer(status: int, content: dict[str, str]) -> Response[dict[str, str]]:
    return Response(content, status_code=status, headers=NO_STORE, media_type=MediaType.JSON)


handlers: list[Any] = [
    tenant_sign_out,
    person_sign_out,
    signed_out,
    another_account,
    backchannel_logout,
]
