"""From a learning session to an account of one's own: explain, sign in, confirm, link.

A learning session often lives in an LMS's frame, whose cookies no other window sees. So the page
in the frame holds a one-time ticket, a new window carries it to Keycloak, and what comes back is
confirmed there, with both names shown: nobody links by following somebody else's address.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from redis.asyncio import Redis

from integrations.keycloak import flow, linking, login
from integrations.keycloak.model import Arrival, Link, PendingLink, SignIn
from integrations.keycloak.realm import Realm
from integrations.keycloak.ways import (
    SCOPE,
    AnyRequest,
    browser_cookie,
    browser_of,
    keep_id_token,
    see,
    to_keycloak,
)
from passerelle.kernel.actor import PUBLIC, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from passerelle.web.language import current
from passerelle.web.page import Page
from tenants.access.sessions import Sessions

CONFIRM_S = 300


class Confirmation(msgspec.Struct, frozen=True):
    ticket: str
    answer: Literal["yes", "no"]


@get("/t/{slug:str}/learn/link", permission="learn")
async def explain(
    request: AnyRequest, actor: Actor, database: Database, valkey: Redis, realm: Realm
) -> Page | Redirect:
    """Why an account of one's own, and the way to link it; who came in by one, has one."""
    link = link_of(actor)
    if link is None:
        return see("/me/sign-in")
    linked = await linking.has_account(database, link.person_id, realm.issuer)
    ticket = "" if linked else await flow.keep(valkey, "link", link, flow.ANY_BROWSER)
    return Page(
        "integrations/link.html",
        {
            "linked": linked,
            "answers": linked or await realm.answers(),
            "organisation": link.tenant_name,
            # The language goes along: the new window does not see the frame's cookie of it.
            "start": f"/auth/link?{urlencode({'ticket': ticket, 'lang': current().locale})}",
        },
    )


def link_of(actor: Actor) -> Link | None:
    """What a link begun in this session is about; None outside a launch's session."""
    person_id, tenant_id, session_id = actor.person_id, actor.tenant_id, actor.session_id
    if actor.origin != "lti" or person_id is None or tenant_id is None or session_id is None:
        return None
    return Link(
        tenant_id=tenant_id,
        tenant_slug=actor.tenant_slug or "",
        tenant_name=actor.tenant_name.in_(current().locale) if actor.tenant_name else "",
        person_id=person_id,
        display_name=actor.display_name,
        session_id=session_id,
    )


@get("/auth/link", permission=PUBLIC)
async def begin(request: AnyRequest, sessions: Sessions, valkey: Redis, realm: Realm) -> Redirect:
    """Takes the ticket of the frame's page and sends this window to Keycloak."""
    ticket = request.query_params.get("ticket", "")
    link = await flow.take(valkey, "link", Link, ticket, flow.ANY_BROWSER)
    await linking.living_launch(sessions, link)
    sign_in = SignIn(
        into="link",
        next="/me",
        nonce=flow.new_token(),
        code_verifier=flow.new_token(),
        link=link,
    )
    return await to_keycloak(request, valkey, realm, sign_in, SCOPE)


async def return_to_link(
    request: AnyRequest,
    database: Database,
    sessions: Sessions,
    valkey: Redis,
    settings: Settings,
    link: Link,
    arrival: Arrival,
) -> Page | Redirect:
    """Asks for the person's yes; where the account is linked already, opens the wallet.

    Raises LaunchEnded, AccountLinkedElsewhere, WalletLinkedElsewhere.
    """
    await linking.living_launch(sessions, link)
    if await linking.is_linked(database, link, arrival):
        return await _open_wallet(database, sessions, valkey, settings, arrival)
    browser = flow.browser_secret(browser_of(request))
    pending = PendingLink(link=link, arrival=arrival)
    ticket = await flow.keep(valkey, "pending-link", pending, browser, kept_s=CONFIRM_S)
    page = Page(
        "integrations/confirm_link.html",
        {
            "ticket": ticket,
            "learner": link.display_name,
            "organisation": link.tenant_name,
            "account": arrival.display_name,
            "address": arrival.claims.email or "",
        },
    )
    page.cookies.append(browser_cookie(browser))
    return page


@post("/auth/link/confirm", permission=PUBLIC, status_code=303)
async def confirm(
    request: AnyRequest,
    data: Annotated[Confirmation, Body(media_type=RequestEncodingType.URL_ENCODED)],
    database: Database,
    sessions: Sessions,
    valkey: Redis,
    settings: Settings,
    realm: Realm,
) -> Redirect:
    """A yes: the link is written and their wallet opens. A no: Keycloak lets go of the account."""
    pending = await flow.take(valkey, "pending-link", PendingLink, data.ticket, browser_of(request))
    if data.answer == "no":
        return see(realm.sign_out_address(pending.arrival.id_token, "me", current().locale))
    await linking.confirm(database, sessions, pending.link, pending.arrival)
    return await _open_wallet(database, sessions, valkey, settings, pending.arrival)


async def _open_wallet(
    database: Database, sessions: Sessions, valkey: Redis, settings: Settings, arrival: Arrival
) -> Redirect:
    _, session = await login.into_person(database, sessions, valkey, arrival)
    await keep_id_token(valkey, settings, arrival)
    return see("/me", session=session)


handlers: list[Any] = [explain, begin, confirm]
