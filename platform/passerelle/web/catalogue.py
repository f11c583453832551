"""The catalogue: every text of the product in French and Arabic, keyed by the English text.

One JSON file a room, in `locale/parts/`:
`{"English": {"fr": "…", "ar": "…"}}`, and for a text that counts something
`{"one thing": {"plural": "%(num)s things", "fr": [one, other], "ar": [six forms]}}`.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from babel import Locale as BabelLocale

PARTS: Final = Path(__file__).parent / "locale" / "parts"

#: The plural categories of CLDR, in the order in which a part lists the forms.
PLURAL_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("one", "other"),
    "fr": ("one", "other"),
    "ar": ("zero", "one", "two", "few", "many", "other"),
}


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in the languages other than English; with `plural`, a list of forms in each."""

    fr: str | list[str]
    ar: str | list[str]
    plural: str | None = None

    def in_(self, locale: str) -> str | list[str]:
        return self.ar if locale == "ar" else self.fr


class CatalogueError(Exception):
    """A part of the catalogue can't be read, or two parts disagree on a text."""


def read_parts(folder: Path = PARTS) -> dict[str, dict[str, Entry]]:
    """Every part by its room's name. Raises CatalogueError, naming the file and the mend."""
    parts: dict[str, dict[str, Entry]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            parts[path.stem] = msgspec.json.decode(path.read_bytes(), type=dict[str, Entry])
        except msgspec.DecodeError as error:
            raise CatalogueError(f"{path.name} is not a part of the catalogue: {error}") from error
    return parts


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Entry]:
    """All parts as one. Where two rooms use the same text, the first room's translation serves;
    a test holds them to the same words."""
    merged: dict[str, Entry] = {}
    for entries in read_parts().values():
        for text, entry in entries.items():
            merged.setdefault(text, entry)
    return merged


def look_up(text: str, locale: str) -> str:
    """The text in `locale`; in English where the catalogue has none."""
    entry = catalogue().get(text) if locale != "en" else None
    if entry is None:
        return text
    found = entry.in_(locale)
    return found if isinstance(found, str) else found[0]


def look_up_plural(singular: str, plural: str, number: int, locale: str) -> str:
    """The form of the text that goes with `number` in `locale` (CLDR's plural rules)."""
    entry = catalogue().get(singular) if locale != "en" else None
    forms = entry.in_(locale) if entry is not None else None
    if not isinstance(forms, list):
        return singular if number == 1 else plural
    names = PLURAL_FORMS[locale]
    form = BabelLocale.parse(locale).plural_form(number)
    # French has a form for millions (`many`) that no text of ours needs: it falls to `other`.
    return forms[names.index(form) if form in names else -1]
