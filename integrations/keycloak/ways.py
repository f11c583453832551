"""What the doors share: the realm of this process, redirects with their cookies, where to go."""

from typing import Any

from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import Provide
from litestar.response import Redirect
from redis.asyncio import Redis

from integrations.keycloak import flow
from integrations.keycloak.model import Arrival, SignIn
from integrations.keycloak.realm import Realm
from passerelle.kernel.actor import Actor
from passerelle.kernel.settings import Settings
from passerelle.web import navigation
from passerelle.web.language import current

AnyRequest = Request[Any, Any, Any]
SCOPE = "openid profile email"
NO_STORE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


def provide_realm(request: AnyRequest) -> Realm:
    """The application's one Realm, made when first asked for and closed with the application."""
    state = request.app.state
    known: Realm | None = state.get("keycloak")
    if known is not None:
        return known
    realm = state["keycloak"] = Realm(state.settings)

    async def close() -> None:
        if state.get("keycloak") is realm:
            del state["keycloak"]
        await realm.close()

    request.app.on_shutdown.append(close)
    return realm


DEPENDENCIES = {"realm": Provide(provide_realm, sync_to_thread=False)}


def browser_of(request: AnyRequest) -> str | None:
    """The secret that binds a sign-in to this browser, if it holds one."""
    return request.cookies.get(flow.COOKIE)


def see(address: str, *, browser: str | None = None, session: str | None = None) -> Redirect:
    """303 to `address`, setting the sign-in's cookie and a session's where given."""
    headers = NO_STORE | ({"set-cookie": session} if session else {})
    cookies = [browser_cookie(browser)] if browser else None
    return Redirect(address, status_code=303, headers=headers, cookies=cookies)


async def to_keycloak(
    request: AnyRequest, valkey: Redis, realm: Realm, sign_in: SignIn, scope: str
) -> Redirect:
    """Keeps the sign-in for this browser's return and sends it to Keycloak."""
    browser = flow.browser_secret(browser_of(request))
    state = await flow.keep(valkey, "sign-in", sign_in, browser)
    challenge = flow.code_challenge(sign_in.code_verifier)
    address = realm.sign_in_address(state, sign_in, challenge, current().locale, scope)
    return see(address, browser=browser)


def browser_cookie(browser: str) -> Cookie:
    return Cookie(
        key=flow.COOKIE,
        value=browser,
        path="/",
        max_age=flow.SIGN_IN_S,
        secure=True,
        httponly=True,
        samesite="lax",
    )


def home_of(actor: Actor) -> str:
    """The first page of the bar that the actor may open."""
    entries = navigation.entries(actor)
    if actor.tenant_slug is None:
        return "/me"
    return f"/t/{actor.tenant_slug}{entries[0].path if entries else '/'}"


async def keep_id_token(valkey: Redis, settings: Settings, arrival: Arrival) -> None:
    """For the sign-out: Keycloak ends a session without asking when it sees its own token."""
    kept_s = settings.session_absolute_minutes * 60
    await valkey.set(_id_token_key(arrival.claims.sid), arrival.id_token, ex=kept_s)


async def kept_id_token(valkey: Redis, sid: str) -> str | None:
    content = await valkey.get(_id_token_key(sid))
    return str(content, "ascii") if isinstance(content, bytes) else content


async def forget_id_token(valkey: Redis, sid: str) -> None:
    await valkey.delete(_id_token_key(sid))


def _id_token_key(sid: str) -> str:
    return f"keycloak:id-token:{sid}"
