"""A page: a template, what it shows, and the headers it needs."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment
from litestar import Request
from litestar.response import Template
from litestar.response.base import ASGIResponse
from litestar.utils.empty import value_or_default
from litestar.utils.scope.state import ScopeState
from markupsafe import Markup

from passerelle.kernel.actor import Actor
from passerelle.web import navigation
from passerelle.web.appearance import of_state
from passerelle.web.language import NAMES, QUERY, of_request
from passerelle.web.security import allow

CSRF_FIELD: Final = "_csrf_token"
AnyRequest = Request[Any, Any, Any]


class Page(Template):
    """`return Page("hiring/shortlist.html", {"candidates": candidates})`.

    `block` names a block of the template that alone answers an htmx request. `frame_ancestors`
    and `form_action` are addresses whose origins may frame this page or receive its forms.
    """

    __slots__ = ("block", "form_action", "frame_ancestors")

    def __init__(
        self,
        template_name: str,
        context: Mapping[str, object] | None = None,
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        block: str | None = None,
        frame_ancestors: Iterable[str] = (),
        form_action: Iterable[str] = (),
    ) -> None:
        super().__init__(
            template_name,
            context=dict(context or {}),
            status_code=status_code,
            # What a page shows belongs to whoever asked for it: no cache keeps it.
            headers={"cache-control": "no-store", "vary": "HX-Request", **(headers or {})},
            media_type="text/html",
        )
        self.block = block
        self.frame_ancestors = tuple(frame_ancestors)
        self.form_action = tuple(form_action)

    def create_template_context(self, request: AnyRequest) -> dict[str, Any]:
        return {**page_context(request), **self.context}

    def to_asgi_response(self, app: Any, request: AnyRequest, **options: Any) -> ASGIResponse:
        allow(request.scope, frame_ancestors=self.frame_ancestors, form_action=self.form_action)
        if self.block is None or not wants_fragment(request):
            return super().to_asgi_response(app, request, **options)
        options.pop("headers", None)
        return ASGIResponse(
            body=self._fragment(request).encode(),
            headers=self.headers,
            media_type="text/html",
            status_code=self.status_code,
            is_head_response=bool(options.get("is_head_response")),
            cookies=options.get("cookies"),
            encoded_headers=options.get("encoded_headers"),
            background=self.background or options.get("background"),
        )

    def _fragment(self, request: AnyRequest) -> str:
        engine: Any = request.app.template_engine
        environment: Environment = engine.engine
        template = environment.get_template(str(self.template_name))
        context = template.new_context(self.create_template_context(request))
        return "".join(template.blocks[str(self.block)](context))


def wants_fragment(request: AnyRequest) -> bool:
    """Whether htmx asks for a part of the page, not for the page itself."""
    headers = request.headers
    return (
        headers.get("hx-request") == "true"
        and headers.get("hx-boosted") != "true"
        and headers.get("hx-history-restore-request") != "true"
    )


def page_context(request: AnyRequest) -> dict[str, Any]:
    """What every template knows, whatever its handler gives it."""
    language = of_request(request)
    state = request.scope.get("state", {})
    actor: Actor | None = state.get("actor")
    token = value_or_default(ScopeState.from_scope(request.scope).csrf_token, "")
    prefix = address_prefix(request)
    appearance = of_state(state)
    return {
        "request": request,
        "request_id": state.get("request_id", ""),
        "actor": actor,
        "locale": language.locale,
        "language": language,
        "direction": language.direction,
        "languages": [
            (code, NAMES[code], _in_language(request, code)) for code in appearance.languages
        ],
        "appearance": appearance,
        "navigation": navigation.entries(actor),
        # How many notices wait, for the bell (people.notices.bar); None: no bell.
        "unread_notices": state.get("unread_notices"),
        "path": request.url.path,
        "url": lambda path: prefix + path,
        "framed": bool(actor and actor.origin == "lti"),
        "csrf_token": token,
        "csrf_input": Markup('<input type="hidden" name="{}" value="{}">').format(
            CSRF_FIELD, token
        ),
    }


def address_prefix(request: AnyRequest) -> str:
    """`/t/<slug>` on a tenant's pages, else nothing."""
    parts = request.url.path.split("/", 3)
    return f"/t/{parts[2]}" if len(parts) > 2 and parts[1] == "t" and parts[2] else ""


def _in_language(request: AnyRequest, locale: str) -> str:
    """This page's address in another language."""
    query = parse_qsl(request.url.query, keep_blank_values=True)
    others = [(name, value) for name, value in query if name != QUERY]
    return f"{request.url.path}?{urlencode([*others, (QUERY, locale)])}"
