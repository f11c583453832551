"""The headers that tell a browser what a page may do: nothing that we didn't serve.

`before_send` puts them on every response, those of the router and of errors included.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import Message, Scope

from passerelle.kernel.actor import Actor
from passerelle.kernel.settings import Settings

#: In a session that an LMS launched, the LMS's origin: the one place that may frame its pages.
FRAME_ORIGIN: Final = "frame_origin"
_FRAME_ANCESTORS: Final = "security.frame_ancestors"
_FORM_ACTION: Final = "security.form_action"

_OTHERS: Final = {
    "x-content-type-options": "nosniff",
    # An origin alone, and only to the same scheme: no path of ours tells who looks at whom.
    "referrer-policy": "strict-origin",
    "permissions-policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        "magnetometer=(), microphone=(), payment=(), usb=()"
    ),
    "cross-origin-resource-policy": "same-origin",
}


def origin_of(address: str) -> str | None:
    """scheme://host[:port] of an http(s) address, or None. Nothing else may enter a policy."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if not all(c.isalnum() or c in ".-[]:" for c in host):
        return None
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def allow(
    scope: Scope, *, frame_ancestors: Iterable[str] = (), form_action: Iterable[str] = ()
) -> None:
    """Lets the response of this request be framed by, or send forms to, these origins too."""
    state: dict[str, Any] = scope.setdefault("state", {})
    for key, more in ((_FRAME_ANCESTORS, frame_ancestors), (_FORM_ACTION, form_action)):
        origins = [origin for address in more if (origin := origin_of(address))]
        state[key] = [*state.get(key, []), *origins]


def content_security_policy(
    frame_ancestors: Iterable[str] = (), form_action: Iterable[str] = ()
) -> str:
    """The policy of a page (CSP level 3): no inline script or style, no third party."""
    framed_by = " ".join(dict.fromkeys(frame_ancestors)) or "'none'"
    sends_to = " ".join(dict.fromkeys(["'self'", *form_action]))
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            f"form-action {sends_to}",
            "base-uri 'none'",
            f"frame-ancestors {framed_by}",
        ]
    )


class SecurityHeaders:
    """Litestar's `before_send` hook: `before_send=[SecurityHeaders(settings)]`."""

    def __init__(self, settings: Settings | None = None) -> None:
        # A form that signs in, links or signs out is answered with a redirect to Keycloak, and
        # browsers hold redirects of a form to `form-action` as well.
        keycloak = origin_of(settings.keycloak_url) if settings else None
        self._form_action = [keycloak] if keycloak else []
        self._https = bool(settings and settings.public_url.startswith("https://"))

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
            return
        headers = MutableScopeHeaders(message)
        for name, value in _OTHERS.items():
            headers.setdefault(name, value)
        headers.setdefault("content-security-policy", self._policy(scope))
        if self._https:
            headers.setdefault("strict-transport-security", "max-age=31536000")

    def _policy(self, scope: Scope) -> str:
        state: dict[str, Any] = scope.get("state", {})
        actor: Actor | None = state.get("actor")
        framed_by = list(state.get(_FRAME_ANCESTORS, []))
        origin = origin_of(actor.attributes.get(FRAME_ORIGIN, "")) if actor else None
        if origin:
            framed_by.append(origin)
        return content_security_policy(
            framed_by, [*self._form_action, *state.get(_FORM_ACTION, [])]
        )
