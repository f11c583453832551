"""Which browser a request came from, in words that a person knows: never the whole string."""

from contextvars import ContextVar

import msgspec

from passerelle.kernel.language import N_
from passerelle.web.language import translate

#: The request's User-Agent header; set by the middleware.
user_agent: ContextVar[str] = ContextVar("user_agent", default="")
LIMIT_CHARACTERS = 512
#: In this order: each names those that come later as well.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class Browser(msgspec.Struct, frozen=True):
    """Its family and its system, '' where unknown."""

    family: str = ""
    system: str = ""

    @property
    def words(self) -> str:
        if self.family and self.system:
            return translate(
                N_("%(browser)s on %(system)s"), browser=self.family, system=self.system
            )
        return self.family or self.system or translate(N_("A browser we do not know"))


def browser_of(header: str) -> Browser:
    """What a User-Agent header (RFC 9110, 10.1.5) says, which its sender is free to invent."""
    header = header[:LIMIT_CHARACTERS]
    return Browser(_first(BROWSERS, header), _first(SYSTEMS, header))


def _first(known: tuple[tuple[str, str], ...], header: str) -> str:
    return next((name for sign, name in known if sign in header), "")
