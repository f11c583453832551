"""Requests aimed at another's rows, made from what the application itself says it takes.

Routes, parameters and bodies are read from the application, their ordinary values from its own
pages, so a new route is attacked on the day it is there.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from tests.walls.crawl import PARAMETER, Walked, pattern_of
from tests.walls.routes import handlers

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: They differ from one request to the next, whatever was asked.
HEADERS_OF_NO_MEANING = {
    *("x-request-id", "date", "set-cookie", "content-length", "server-timing"),
    *("ratelimit", "ratelimit-policy", "x-ratelimit-remaining"),
}


class Target(msgspec.Struct):
    """One route and method, with our own ordinary values for all that it takes."""

    template: str
    method: str
    permission: str
    values: dict[str, str]
    query: dict[str, str]
    body: dict[str, str] | None
    json: Any = None
    multipart: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    def positions(self) -> Iterator[tuple[str, str]]:
        """Every place that may take an identifier: of the path, the query, the body."""
        yield from (("path", name) for name in self.values)
        yield from (("query", name) for name in self.query)
        yield from (("body", name) for name in self.body or {} if name != "_csrf_token")
        if self.json is not None and UUID_TEXT.search(msgspec.json.encode(self.json).decode()):
            yield ("json", "")

    def request(self, place: str = "", name: str = "", value: str = "") -> dict[str, Any]:
        """What to send, with `value` in one position."""
        values, query = dict(self.values), dict(self.query)
        body = None if self.body is None else dict(self.body)
        sent: dict[str, Any] = {}
        if place == "path":
            values[name] = value
        elif place == "query":
            query[name] = value
        elif place == "body" and body is not None:
            body[name] = value
        path = PARAMETER.sub(lambda match: values[match[1]], self.template)
        asked = {key: text for key, text in query.items() if text}
        sent["path"] = f"{path}?{urlencode(asked)}" if asked else path
        if self.json is not None:
            text = msgspec.json.encode(self.json).decode()
            sent["content"] = UUID_TEXT.sub(value, text) if place == "json" else text
            sent["headers"] = {"content-type": "application/json"}
        elif body is not None and self.multipart:
            sent["files"] = {key: (None, text) for key, text in body.items()}
        elif body is not None:
            sent["data"] = body
        return sent


def targets(app: Litestar, walked: Walked, fallback: dict[str, str]) -> list[Target]:
    """Every route of the application, but for the framework's own."""
    found = []
    for route, method, handler in handlers(app):
        found.append(_target(route, method, handler, walked, fallback))
    return found


def _target(
    route: HTTPRoute,
    method: str,
    handler: HTTPRouteHandler,
    walked: Walked,
    fallback: dict[str, str],
) -> Target:
    met = _met(route.path, walked)
    values = {
        name: met.get(name) or fallback.get(name) or (str(UUID(int=1)) if kind == "uuid" else "x")
        for name, kind in PARAMETER.findall(route.path)
    }
    path = PARAMETER.sub(lambda match: values[match[1]], route.path)
    model = route.route_handler_map[method][1]  # type: ignore[index]
    names = sorted(
        one.field_alias for one in model.expected_query_params if isinstance(one.field_alias, str)
    )
    query = {name: walked.queries.get(path, {}).get(name, "") for name in names}
    form = walked.forms.get((method, path)) or _form_of(route.path, method, walked)
    body, as_json = None, None
    if method not in ("GET", "HEAD"):
        body = {} if form is None else dict(form.fields)
        annotation = handler.parsed_fn_signature.parameters.get("data")
        if form is None and annotation is not None:
            sample = _sample(annotation.annotation, fallback)
            if _is_form(annotation.kwarg_definition):
                body = {k: str(v) for k, v in (sample or {}).items() if isinstance(v, str | int)}
            else:
                as_json = sample
    permission = str(handler.opt.get("permission"))
    multipart = form is not None and form.multipart
    return Target(route.path, method, permission, values, query, body, as_json, multipart)


def _met(template: str, walked: Walked) -> dict[str, str]:
    pattern = pattern_of(template)
    for path in sorted(walked.paths, reverse=True):
        if match := pattern.fullmatch(path):
            return match.groupdict()
    return {}


def _form_of(template: str, method: str, walked: Walked) -> Any:
    pattern = pattern_of(template)
    for (form_method, path), form in walked.forms.items():
        if form_method == method and pattern.fullmatch(path):
            return form
    return None


def _is_form(kwarg: object) -> bool:
    return "form" in str(getattr(kwarg, "media_type", ""))


def _sample(kind: Any, fallback: dict[str, str]) -> Any:
    """A value that a handler's `data` can be read from, with our own identifiers."""
    return _of_type(msgspec.inspect.type_info(kind), fallback, "")


def _of_type(info: Any, fallback: dict[str, str], name: str) -> Any:
    simple: dict[type, Any] = {
        msgspec.inspect.UUIDType: fallback.get(name) or str(UUID(int=1)),
        msgspec.inspect.IntType: 1,
        msgspec.inspect.FloatType: 1.0,
        msgspec.inspect.BoolType: False,
        msgspec.inspect.DateType: date(2030, 1, 1).isoformat(),
        msgspec.inspect.DateTimeType: "2030-01-01T00:00:00Z",
    }
    if type(info) in simple:
        return simple[type(info)]
    if isinstance(info, msgspec.inspect.StructType):
        return {
            field.encode_name: _of_type(field.type, fallback, field.name) for field in info.fields
        }
    if isinstance(info, msgspec.inspect.ListType | msgspec.inspect.SetType):
        return [_of_type(info.item_type, fallback, name)]
    if isinstance(info, msgspec.inspect.UnionType):
        wanted = [one for one in info.types if not isinstance(one, msgspec.inspect.NoneType)]
        return _of_type(wanted[0], fallback, name)
    if isinstance(info, msgspec.inspect.LiteralType):
        return info.values[0]
    if isinstance(info, msgspec.inspect.DictType):
        return {}
    return "x" * max(12, getattr(info, "min_length", None) or 0)


class Seen(msgspec.Struct):
    """What a client can tell of an answer, without what differs each time."""

    status: int
    text: str
    headers: dict[str, str]

    def like(self, one: "Seen", other: "Seen") -> bool:
        """Whether this is what those two are, wherever they agree with one another."""
        if not self.status == one.status == other.status:
            return False
        mine, first, second = self.words(), one.words(), other.words()
        if len(first) != len(second):
            # Each request adds to what the page lists.
            return True
        return len(mine) == len(first) and all(
            word == known or known != also
            for word, known, also in zip(mine, first, second, strict=True)
        )

    def words(self) -> list[str]:
        return re.split(r"([^\w-]+)", self.text + str(sorted(self.headers.items())))


def seen(answer: httpx.Response, sent: tuple[str, ...]) -> Seen:
    """The answer, with the identifier that was sent and what is random blanked."""
    request_id = answer.headers.get("x-request-id", "none")
    text = answer.text
    text = UUID_TEXT.sub("IDENTIFIER", re.sub(r"[0-9a-f]{128}", "CSRF", text))
    text = text.replace(request_id, "REQUEST")
    headers = {
        name: UUID_TEXT.sub("IDENTIFIER", value)
        for name, value in answer.headers.items()
        if name not in HEADERS_OF_NO_MEANING
    }
    for word in sent:
        text = text.replace(word, "SENT")
        headers = {name: value.replace(word, "SENT") for name, value in headers.items()}
    return Seen(answer.status_code, text, headers)
