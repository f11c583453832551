"""The two steps of a launch: the login that begins it, and the token that answers.

Nothing is stored by a login, nor by a launch that is refused, but for a count of refusals by
reason. The nonce is stored once the signature holds, and whoever comes second with it is refused.
"""

import time
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from lms import refusals, registrations, state, store
from lms.claims import Launch
from lms.id_token import Token, read_token
from lms.key_sets import KeySets
from lms.model import Registration
from lms.refusals import LaunchRefused
from lms.state import LoginState, StateSeal
from lms.verification import Snapshot, check_target, verify
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Unavailable
from passerelle.kernel.settings import Settings

LOGIN_PATH = "/lti/login"
LAUNCH_PATH = "/lti/launch"
PARAMETER_LIMIT_CHARACTERS = 4096
# As long as the state that the nonce belongs to could still be opened.
NONCE_LIFETIME_S = state.LIFETIME_S + 2 * state.LEEWAY_S


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A third-party initiated login (OpenID Connect Core section 4, LTI Core 1.3 section 4.1)."""

    issuer: str
    login_hint: str
    target_link_uri: str
    message_hint: str | None = None
    client_id: str | None = None
    deployment_id: str | None = None


class LaunchForm(msgspec.Struct, frozen=True):
    id_token: str
    state: str


class Verified(msgspec.Struct, frozen=True):
    launch: Launch
    registration: Registration


class Door:
    """What launches need of this process: one a web process."""

    def __init__(
        self, settings: Settings, database: Database, valkey: Redis, key_sets: KeySets
    ) -> None:
        self.settings = settings
        self.database = database
        self.valkey = valkey
        self.key_sets = key_sets
        self.seal = StateSeal(settings.master_key)


def read_login(parameters: dict[str, Any]) -> Login:
    """Raises LoginIncomplete, naming what is missing."""
    texts = {
        name: value
        for name, value in parameters.items()
        if isinstance(value, str) and 0 < len(value) <= PARAMETER_LIMIT_CHARACTERS
    }
    missing = [name for name in ("iss", "login_hint", "target_link_uri") if name not in texts]
    if missing:
        raise refusals.LoginIncomplete(", ".join(missing))
    return Login(
        issuer=texts["iss"],
        login_hint=texts["login_hint"],
        target_link_uri=texts["target_link_uri"],
        message_hint=texts.get("lti_message_hint"),
        client_id=texts.get("client_id"),
        deployment_id=texts.get("lti_deployment_id"),
    )


def read_form(form: dict[str, Any]) -> LaunchForm:
    """Raises PlatformDeclined or LaunchIncomplete."""
    error, described = form.get("error"), form.get("error_description")
    if isinstance(error, str) and error:
        raise refusals.PlatformDeclined(f"{error}: {described or ''}"[:300].rstrip(": "))
    token, sealed = form.get("id_token"), form.get("state")
    if not isinstance(token, str) or not token:
        raise refusals.LaunchIncomplete("id_token")
    if not isinstance(sealed, str) or not sealed:
        raise refusals.LaunchIncomplete("state")
    return LaunchForm(token, sealed)


async def begin(door: Door, login: Login, browser: str) -> tuple[str, Registration]:
    """Where to send the browser for its token, and the registration that will answer.

    Raises a LaunchRefused subclass.
    """
    check_target(login.target_link_uri, door.settings.public_url)
    found = await registrations.find(
        door.database.lookup, login.issuer, login.client_id, login.deployment_id
    )
    read = door.database.tenant_reader(
        found.tenant_id, actors.system("lms.launch", found.tenant_id)
    )
    registration = await store.registration(read, found.registration_id)
    if registration is None:
        raise refusals.RegistrationUnknown()
    begun = state.begin(found.tenant_id, registration.id, browser, time.time())
    parameters = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": registration.client_id,
        "redirect_uri": door.settings.public_url + LAUNCH_PATH,
        "login_hint": login.login_hint,
        "state": door.seal.seal(begun),
        "nonce": begun.nonce,
    }
    if login.message_hint is not None:
        parameters["lti_message_hint"] = login.message_hint
    return _with_query(registration.authorization_url, parameters), registration


async def complete(door: Door, form: LaunchForm, browser: str | None) -> Verified:
    """The verified launch, its nonce spent. Raises a LaunchRefused subclass or Unavailable."""
    now = time.time()
    token = read_token(form.id_token)
    begun = door.seal.open(form.state, browser, now)
    read = door.database.tenant_reader(
        begun.tenant_id, actors.system("lms.launch", begun.tenant_id)
    )
    registration = await store.registration(read, begun.registration_id)
    if registration is None:
        raise refusals.RegistrationUnknown()
    try:
        launch = await accept(door, registration, token, begun, now)
    except LaunchRefused as refused:
        await _note(door, begun, refused)
        raise
    return Verified(launch, registration)


async def accept(
    door: Door, registration: Registration, token: Token, begun: LoginState, now: float
) -> Launch:
    """Verifies the token that answers a login, then spends its nonce."""
    snapshot = Snapshot(
        tenant_id=begun.tenant_id,
        registration_id=registration.id,
        issuer=registration.issuer,
        client_id=registration.client_id,
        deployment_ids=registrations.deployment_ids(registration),
        key_set=await door.key_sets.holding(registration, token.key_id),
        public_url=door.settings.public_url,
    )
    launch = verify(token, snapshot, begun, now)
    await spend_nonce(door.valkey, begun)
    return launch


async def spend_nonce(valkey: Redis, begun: LoginState) -> None:
    """Raises NonceUsed for all but the first, and Unavailable where nobody can tell."""
    key = f"lti:nonce:{begun.registration_id}:{begun.nonce}"
    try:
        first = await valkey.set(key, b"1", nx=True, ex=NONCE_LIFETIME_S)
    except RedisError as error:
        raise Unavailable() from error
    if not first:
        raise refusals.NonceUsed()


async def _note(door: Door, begun: LoginState, refused: LaunchRefused) -> None:
    """In a transaction of its own, and bounded: one row a reason."""
    actor = actors.system("lms.launch", begun.tenant_id)
    async with door.database.tenant(begun.tenant_id, actor) as tx:
        await store.note_refusal(tx, begun.registration_id, refused.slug(), refused.detail)


def _with_query(address: str, parameters: dict[str, str]) -> str:
    """The address with these parameters after those it has."""
    parts = urlsplit(address)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))
