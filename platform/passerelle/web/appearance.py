"""How an organisation's pages look where it has said so: its colours, its logo, its languages.

`tenants.settings` finds it for a request and leaves it in the request's state; pages, languages and
the base template read it there. Nothing an organisation gives enters CSS but colours, and of those
only what `colour.HEX` takes.
"""

import hashlib
from typing import Any, Final

import msgspec

from passerelle.kernel.language import LOCALES, Locale
from passerelle.web.colour import HEX, palette

#: Where the request's state holds it.
STATE: Final = "appearance"


class Logo(msgspec.Struct, frozen=True):
    """An image at its address, and its size in pixels."""

    url: str
    width: int
    height: int


class Appearance(msgspec.Struct, frozen=True, kw_only=True):
    """`colours` are the light and the dark one. Without any, and without a logo, the product's."""

    colours: tuple[str, str] | None = None
    logo: Logo | None = None
    languages: tuple[Locale, ...] = LOCALES
    default_locale: Locale | None = None

    @property
    def sheet_version(self) -> str | None:
        """Changes with the style sheet's content; None where there is none."""
        if self.colours is None:
            return None
        return hashlib.sha256(sheet(*self.colours).encode()).hexdigest()[:16]


PRODUCT: Final = Appearance()


def of_state(state: Any) -> Appearance:
    """The appearance of the request with this state."""
    found: Appearance = state.get(STATE) or PRODUCT
    return found


def sheet(light: str, dark: str, selector: str = ":root") -> str:
    """The design tokens that follow from two colours, as CSS. Raises ValueError for no colour."""
    if not (HEX.fullmatch(light) and HEX.fullmatch(dark)):
        raise ValueError("a colour is #rrggbb")
    one, other = palette(light, "light"), palette(dark, "dark")
    tokens = {
        "brand": (one.brand, other.brand),
        "brand-strong": (one.strong, other.strong),
        "brand-tint": (one.tint, other.tint),
        "on-brand": (one.on_brand, other.on_brand),
    }
    written = "".join(f"--{name}:light-dark({a},{b});" for name, (a, b) in tokens.items())
    return f"{selector}{{{written}}}\n"
