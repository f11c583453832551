"""An administration connection that asks Keycloak for one token at a time.

python-keycloak lets each of N concurrent calls that find the token expired fetch a token of its
own (its #708); after a pause of Keycloak that is a storm. Here the first fetches, the rest wait.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from keycloak import KeycloakOpenIDConnection

#: Seconds a call to Keycloak may take before it counts as not answering.
TIMEOUT_S = 10
#: A token this young is not fetched anew: the refusal was of the one before it.
FRESH_S = 5.0


class OneRefreshConnection(KeycloakOpenIDConnection):
    """Client-credentials access to one realm. Not for people's tokens."""

    def __init__(
        self,
        *,
        server_url: str,
        realm: str,
        client_id: str,
        client_secret: str,
        token_realm: str,
        timeout_s: int = TIMEOUT_S,
    ) -> None:
        super().__init__(
            server_url=server_url.rstrip("/") + "/",
            realm_name=realm,
            user_realm_name=token_realm,
            client_id=client_id,
            client_secret_key=client_secret,
            grant_type="client_credentials",
            timeout=timeout_s,
        )
        self._refreshing = asyncio.Lock()
        self._fetched_at = -FRESH_S
        self.tokens_fetched = 0

    async def a_refresh_token(self) -> None:
        """A new token, unless another call fetched one just now.

        Raises KeycloakError where Keycloak refuses the client or does not answer.
        """
        async with self._refreshing:
            if time.monotonic() - self._fetched_at >= FRESH_S:
                await self.a_get_token()
                self._fetched_at = time.monotonic()
                self.tokens_fetched += 1

    async def a__refresh_if_required(self) -> None:
        """The same, when the token is missing or within a tenth of its lifetime of its end."""
        soon = datetime.now(UTC) + timedelta(seconds=1)
        if self.token is None or self.expires_at is None or soon >= self.expires_at:
            await self.a_refresh_token()
