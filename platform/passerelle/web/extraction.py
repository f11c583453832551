"""Every text of the product that a person sees, found in the templates and in Python.

`python -m passerelle.web.extraction` lists what the catalogue lacks, room by room.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from babel.messages.extract import extract
from jinja2.ext import babel_extract

from passerelle.web.catalogue import catalogue

ROOT: Final = Path(__file__).parents[3]
ROOMS: Final = ("platform/passerelle", "tenants", "lms", "integrations", "ml")

#: How Python marks a text: the position of the singular and of the plural.
PYTHON_KEYWORDS: Final[dict[str, Any]] = {
    "N_": None,
    "translate": None,
    "translate_plural": (1, 2),
}
JINJA_KEYWORDS: Final[dict[str, Any]] = {"_": None, "gettext": None, "ngettext": (1, 2)}
#: As the environment of web.templates is set, so that the keys are the same; a template that
#: can't be parsed is an error, not an empty one.
JINJA_OPTIONS: Final = {
    "newstyle_gettext": "true",
    "trimmed": "true",
    "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
    "silent": "false",
}


class Found(msgspec.Struct, frozen=True):
    """A text where it stands: the file from the checkout's root, and the line."""

    text: str
    plural: str | None
    place: str


def texts() -> list[Found]:
    """Every translatable text, in the order of the files."""
    return [found for path in sources() for found in texts_of(path)]


def sources() -> Iterator[Path]:
    """The rooms' Python files and templates, but for what npm brought."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            template = path.suffix == ".html" and "templates" in path.parts
            if (template or path.suffix == ".py") and "node_modules" not in path.parts:
                yield path


def texts_of(path: Path) -> list[Found]:
    template = path.suffix == ".html"
    with path.open("rb") as file:
        found = list(
            extract(
                _extract_jinja if template else "python",
                file,
                keywords=JINJA_KEYWORDS if template else PYTHON_KEYWORDS,
            )
        )
    place = path.relative_to(ROOT)
    result = []
    for line, message, _comments, _context in found:
        singular, plural = message if isinstance(message, tuple) else (message, None)
        result.append(Found(singular, plural, f"{place}:{line}"))
    return result


def _extract_jinja(file: Any, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    return babel_extract(file, list(keywords), comment_tags, JINJA_OPTIONS)


def missing() -> list[Found]:
    """What the catalogue lacks."""
    known = catalogue()
    return [found for found in texts() if found.text not in known]


def main() -> int:
    lacking = missing()
    for found in lacking:
        plural = f"  (plural: {found.plural})" if found.plural else ""
        print(f"{found.place}  {found.text}{plural}")
    print(f"{len(lacking)} texts are not in the catalogue.", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
