"""A browser's part of signing in, played over HTTP through the real forms of Keycloak.

For the demo and the tests: it follows redirects, fills in the forms that it meets, and keeps
cookies as a browser does (`Secure` ones go over http to localhost).
"""

from html.parser import HTMLParser
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin

import httpx
import msgspec

#: Pages that one sign-in may lead through: user name, password, an update of the password.
FORMS_LIMIT = 6
TIMEOUT_S = 30.0


class SignInFailed(Exception):
    """The forms did not lead to the end; the message says where it stopped."""


class Form(msgspec.Struct):
    """A form as it stands on a page: where it goes, and what its fields hold."""

    action: str
    fields: dict[str, str]
    buttons: dict[str, list[str]]


def browser(base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A browser with no cookies. With `transport`, `base_url` is answered in this process."""
    client = httpx.AsyncClient(
        base_url=base_url,
        headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
        follow_redirects=True,
        timeout=TIMEOUT_S,
        trust_env=False,
        mounts={base_url: transport} if transport is not None else None,
    )
    return as_browser(client)


def as_browser(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Lets `Secure` cookies go over http, as browsers do for localhost. Returns the client.

    The client's jar keeps the policy, but httpx copies the jar for each request without it: so
    the header is written here, from the client's own jar.
    """
    client.cookies.jar.set_policy(DefaultCookiePolicy(secure_protocols=("http", "https")))

    async def write_cookies(request: httpx.Request) -> None:
        request.headers.pop("cookie", None)
        client.cookies.set_cookie_header(request)

    hooks = client.event_hooks["request"]
    if not any(getattr(hook, "__name__", "") == "write_cookies" for hook in hooks):
        hooks.append(write_cookies)
        client.event_hooks = client.event_hooks
    return client


async def sign_in(
    client: httpx.AsyncClient, path: str, email: str, password: str
) -> httpx.Response:
    """Opens a page that leads to Keycloak, signs in there, and returns the page it ends on.

    `path` is a sign-in page (`/t/region/sign-in`, `/me/sign-in`) or what it links to. Raises
    SignInFailed where Keycloak refuses, or where the way ends in an error.
    """
    page = await client.get(path)
    start = link_to(page, "/auth/start")
    if start is not None:
        page = await client.get(start)
    return await finish(client, page, email, password)


async def link_account(
    client: httpx.AsyncClient, tenant_slug: str, email: str, password: str
) -> httpx.Response:
    """From a launch's session: links an account of the person's own, and returns their wallet."""
    page = await client.get(f"/t/{tenant_slug}/learn/link")
    start = link_to(page, "/auth/link")
    if start is None:
        raise SignInFailed(f"no way to link on {page.url}: {_seen(page)}")
    return await finish(client, await client.get(start), email, password)


async def finish(
    client: httpx.AsyncClient, page: httpx.Response, email: str, password: str
) -> httpx.Response:
    """Fills in the forms from here on: Keycloak's, and our own that asks to confirm a link."""
    answered: list[set[str]] = []
    for _ in range(FORMS_LIMIT):
        form = form_of(page)
        if page.status_code >= 400:
            raise SignInFailed(f"{page.status_code} at {page.url.path}: {_seen(page)}")
        if form is None:
            return page
        if "/login-actions/" in form.action:
            filled = {"username": email, "password": password}
            answers = {name: filled.get(name, value) for name, value in form.fields.items()}
            if set(answers) in answered:  # the same question again: the answer was wrong
                raise SignInFailed(f"Keycloak refused: {_seen(page)}")
            answered.append(set(answers))
        elif form.action.endswith("/auth/link/confirm"):
            answers = form.fields | {"answer": "yes"}
        else:
            return page
        page = await client.post(urljoin(str(page.url), form.action), data=answers)
    raise SignInFailed(f"more than {FORMS_LIMIT} forms, the last at {page.url.path}")


def form_of(page: httpx.Response) -> Form | None:
    """The first form that posts, with its hidden and typed fields."""
    reader = _Reader()
    reader.feed(page.text)
    return reader.forms[0] if reader.forms else None


def link_to(page: httpx.Response, path: str) -> str | None:
    """The first address on the page that begins with `path`."""
    return next((link for link in links_of(page) if link.startswith(path)), None)


def links_of(page: httpx.Response) -> list[str]:
    """Every link's address, in the page's order."""
    reader = _Reader()
    reader.feed(page.text)
    return reader.links


def _seen(page: httpx.Response) -> str:
    reader = _Reader()
    reader.feed(page.text)
    return " ".join(" ".join(reader.texts).split())[:400]


class _Reader(HTMLParser):
    """Collects what a person would use of a page: forms, links, words."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self._inside: Form | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "a" and "href" in named:
            self.links.append(named["href"])
        elif tag == "form":
            self._inside = Form(named.get("action", ""), {}, {})
            # The bar's own form, on every page of whoever is signed in, leads out.
            if named.get("method", "").lower() == "post" and not _leads_out(named):
                self.forms.append(self._inside)
        elif self._inside is not None and "name" in named:
            if tag == "button" or named.get("type") == "submit":
                values = self._inside.buttons.setdefault(named["name"], [])
                values.append(named.get("value", ""))
            elif tag == "input" and named.get("type") not in ("checkbox", "radio"):
                self._inside.fields[named["name"]] = named.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = max(0, self._silent - 1)
        elif tag == "form":
            self._inside = None

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def _leads_out(form: dict[str, str]) -> bool:
    return form.get("action", "").endswith("/sign-out")
