"""The language of the person who asks, and texts, dates and numbers in it.

The choice, first that is there: `?lang=` (kept in a cookie), the cookie, the actor's language, the
browser's languages, the tenant's. The cookie stands before the actor's language because it is
what the person chose last, on this very screen. Where the tenant offers fewer languages than the
product has, only those count.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import msgspec
from babel import Locale as BabelLocale
from babel import UnknownLocaleError
from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from markupsafe import Markup, escape

from passerelle.kernel.language import DEFAULT_LOCALE, LOCALES, Locale
from passerelle.web.appearance import of_state
from passerelle.web.catalogue import look_up, look_up_plural

COOKIE: Final = "passerelle_language"
COOKIE_MAX_AGE_S: Final = 365 * 24 * 3600
QUERY: Final = "lang"
NAMES: Final[dict[Locale, str]] = {"en": "English", "fr": "Français", "ar": "العربية"}

#: Where the region isn't known: the tag and the digits (CLDR's names) of dates and numbers.
#: A browser that says its region (`ar-MA`, `en-US`) gets that region's.
USUAL_FORMATS: Final[dict[Locale, tuple[str, str]]] = {
    "en": ("en_GB", "latn"),
    "fr": ("fr_FR", "latn"),
    "ar": ("ar_MA", "arab"),
}

_TAG = re.compile(r"\s*([a-zA-Z]{2,3})(?:[-_]([a-zA-Z]{2}))?[^;,]*(?:;\s*q=([0-9.]+))?")


class Language(msgspec.Struct, frozen=True):
    """The language of the texts, and the tag and the digits of dates and numbers."""

    locale: Locale
    formats: str
    numerals: str

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        return "rtl" if self.locale == "ar" else "ltr"


def usual(locale: Locale) -> Language:
    """The language with the region we take where nothing says which."""
    return Language(locale, *USUAL_FORMATS[locale])


_current: ContextVar[Language] = ContextVar(
    "language",
    default=usual(DEFAULT_LOCALE),  # noqa: B039  frozen
)


def current() -> Language:
    """The language of the request, or of the `speaking` block, that runs now."""
    return _current.get()


@contextmanager
def speaking(locale: Locale) -> Iterator[Language]:
    """Texts inside the block are in `locale`: for a mail, a document, a test."""
    token = _current.set(usual(locale))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def translate(text: str, **params: object) -> str:
    """The text in the current language, its `%(name)s` filled in from `params`.

    A per cent sign in a text of the catalogue is written `%%`.
    """
    return fill(look_up(text, current().locale), params)


def translate_plural(singular: str, plural: str, number: int, **params: object) -> str:
    """The form that goes with `number`, which the text may name as `%(num)s`."""
    text = look_up_plural(singular, plural, number, current().locale)
    return fill(text, {"num": number, **params})


def fill(text: str, params: dict[str, Any]) -> str:
    """`text` with its parameters, safe to put in HTML if `text` is."""
    if not params:
        return text.replace("%%", "%")
    if isinstance(text, Markup):
        return text % {name: escape(value) for name, value in params.items()}
    return text % params


def preferred(header: str, offered: tuple[Locale, ...] = LOCALES) -> Language | None:
    """The first of these in an Accept-Language header (RFC 9110, 12.5.4), by weight."""
    offers: list[tuple[float, Language]] = []
    for part in header.split(",")[:20]:
        match = _TAG.match(part)
        if match is None:
            continue
        primary, region, weight = match.groups()
        for locale in offered:
            if locale == primary.lower():
                offers.append((_weight(weight), _regional(locale, region)))
    offers = [offer for offer in offers if offer[0] > 0]
    return max(offers, key=lambda offer: offer[0])[1] if offers else None


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0


def _regional(locale: Locale, region: str | None) -> Language:
    if region is None:
        return usual(locale)
    tag = f"{locale}_{region.upper()}"
    try:
        numerals = BabelLocale.parse(tag).default_numbering_system
    except (UnknownLocaleError, ValueError):
        return usual(locale)
    return Language(locale, tag, numerals)


def choose(request: Request[Any, Any, Any]) -> Language:
    """The language for this request, by the order of this module's first lines."""
    state = request.scope.get("state", {})
    actor = state.get("actor")
    appearance = of_state(state)
    offered, first = appearance.languages, appearance.default_locale
    from_browser = preferred(request.headers.get("accept-language", ""), offered)
    chosen = (
        request.query_params.get(QUERY),
        request.cookies.get(COOKIE),
        getattr(actor, "locale", None),
        from_browser.locale if from_browser else None,
    )
    locale: Locale = next((one for one in chosen if one in offered), first or DEFAULT_LOCALE)
    # The browser's region still tells how this person writes dates.
    if from_browser is not None and from_browser.locale == locale:
        return from_browser
    return usual(locale)


def of_request(request: Request[Any, Any, Any]) -> Language:
    """The request's language, chosen once; also current from here on."""
    state = request.scope.setdefault("state", {})
    language: Language | None = state.get("language")
    if language is None:
        language = state["language"] = choose(request)
    _current.set(language)
    return language


class LanguageMiddleware(ASGIMiddleware):
    """Makes the request's language current. It stands after the one that finds the actor."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request: Request[Any, Any, Any] = Request(scope)
        of_request(request)
        asked = request.query_params.get(QUERY)
        if asked not in of_state(scope["state"]).languages:
            await next_app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders(message).add("set-cookie", _cookie(asked))
            await send(message)

        await next_app(scope, receive, send_with_cookie)


def _cookie(locale: str) -> str:
    # Written by hand: neither Litestar nor the standard library knows `Partitioned`, without
    # which the choice would not hold inside an LMS's frame.
    return (
        f"{COOKIE}={locale}; Path=/; Max-Age={COOKIE_MAX_AGE_S}; "
        "HttpOnly; Secure; SameSite=None; Partitioned"
    )
