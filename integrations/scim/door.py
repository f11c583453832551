"""SCIM 2.0 at `/t/<slug>/scim/v2`: one address for each organisation, opened by a client's token.

One request is one transaction. A request that met another one is done again; what was refused is
written down in a transaction of its own.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import asyncpg
import msgspec
from litestar import HttpMethod, Request, Response, route
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from redis.asyncio import Redis
from scim2_models import (
    SCIMException,
    UnauthorizedException,
)
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import SCIM_MEDIA_TYPE, ScimResponse
from scim2_server.service import ScimService

from integrations.scim import client_store, clients, habits, journal
from integrations.scim.memberships import Told, told
from integrations.scim.model import Caller
from integrations.scim.schema import BODY_LIMIT_BYTES, PROVIDER
from integrations.scim.storage import AT_ONCE, TenantStorage
from passerelle.kernel.actor import PUBLIC
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from passerelle.kernel.log import logger
from passerelle.kernel.settings import Settings
from passerelle.web.errors import TooMany
from tenants.access.rate_limits import RateLimits
from tenants.access.sessions import Sessions

log = logger(__name__)
AnyRequest = Request[None, None, State]

BASE: Final = "/t/{slug:str}/scim/v2"
METHODS: Final = [
    HttpMethod.GET,
    HttpMethod.POST,
    HttpMethod.PUT,
    HttpMethod.PATCH,
    HttpMethod.DELETE,
]
TRIES: Final = 4
SERVICE: Final = ScimService(PROVIDER)


def base_url(settings: Settings, slug: str) -> str:
    """What an administrator puts into their directory."""
    return f"{settings.public_url}/t/{slug}/scim/v2"


#: Who shows a token that counts for nothing, or none, is counted apart.
STRANGERS = "scim-token"


def answer_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Whatever goes wrong before or around a request, in SCIM's words."""
    if isinstance(error, Problem):
        return _answer(SERVICE.error_response(told(error)))
    if isinstance(error, HTTPException):
        return _answer(SERVICE.error_response(Told(error.status_code, error.detail)))
    if not isinstance(error, SCIMException):
        log.error("provisioning failed", exc_info=error)
    return _answer(SERVICE.error_response(error))


@route(
    [BASE, f"{BASE}/{{rest:path}}"],
    http_method=METHODS,
    permission=PUBLIC,
    limit="scim",
    limit_of_refusals=STRANGERS,
    # Goes by a token that no browser adds of itself.
    exclude_from_csrf=True,
    include_in_schema=False,
    request_max_body_size=BODY_LIMIT_BYTES,
    # The nearest class wins: each that the pages' own answers name is named here as well.
    exception_handlers={
        Exception: answer_error,
        HTTPException: answer_error,
        Problem: answer_error,
    },
)
async def scim(
    request: AnyRequest,
    database: Database,
    valkey: Redis,
    sessions: Sessions,
    settings: Settings,
    slug: str,
) -> Response[bytes]:
    """Every request of a client: asked for its token first, then served by `scim2-server`."""
    caller = await _caller(request, database, valkey, slug)
    body = await request.body()
    asked = ScimRequest(
        method=request.method,
        base_url=base_url(settings, slug),
        path=_path(request, slug),
        query=_query(request),
        headers=_headers(request),
    )
    said: Any = None
    try:
        said = habits.read(body)
        asked.body = msgspec.json.encode(said) if habits.put_right(said) else body
        answer, standing_changed = await _served(database, caller, asked)
    except Exception as error:
        answer, standing_changed = SERVICE.error_response(_named(error)), False
        if not isinstance(error, SCIMException | Problem):
            log.error("provisioning failed", exc_info=error)
    if standing_changed:
        await sessions.changed(caller.tenant_id)
    await journal.note_refusals(database, valkey, caller, asked, said, answer)
    return _answer(answer)


async def _caller(request: AnyRequest, database: Database, valkey: Redis, slug: str) -> Caller:
    """Raises UnauthorizedException, on record; TooMany where someone tries again and again."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    found = None
    if scheme.lower() == "bearer" and token:
        found = await clients.caller(database, slug, token)
    if found is not None:
        return found
    limits: RateLimits = request.app.state.rate_limits
    said = await limits.charge(STRANGERS, request)
    if said is not None and not said.allowed:
        request.scope["state"]["verdicts"].append(said)
        raise TooMany(limit=said.name, retry_after_s=max(1, -(-said.wait_ms // 1000)))
    await journal.note_stranger(database, valkey, request, slug, "unknown" if token else "missing")
    raise UnauthorizedException(
        detail="This token counts for nothing here: it is missing, revoked, expired, or another "
        "organisation's. Make a new one under Settings, Provisioning."
    )


async def _served(
    database: Database, caller: Caller, asked: ScimRequest
) -> tuple[ScimResponse, bool]:
    """The answer, and whether sessions have to be told. Raises SCIMException and Problem."""
    reading = asked.method == "GET" or asked.path.endswith("/.search")
    for attempt in range(TRIES):
        try:
            async with database.tenant(caller.tenant_id, clients.actor_of(caller)) as tx:
                if caller.unnoted:
                    await client_store.note_use(tx, caller.token_id)
                bulk = asked.path.strip("/").lower() == "bulk"
                storage = TenantStorage(tx, caller, writing=not reading, bulk=bulk)
                answer = await AsyncScimHandler(SERVICE, storage).handle(asked)
            return answer, storage.standing_changed
        except asyncpg.DeadlockDetectedError:
            await asyncio.sleep(0.05 * attempt)
    raise Told(409, AT_ONCE)


def _named(error: Exception) -> Exception:
    return told(error) if isinstance(error, Problem) else error


def _path(request: AnyRequest, slug: str) -> str:
    """Below the base; `.scim` at the end means nothing (RFC 7644, 3.8)."""
    raw = request.scope.get("raw_path", b"").split(b"?")[0].decode("latin-1")
    below = raw.split("/scim/v2", 1)[-1] if "/scim/v2" in raw else ""
    return "/".join(unquote(part) for part in below.removesuffix(".scim").split("/"))


def _query(request: AnyRequest) -> dict[str, str]:
    query = {name: str(value) for name, value in request.query_params.items()}
    if "filter" in query:
        query["filter"] = habits.filter_put_right(query["filter"])
    return query


def _headers(request: AnyRequest) -> Mapping[str, str]:
    names = ("content-type", "if-match", "if-none-match")
    return {name: request.headers[name] for name in names if name in request.headers}


def _answer(said: ScimResponse) -> Response[bytes]:
    headers = {name: value for name, value in said.headers.items() if name != "Content-Type"}
    return Response(
        b"" if said.body is None else msgspec.json.encode(said.body),
        status_code=int(said.status),
        headers={**headers, "cache-control": "no-store"},
        media_type=SCIM_MEDIA_TYPE,
    )


handlers = [scim]
