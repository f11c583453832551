"""Languages of the product, and texts that exist in all of them."""

from typing import Final, Literal

import msgspec

Locale = Literal["en", "fr", "ar"]
LOCALES: Final[tuple[Locale, ...]] = ("en", "fr", "ar")
DEFAULT_LOCALE: Final[Locale] = "en"


def N_(text: str) -> str:
    """Marks a text for the catalogue; it is translated where it is shown."""
    return text


def as_locale(text: str | None, otherwise: Locale = DEFAULT_LOCALE) -> Locale:
    """The product's language nearest to a tag such as `fr-MA` (RFC 5646), else `otherwise`."""
    primary = (text or "").replace("_", "-").split("-", 1)[0].lower()
    for locale in LOCALES:
        if locale == primary:
            return locale
    return otherwise


class Localised(msgspec.Struct, frozen=True):
    """One text in every language of the product; stored as jsonb."""

    en: str
    fr: str
    ar: str

    def in_(self, locale: str) -> str:
        """The text in `locale`, in English for a language we don't have."""
        return {"fr": self.fr, "ar": self.ar}.get(locale, self.en)
