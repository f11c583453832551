"""The operator of the installation: known by a token of the settings, over the API alone."""

import hmac

from litestar.connection import ASGIConnection
from redis.asyncio import Redis

from passerelle.kernel.actor import Actor
from passerelle.kernel.settings import Settings
from passerelle.web.errors import TooMany
from tenants.organisations.problems import OperatorRefused

SCHEME = "bearer "
WINDOW_S = 60
#: Of one network address in a window.
REQUESTS_LIMIT = 1_200
WRONG_TOKENS_LIMIT = 20


def operator(origin: str = "api") -> Actor:
    """The actor of what the operator does."""
    return Actor(kind="system", display_name="operator", origin=origin)  # type: ignore[arg-type]


async def require_operator(connection: ASGIConnection) -> None:  # type: ignore[type-arg]
    """Makes the operator the actor of the request. Raises OperatorRefused or TooMany."""
    settings: Settings = connection.app.state.settings
    valkey: Redis = connection.app.state.valkey
    address = connection.client.host if connection.client else "?"
    if not is_operator(settings, connection.headers.get("authorization", "")):
        await count(valkey, f"operator:wrong:{address}", WRONG_TOKENS_LIMIT, WINDOW_S)
        raise OperatorRefused()
    await count(valkey, f"operator:requests:{address}", REQUESTS_LIMIT, WINDOW_S)
    connection.scope["state"]["actor"] = operator()


def is_operator(settings: Settings, authorization: str) -> bool:
    """Whether the header carries the token; in the same time however much of it is right."""
    scheme, given = authorization[: len(SCHEME)], authorization[len(SCHEME) :]
    token = settings.operator_token
    same = hmac.compare_digest(given.encode(), token.encode())
    return bool(token) and scheme.lower() == SCHEME and same


async def count(valkey: Redis, what: str, limit: int, window_s: int) -> None:
    """Counts one more of `what` in this window. Raises TooMany beyond `limit`."""
    key = f"limit:{what}"
    async with valkey.pipeline() as pipe:
        pipe.incr(key)
        pipe.expire(key, window_s, nx=True)
        times, _ = await pipe.execute()
    if times > limit:
        raise TooMany()
