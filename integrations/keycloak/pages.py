"""The doors of sign-in: its pages, the way to Keycloak, and the way back.

Sessions live under `/t/<slug>` and `/me`; what stands under `/auth` sees none of their cookies and
goes by one-time records instead (flow).
"""

from typing import Any
from urllib.parse import urlencode

from litestar import Router, get
from litestar.response import Redirect
from redis.asyncio import Redis

from integrations.keycloak import flow, login, store
from integrations.keycloak.link_pages import handlers as link_handlers
from integrations.keycloak.link_pages import return_to_link
from integrations.keycloak.logout import handlers as logout_handlers
from integrations.keycloak.model import (
    AnotherAccount,
    Arrival,
    KeycloakUnavailable,
    NotAMember,
    OutsideTheOrganization,
    SignIn,
    SignInRefused,
    SignInStopped,
)
from integrations.keycloak.realm import Realm
from integrations.keycloak.security_pages import handlers as security_handlers
from integrations.keycloak.security_pages import return_from_action
from integrations.keycloak.ways import (
    DEPENDENCIES,
    SCOPE,
    AnyRequest,
    browser_of,
    home_of,
    keep_id_token,
    see,
    to_keycloak,
)
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import PUBLIC, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem, TenantSuspended
from passerelle.kernel.log import logger
from passerelle.kernel.settings import Settings
from passerelle.web.language import current
from passerelle.web.page import Page
from tenants.access.sessions import Sessions
from tenants.service import MemberSuspended, tenant_by_slug

log = logger(__name__)
PERSON_HOME = "/me"
CODE_LIMIT_CHARACTERS = 512


@get("/t/{slug:str}/sign-in", permission=PUBLIC)
async def tenant_sign_in(
    request: AnyRequest, slug: str, database: Database, realm: Realm
) -> Page | Redirect:
    """The organisation's sign-in page; who is signed in already goes on."""
    tenant = await tenant_by_slug(database, slug)
    actor: Actor | None = request.scope["state"].get("actor")
    wanted = flow.own_path(request.query_params.get("next"), f"/t/{slug}", "")
    if actor is not None and actor.tenant_slug == slug:
        return see(wanted or home_of(actor))
    return Page(
        "integrations/sign_in.html",
        {
            "organisation": tenant.name.in_(current().locale),
            "answers": await realm.answers(),
            "start": f"/auth/start?{urlencode({'tenant': slug, 'next': wanted})}",
        },
    )


@get("/me/sign-in", permission=PUBLIC)
async def person_sign_in(request: AnyRequest, realm: Realm) -> Page | Redirect:
    """The sign-in page of a person's own space."""
    actor: Actor | None = request.scope["state"].get("actor")
    wanted = flow.own_path(request.query_params.get("next"), PERSON_HOME, PERSON_HOME)
    if actor is not None and actor.tenant_id is None:
        return see(wanted)
    return Page(
        "integrations/sign_in.html",
        {
            "organisation": None,
            "answers": await realm.answers(),
            "start": f"/auth/start?{urlencode({'next': wanted})}",
        },
    )


@get("/auth/start", permission=PUBLIC, limit="sign-in")
async def start(request: AnyRequest, database: Database, valkey: Redis, realm: Realm) -> Redirect:
    """Begins a sign-in and sends the browser to Keycloak. Raises UnknownTenant."""
    slug, wanted = request.query_params.get("tenant"), request.query_params.get("next")
    nonce, verifier = flow.new_token(), flow.new_token()
    scope = SCOPE
    if slug is None:
        sign_in = SignIn(
            into="person",
            next=flow.own_path(wanted, PERSON_HOME, PERSON_HOME),
            nonce=nonce,
            code_verifier=verifier,
            register="register" in request.query_params,
        )
    else:
        tenant = await tenant_by_slug(database, slug)
        system = actors.system(login.TASK, tenant.id)
        if await store.tenancy(database.tenant_reader(tenant.id, system)) is not None:
            scope = f"{SCOPE} organization:{slug}"
        sign_in = SignIn(
            into="tenant",
            tenant_slug=slug,
            next=flow.own_path(wanted, f"/t/{slug}", ""),
            nonce=nonce,
            code_verifier=verifier,
        )
    return await to_keycloak(request, valkey, realm, sign_in, scope)


@get("/auth/callback", permission=PUBLIC, limit="sign-in")
async def callback(
    request: AnyRequest,
    database: Database,
    sessions: Sessions,
    valkey: Redis,
    settings: Settings,
    realm: Realm,
) -> Page | Redirect:
    """The way back from Keycloak: verified, or a page that says what to do."""
    query = request.query_params
    browser = browser_of(request)
    sign_in = await flow.take(valkey, "sign-in", SignIn, query.get("state", ""), browser)
    arrival = await _arrival(query, realm, sign_in)
    if sign_in.link is not None:
        return await return_to_link(
            request, database, sessions, valkey, settings, sign_in.link, arrival
        )
    if sign_in.action is not None:
        return await return_from_action(request, database, sessions, valkey, sign_in, arrival)
    if sign_in.tenant_slug is None:
        _, session = await login.into_person(database, sessions, valkey, arrival)
        await keep_id_token(valkey, settings, arrival)
        return see(sign_in.next, session=session)
    try:
        tenant = await tenant_by_slug(database, sign_in.tenant_slug)
    except TenantSuspended:
        await login.record_closed(database, valkey, sign_in.tenant_slug, arrival)
        raise
    try:
        actor, session = await login.into_tenant(database, sessions, valkey, tenant, arrival)
    except (NotAMember, MemberSuspended, OutsideTheOrganization) as refusal:
        return await _refused(
            valkey, browser or "", tenant.slug, tenant.name.in_(current().locale), arrival, refusal
        )
    await keep_id_token(valkey, settings, arrival)
    return see(sign_in.next or home_of(actor), session=session)


async def _arrival(query: Any, realm: Realm, sign_in: SignIn) -> Arrival:
    """Raises SignInRefused, SignInStopped or KeycloakUnavailable."""
    # RFC 9207: an answer of another issuer is never taken for this one's.
    if query.get("iss") != realm.issuer:
        log.warning("an answer that does not name the realm as its issuer")
        raise SignInRefused
    error = query.get("error")
    if error in ("temporarily_unavailable", "server_error"):
        raise KeycloakUnavailable
    if error in ("access_denied", "login_required", "interaction_required"):
        raise SignInStopped
    if error is not None:
        log.warning("Keycloak did not take the request", error=error[:64])
        raise SignInRefused
    code = query.get("code", "")
    if not 0 < len(code) <= CODE_LIMIT_CHARACTERS:
        raise SignInRefused
    return await realm.redeem(code, sign_in)


async def _refused(
    valkey: Redis, browser: str, slug: str, organisation: str, arrival: Arrival, refusal: Problem
) -> Page:
    """The refusal, and the way to another account: Keycloak would give the same one again."""
    another = AnotherAccount(arrival.id_token, slug)
    ticket = await flow.keep(valkey, "another-account", another, browser)
    return Page(
        "integrations/refused.html",
        {
            "title": refusal.title,
            "mend": refusal.mend,
            "organisation": organisation,
            "account": arrival.claims.email or arrival.display_name,
            "another": f"/auth/another-account?{urlencode({'ticket': ticket})}",
        },
        status_code=refusal.status,
    )


handlers: list[Any] = [
    Router(
        path="",
        route_handlers=[
            tenant_sign_in,
            person_sign_in,
            start,
            callback,
            *link_handlers,
            *security_handlers,
            *logout_handlers,
        ],
        dependencies=DEPENDENCIES,
    )
]
