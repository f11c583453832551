"""What stands before every handler: the request's id, and whose session it carries."""

import secrets
import time
from collections.abc import Iterable

import structlog
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from redis.exceptions import RedisError

from passerelle.kernel.actor import PUBLIC, Actor
from passerelle.kernel.errors import Unavailable
from passerelle.kernel.events import request_id, source_address
from passerelle.kernel.log import logger
from tenants.access.browsers import user_agent
from tenants.access.rate_limits import Plans, headers
from tenants.access.refresh import refreshed
from tenants.access.session_model import Found
from tenants.access.sessions import COOKIE, Sessions
from tenants.access.theft import record_stolen

log = logger(__name__)


def session_middleware(app: ASGIApp) -> ASGIApp:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        identifier = secrets.token_hex(8)
        request_id.set(identifier)
        # The socket's own, or what a proxy named by the operator says: see infra.servers.
        client = scope.get("client")
        source_address.set(client[0] if client else None)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=identifier)
        state = scope.setdefault("state", {})
        state["request_id"] = identifier
        state["actor"] = None
        sessions: Sessions = scope["litestar_app"].state.sessions
        sent = Headers.from_scope(scope)
        user_agent.set(sent.get("user-agent", ""))
        token = session_token(sent.get("cookie", ""))
        if token:
            actor = await _actor(scope, sessions, token)
            state["actor"] = actor
            if actor is not None and actor.tenant_id is not None:
                structlog.contextvars.bind_contextvars(tenant_id=str(actor.tenant_id))
        await app(scope, receive, _with_request_id(scope, send, identifier))

    return handle


async def _actor(scope: Scope, sessions: Sessions, token: str) -> Actor | None:
    handler = scope["route_handler"]
    # What anyone may ask for (a style sheet, a credential's check) is charged to nobody's session.
    charged = handler.opt.get("permission") != PUBLIC
    try:
        found = await sessions.look(token, charged=charged, renewing=charged)
    except (OSError, RedisError) as error:
        raise Unavailable() from error
    if found is not None and found.stolen:
        await record_stolen(scope["litestar_app"].state.database, found.record.actor)
        return None
    if found is not None:
        scope["state"]["verdicts"] = found.verdicts
        scope["state"]["found"] = found
        if not found.plan_known and found.actor.tenant_id is not None:
            plans: Plans = scope["litestar_app"].state.plans
            tenant_id = found.actor.tenant_id
            await sessions.remember_plan(tenant_id, await plans.requests_per_s(tenant_id))
    if found is None or found.fresh:
        return found.actor if found else None
    actor = await refreshed(scope["litestar_app"].state.database, sessions, found)
    if actor is None:
        found.renewed = None
    return actor


def session_token(header: str) -> str:
    """The session's token in a Cookie header, or ''. The most specific path's comes first (RFC
    6265, 5.4), and counts: one that a neighbouring host put above it stands behind."""
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _with_request_id(scope: Scope, send: Send, identifier: str) -> Send:
    started = time.perf_counter()

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *_renewed(scope, message["headers"]),
                *((name, _partitioned(name, value)) for name, value in message["headers"]),
                (b"x-request-id", identifier.encode()),
                *headers(scope["state"].get("verdicts", [])),
            ]
            log.info(
                "request",
                method=scope["method"],  # type: ignore[typeddict-item]
                # The path alone: a query may carry what a log must not.
                path=scope["path"],
                status=message["status"],
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
            )
        await send(message)

    return wrapped


def _renewed(scope: Scope, sent: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The cookie with the session's new token, unless the answer ends or begins a session, or
    comes so late that the browser may hold a newer one."""
    found: Found | None = scope["state"].get("found")
    if found is None or found.renewed is None or time.monotonic() > found.renewed_until:
        return []
    own = f"{COOKIE}=".encode()
    if any(name.lower() == b"set-cookie" and value.startswith(own) for name, value in sent):
        return []
    return [(b"set-cookie", found.renewed.encode())]


def _partitioned(name: bytes, value: bytes) -> bytes:
    """Libraries can't write `Partitioned` yet; without it a frame's cookies are dropped."""
    lowered = value.lower()
    if (
        name.lower() == b"set-cookie"
        and b"samesite=none" in lowered
        and b"partitioned" not in lowered
    ):
        return value + b"; Partitioned"
    return value
