"""What a request on another host name than the service's own is given: the way to the pages of the
organisation that has proved it, at the service's own address, where sessions and sign-ins live.

Only the Host header counts, and it only chooses where a redirect leads: no page is served on it,
and a name that nobody proved changes nothing.
"""

import time
from urllib.parse import urlsplit

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tenants.organisations import host_store as store
from tenants.organisations.host_model import HOST_LIMIT_CHARACTERS, WELL_KNOWN, host_of
from tenants.organisations.host_store import Owner

#: How long an answer about a host name serves; and of how many names.
KEPT_S = 30.0
KEPT_LIMIT = 1_000
TASK = "organisations.host-door"


class HostDoor:
    """Middleware, one for an application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._known: dict[str, tuple[float, Owner | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        state = scope["litestar_app"].state
        settings: Settings = state.settings
        host = host_of(Headers.from_scope(scope).get("host", ""))
        if not host or host == urlsplit(settings.public_url).hostname:
            await self.app(scope, receive, send)
            return
        owner = await self._owner(state.database, host)
        if owner is None:
            await self.app(scope, receive, send)
        elif scope["path"] == WELL_KNOWN:
            await self._token(state.database, owner, host, send)
        else:
            await _lead(scope, send, settings.public_url, owner)

    async def _owner(self, database: Database, host: str) -> Owner | None:
        if len(host) > HOST_LIMIT_CHARACTERS:
            return None
        now = time.monotonic()
        known = self._known.get(host)
        if known is not None and now - known[0] < KEPT_S:
            return known[1]
        owner = await store.owner(database.lookup, host)
        if len(self._known) >= KEPT_LIMIT:
            self._known.clear()
        self._known[host] = (now, owner)
        return owner

    async def _token(self, database: Database, owner: Owner, host: str, send: Send) -> None:
        """A name that leads here goes on proving itself."""
        actor = actors.system(TASK, owner.id)
        found = await store.host(database.tenant_reader(owner.id, actor, standing=False), host)
        content = found.token.encode() if found else b""
        await _answer(send, 200 if found else 404, content, [(b"content-type", b"text/plain")])


async def _lead(scope: Scope, send: Send, public_url: str, owner: Owner) -> None:
    """To the same page at our own address where it is one of theirs, else to their first page."""
    home = f"/t/{owner.slug}"
    path = scope["raw_path"].decode("ascii", "ignore").partition("?")[0]
    ours = path == home or path.startswith(home + "/")
    query = scope["query_string"].decode("ascii", "ignore") if ours else ""
    address = f"{public_url}{path if ours else home}" + (f"?{query}" if query else "")
    if scope["method"] not in ("GET", "HEAD"):  # type: ignore[typeddict-item]
        # RFC 9110, 15.5.20: nothing is taken in on this name, and a form must not travel on.
        await _answer(send, 421, b"", [])
        return
    await _answer(send, 303, b"", [(b"location", address.encode("ascii", "ignore"))])


async def _answer(
    send: Send, status: int, content: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    length = str(len(content)).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"cache-control", b"no-store"), (b"content-length", length), *headers],
        }
    )
    await send({"type": "http.response.body", "body": content, "more_body": False})
