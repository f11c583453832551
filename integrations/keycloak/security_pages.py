"""How a person signs in: what their account has, and the way to add, change or remove each.

Keycloak does it (its application-initiated actions); here it is shown, begun and put on record.
"""

from typing import Any, Final
from uuid import UUID

from litestar import get
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Struct
from redis.asyncio import Redis

from integrations.keycloak import flow, login
from integrations.keycloak.administration import Administration, WayIn
from integrations.keycloak.model import (
    AccountChanged,
    Arrival,
    KeycloakUnavailable,
    OtherAccountChanged,
    SignIn,
)
from integrations.keycloak.realm import Realm
from integrations.keycloak.ways import SCOPE, AnyRequest, keep_id_token, see, to_keycloak
from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.settings import Settings
from passerelle.web import navigation
from passerelle.web.page import Page
from tenants.access.sessions import Sessions

PAGE: Final = "/me/security"
REMOVE: Final = "delete_credential"

navigation.add(N_("Sign-in"), PAGE, permission=PERSON, space="person", order=60)


class Way(Struct, frozen=True, kw_only=True):
    """One way in: Keycloak's kind of credential, and its action that adds or changes one."""

    name: str
    kind: str
    action: str
    title: str
    lead: str
    add: str
    change: str | None = None
    many: bool = False
    removable: bool = True


WAYS: Final = (
    Way(
        name="passkey",
        kind="webauthn-passwordless",
        action="webauthn-register-passwordless",
        title=N_("Passkeys"),
        lead=N_("Sign in with your finger, face or PIN. Nothing to remember, nothing to steal."),
        add=N_("Add a passkey"),
        many=True,
    ),
    Way(
        name="password",
        kind="password",
        action="UPDATE_PASSWORD",
        title=N_("Password"),
        lead=N_("At least 12 characters. A few words that only you would put together are best."),
        add=N_("Set a password"),
        change=N_("Change the password"),
        removable=False,
    ),
    Way(
        name="codes",
        kind="otp",
        action="CONFIGURE_TOTP",
        title=N_("One-time codes"),
        lead=N_("After the password, a code of six digits that an app on your phone shows."),
        add=N_("Set up one-time codes"),
        many=True,
    ),
    Way(
        name="recovery",
        kind="recovery-authn-codes",
        action="CONFIGURE_RECOVERY_AUTHN_CODES",
        title=N_("Recovery codes"),
        lead=N_("For the day your phone is gone: each code replaces a one-time code, once."),
        add=N_("Make recovery codes"),
        change=N_("Make new recovery codes"),
    ),
)
#: Before there is a second factor there is nothing to recover.
NEEDS: Final = {"recovery": "codes"}


class WayShown(Struct, frozen=True):
    way: Way
    held: list[WayIn]
    # Why it can't be added yet, if so.
    waits_for: str | None


@get(PAGE, permission=PERSON, include_in_schema=False)
async def security(
    actor: Actor,
    settings: Settings,
    done: str | None = Parameter(default=None, required=False),
) -> Page:
    """The ways in of the account that this session came by."""
    subject = actor.attributes.get("subject")
    account, away = None, False
    if subject:
        try:
            async with Administration(settings) as administration:
                account = await administration.ways_in(subject)
        except KeycloakUnavailable:
            away = True
    return Page(
        "integrations/security.html",
        {
            "account": account,
            "away": away,
            "ways": _shown(account.credentials) if account else [],
            "done": done if done in {"success", "cancelled", "error"} else None,
        },
    )


def _shown(credentials: tuple[WayIn, ...]) -> list[WayShown]:
    held = {way.name: [each for each in credentials if each.kind == way.kind] for way in WAYS}
    shown = []
    for way in WAYS:
        needed = NEEDS.get(way.name)
        waits = needed is not None and not held[needed] and not held[way.name]
        title = next((each.title for each in WAYS if each.name == needed), None)
        shown.append(WayShown(way, held[way.name], title if waits else None))
    return shown


@get(f"{PAGE}/begin/{{name:str}}", permission=PERSON, include_in_schema=False)
async def begin(
    request: AnyRequest, name: str, actor: Actor, valkey: Redis, realm: Realm
) -> Redirect:
    """To Keycloak, to add this way in or to change it. Raises NotFound."""
    way = next((each for each in WAYS if each.name == name), None)
    if way is None:
        raise NotFound()
    return await _to_action(request, actor, valkey, realm, way.action)


@get(f"{PAGE}/remove/{{credential_id:uuid}}", permission=PERSON, include_in_schema=False)
async def remove(
    request: AnyRequest, credential_id: UUID, actor: Actor, valkey: Redis, realm: Realm
) -> Redirect:
    """To Keycloak, which asks again and refuses what isn't this account's."""
    return await _to_action(request, actor, valkey, realm, f"{REMOVE}:{credential_id}")


async def _to_action(
    request: AnyRequest, actor: Actor, valkey: Redis, realm: Realm, action: str
) -> Redirect:
    sign_in = SignIn(
        into="person",
        next=PAGE,
        nonce=flow.new_token(),
        code_verifier=flow.new_token(),
        action=action,
        subject=actor.attributes.get("subject"),
    )
    return await to_keycloak(request, valkey, realm, sign_in, SCOPE)


async def return_from_action(
    request: AnyRequest,
    database: Database,
    sessions: Sessions,
    valkey: Redis,
    sign_in: SignIn,
    arrival: Arrival,
) -> Redirect:
    """Back from Keycloak, with a fresh session; what was done is put on the person's record.

    Raises OtherAccountChanged where Keycloak had another account open.
    """
    if arrival.claims.sub != sign_in.subject or sign_in.action is None:
        raise OtherAccountChanged(arrival.claims.email)
    status = request.query_params.get("kc_action_status", "")
    actor, session = await login.into_person(database, sessions, valkey, arrival)
    if status == "success" and actor.person_id is not None:
        async with database.person(actor.person_id, actor) as person_tx:
            changed = AccountChanged(sign_in.action.partition(":")[0])
            await emit(person_tx, "account.changed", changed)
    await keep_id_token(valkey, request.app.state.settings, arrival)
    known = status if status in {"success", "cancelled", "error"} else "error"
    return see(f"{PAGE}?done={known}", session=session)


handlers: list[Any] = [security, begin, remove]
