"""What changed, field by field, in words: before beside after."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from passerelle.kernel.language import N_
from passerelle.web.formats import format_number
from passerelle.web.language import translate

#: Longer text is cut on the page; the whole stands in "As it was written".
VALUE_LIMIT_CHARACTERS: Final = 300
ROWS_LIMIT: Final = 40

#: Fields that many events have, in words; another one is shown by its technical name.
FIELDS: Final = {
    "name": N_("Name"),
    "display_name": N_("Name"),
    "email": N_("E-mail"),
    "roles": N_("Roles"),
    "role": N_("Role"),
    "status": N_("Status"),
    "slug": N_("Address"),
    "path": N_("Page"),
    "method": N_("Request"),
    "permission": N_("Permission"),
    "reason": N_("Reason"),
    "locale": N_("Language"),
    "listed": N_("Listed"),
    "entries": N_("Entries"),
    "filter": N_("Filter"),
    "whole": N_("Whole"),
    "position": N_("Position"),
    "purpose": N_("Purpose"),
    "until": N_("Until"),
    "value": N_("Value"),
    "title": N_("Title"),
    "unit": N_("Unit"),
    "plan": N_("Plan"),
    "level": N_("Level"),
    "score": N_("Score"),
}

Mark = Literal["same", "changed", "added", "removed"]


class Row(msgspec.Struct, frozen=True):
    """One field; None where it was not there. `technical` shows a name as it is, left to right."""

    label: str
    technical: bool
    before: str | None
    after: str | None
    mark: Mark


def rows(before: Any, after: Any) -> list[Row]:
    """Changed fields first; without a `before`, every field of what was written."""
    old = dict(_flat(before)) if before is not None else {}
    new = dict(_flat(after))
    if before is None:
        found = [_row(path, None, value, "same") for path, value in new.items() if value != ""]
    else:
        found = [
            _row(path, old.get(path), new.get(path), _mark(path, old, new))
            for path in (*new, *(path for path in old if path not in new))
        ]
        found.sort(key=lambda row: row.mark == "same")
    return found[:ROWS_LIMIT]


def _mark(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> Mark:
    if path not in old:
        return "added"
    if path not in new:
        return "removed"
    return "same" if old[path] == new[path] else "changed"


def _row(path: str, before: str | None, after: str | None, mark: Mark) -> Row:
    *parents, last = path.split(".")
    known = FIELDS.get(last) if len(parents) < 2 else None
    if known is None:
        return Row(path.replace("_", " "), True, before, after, mark)
    context = f" ({' '.join(parents)})" if parents and parents != ["value"] else ""
    return Row(translate(known) + context.replace("_", " "), False, before, after, mark)


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif path:
        yield path, _text(value)
    else:
        yield "value", _text(value)


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return translate("Yes") if value else translate("No")
    if isinstance(value, int | float):
        return format_number(value)
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, Sequence) and all(isinstance(one, str | int) for one in value):
        return _cut(", ".join(str(one) for one in value))
    return _cut(msgspec.json.encode(value).decode())


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_LIMIT_CHARACTERS else text[:VALUE_LIMIT_CHARACTERS] + "…"
