"""The realm as this process sees it: its addresses, its keys, whether it answers, its tokens."""

import asyncio
import time
from urllib.parse import urlencode

import httpx
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from integrations.keycloak.model import Arrival, KeycloakUnavailable, SignIn, SignInRefused
from integrations.keycloak.tokens import (
    Expected,
    Key,
    LogoutToken,
    TokenError,
    header_of,
    key_set,
    verify_id_token,
    verify_logout_token,
)
from passerelle.kernel.language import Locale
from passerelle.kernel.log import logger
from passerelle.kernel.settings import Settings

log = logger(__name__)

TIMEOUT_S = 10
PROBE_TIMEOUT_S = 2.0
#: How long the answer to "does Keycloak answer?" serves.
PROBE_KEPT_S = 3.0
#: Keys are asked for again after this long, so that a withdrawn key stops counting.
KEYS_KEPT_S = 600.0
#: And at most this often for an unknown `kid`, however many forged tokens name one.
KEYS_PAUSE_S = 5.0


class Realm:
    """One for an application and event loop. Close it when done."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = f"{settings.keycloak_url}/realms/{settings.keycloak_realm}"
        self.client_id = settings.keycloak_client_id
        self.callback = f"{settings.public_url}/auth/callback"
        self.signed_out = f"{settings.public_url}/auth/signed-out"
        self._expected = Expected(self.issuer, settings.keycloak_client_id)
        self._openid = KeycloakOpenID(
            server_url=settings.keycloak_url + "/",
            realm_name=settings.keycloak_realm,
            client_id=settings.keycloak_client_id,
            client_secret_key=settings.keycloak_client_secret,
            timeout=TIMEOUT_S,
        )
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        self._keys: dict[str, Key] = {}
        self._keys_at = -KEYS_KEPT_S
        self._keys_lock = asyncio.Lock()
        self._answers = False
        self._probed_at = -PROBE_KEPT_S

    async def close(self) -> None:
        await self._http.aclose()
        await self._openid.connection.aclose()

    def sign_in_address(
        self, state: str, sign_in: SignIn, challenge: str, locale: Locale, scope: str
    ) -> str:
        """Where the browser goes to sign in (RFC 6749, 4.1.1; RFC 7636, 4.3)."""
        asked = {"kc_action": sign_in.action} if sign_in.action else {}
        if sign_in.register:
            asked["prompt"] = "create"
        return self._address(
            "auth",
            response_type="code",
            client_id=self.client_id,
            redirect_uri=self.callback,
            scope=scope,
            state=state,
            nonce=sign_in.nonce,
            code_challenge=challenge,
            code_challenge_method="S256",
            ui_locales=locale,
            **asked,
        )

    def sign_out_address(self, id_token: str, state: str, locale: Locale) -> str:
        """Where the browser goes to end the sign-in at Keycloak (RP-Initiated Logout, 2)."""
        return self._address(
            "logout",
            id_token_hint=id_token,
            client_id=self.client_id,
            post_logout_redirect_uri=self.signed_out,
            state=state,
            ui_locales=locale,
        )

    def _address(self, endpoint: str, **query: str) -> str:
        return f"{self.issuer}/protocol/openid-connect/{endpoint}?{urlencode(query)}"

    async def answers(self) -> bool:
        """Whether Keycloak serves the realm now, or did within PROBE_KEPT_S."""
        if time.monotonic() - self._probed_at >= PROBE_KEPT_S:
            try:
                reply = await self._http.get(self.issuer, timeout=PROBE_TIMEOUT_S)
                self._answers = reply.status_code == httpx.codes.OK
            except httpx.HTTPError:
                self._answers = False
            self._probed_at = time.monotonic()
        return self._answers

    async def redeem(self, code: str, sign_in: SignIn) -> Arrival:
        """Exchanges the code for an id token and verifies it.

        Raises KeycloakUnavailable, or SignInRefused for a code that is used, foreign or expired.
        """
        try:
            answer = await self._openid.a_token(
                grant_type="authorization_code",
                code=code,
                redirect_uri=self.callback,
                code_verifier=sign_in.code_verifier,
            )
        except KeycloakConnectionError:
            raise KeycloakUnavailable from None
        except KeycloakError as error:
            if error.response_code is None or error.response_code >= 500:
                raise KeycloakUnavailable from None
            log.warning("a code was not redeemed", status=error.response_code)
            raise SignInRefused from None
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            log.warning("an answer without an id token")
            raise SignInRefused
        try:
            keys = await self._keys_with(header_of(id_token).kid)
            claims = verify_id_token(
                id_token, keys, self._expected, nonce=sign_in.nonce, now=time.time()
            )
        except TokenError as error:
            log.warning("an id token was refused", reason=str(error))
            raise SignInRefused from None
        return Arrival(issuer=self.issuer, claims=claims, id_token=id_token)

    async def logout_claims(self, token: str) -> LogoutToken:
        """The claims of a logout token. Raises TokenError or KeycloakUnavailable."""
        keys = await self._keys_with(header_of(token).kid)
        return verify_logout_token(token, keys, self._expected, now=time.time())

    async def _keys_with(self, kid: str) -> dict[str, Key]:
        """The realm's keys, asked for anew when they are old or `kid` is not among them."""
        async with self._keys_lock:
            age_s = time.monotonic() - self._keys_at
            if age_s >= KEYS_KEPT_S or (kid not in self._keys and age_s >= KEYS_PAUSE_S):
                self._keys = await self._fetch_keys()
                self._keys_at = time.monotonic()
            return self._keys

    async def _fetch_keys(self) -> dict[str, Key]:
        try:
            reply = await self._http.get(f"{self.issuer}/protocol/openid-connect/certs")
        except httpx.HTTPError:
            raise KeycloakUnavailable from None
        if reply.status_code != httpx.codes.OK:
            raise KeycloakUnavailable
        return key_set(reply.content)
