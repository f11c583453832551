"""A walk over every page that a session reaches by itself: links, and forms with their fields."""

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import msgspec

from tests.walls.world import Visitor

PAGES_LIMIT = 400
LINKS = ("href", "action", "src", "hx-get", "hx-post", "hx-put", "hx-patch", "hx-delete")
PARAMETER = re.compile(r"\{(\w+):(\w+)\}")


class Form(msgspec.Struct):
    """A form as it stands on a page."""

    method: str
    path: str
    multipart: bool
    fields: dict[str, str]


class Walked(msgspec.Struct):
    """What was met: paths, the queries that came with them, and forms by method and path."""

    paths: set[str] = msgspec.field(default_factory=set)
    queries: dict[str, dict[str, str]] = {}
    forms: dict[tuple[str, str], Form] = {}


class _Page(HTMLParser):
    """Collects links, and forms with the values that their fields hold or offer."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self._form: Form | None = None
        self._select = ""
        self.links: list[str] = []
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        for name in LINKS:
            if given.get(name):
                self.links.append(urljoin(self._base, given[name]))
        if tag == "form":
            path = urlsplit(urljoin(self._base, given.get("action") or self._base)).path
            multipart = "multipart" in given.get("enctype", "")
            self._form = Form(given.get("method", "get").upper(), path, multipart, {})
            self.forms.append(self._form)
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select and given.get("value"):
            self._keep(self._select, given["value"])
        elif tag in ("input", "button", "textarea") and given.get("name"):
            self._keep(given["name"], given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""

    def _keep(self, name: str, value: str) -> None:
        # A field's first value that says something; what names a row is kept before what doesn't.
        if self._form is not None and not self._form.fields.get(name):
            self._form.fields[name] = value


async def walk(visitor: Visitor, starts: Iterable[str]) -> Walked:
    """Every page reached from `starts` by reading alone."""
    walked = Walked()
    shapes: dict[str, int] = {}
    waiting = list(starts)
    asked: set[str] = set()
    while waiting and len(asked) < PAGES_LIMIT:
        path = waiting.pop(0)
        shape = re.sub(r"[0-9a-f-]{36}|\d+", "·", urlsplit(path).path)
        shapes[shape] = shapes.get(shape, 0) + 1
        if path in asked or shapes[shape] > 2:
            continue
        asked.add(path)
        answer = await visitor.send("GET", path)
        walked.paths.add(urlsplit(path).path)
        if "location" in answer.headers:
            waiting.append(_own(answer.headers["location"], path))
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        waiting += _look(answer.text, path, walked)
    return walked


def _own(address: str, base: str) -> str:
    """The path and query of an address of ours; '/health' for one of another site."""
    parts = urlsplit(urljoin(f"http://localhost:8000{base}", address))
    if parts.netloc != "localhost:8000":
        return "/health"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _look(text: str, base: str, walked: Walked) -> list[str]:
    page = _Page(base)
    page.feed(text)
    found = []
    for link in page.links:
        own = _own(link, base)
        if own.startswith(("/static", "/health", "/auth")) or "sign-out" in own:
            continue
        path, _, query = own.partition("?")
        walked.paths.add(path)
        walked.queries.setdefault(path, {}).update(parse_qsl(query))
        found.append(own)
    for form in page.forms:
        walked.paths.add(form.path)
        known = walked.forms.setdefault((form.method, form.path), form)
        known.fields.update({name: value for name, value in form.fields.items() if value})
        if form.method == "GET":
            walked.queries.setdefault(form.path, {}).update(form.fields)
    return found


def pattern_of(template: str) -> re.Pattern[str]:
    """A route's path as a pattern with a group for each parameter."""
    kinds = {"uuid": r"[0-9a-f-]{36}", "int": r"\d+", "path": r".+"}
    parts = PARAMETER.split(template)
    text = "".join(
        re.escape(part) if number % 3 == 0 else "" for number, part in enumerate(parts[:1])
    )
    for name, kind, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{kinds.get(kind, '[^/]+')})" + re.escape(rest)
    return re.compile(text)
