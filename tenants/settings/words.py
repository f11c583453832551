"""A setting's value in words: for its history, and for two values side by side."""

from typing import Any

import msgspec

from passerelle.kernel.language import LOCALES, N_
from passerelle.web.formats import format_number
from passerelle.web.language import translate
from tenants.settings.fields import Field

NOTHING = "–"


class Difference(msgspec.Struct, frozen=True):
    """A field that is not the same in two values, in words."""

    label: str
    before: str
    after: str
    kind: str
    # The names of the pictures before and after.
    pictures: tuple[str | None, str | None] = (None, None)


def differences(fields: list[Field], before: Any, after: Any) -> list[Difference]:
    """What is not the same, in the order of the form. A value of an older shape is compared by the
    fields that it has."""
    first = before if isinstance(before, dict) else {}
    second = after if isinstance(after, dict) else {}
    found = []
    for field in fields:
        one, other = first.get(field.name), second.get(field.name)
        if one == other or (not one and not other and field.kind not in ("check", "number")):
            continue
        words = (in_words(field, one), in_words(field, other))
        if field.kind == "secret" and one and other:
            words = (translate(N_("the secret before")), translate(N_("another secret")))
        shown = (_picture(field, one), _picture(field, other))
        found.append(Difference(translate(field.label), *words, field.kind, shown))
    return found


def _picture(field: Field, value: Any) -> str | None:
    return str(value["name"]) if field.kind == "picture" and value else None


def in_words(field: Field, value: Any) -> str:
    """One value of a field; never a secret."""
    if field.kind == "check":
        return translate(N_("Yes")) if value else translate(N_("No"))
    if value is None or value == "" or value == [] or value == {}:
        return NOTHING
    labels = dict(field.options)
    if field.kind == "secret":
        return translate(N_("a secret is set"))
    if field.kind == "choice":
        return translate(labels.get(str(value), str(value)))
    if field.kind == "choices":
        return " · ".join(translate(labels.get(str(one), str(one))) for one in value)
    if field.kind == "number":
        return format_number(value, field.unit)
    if field.kind == "localised":
        return " · ".join(text for one in LOCALES if (text := value.get(one)))
    if field.kind == "picture":
        return translate(
            N_("an image of %(width)s × %(height)s pixels"),
            width=format_number(value["width"]),
            height=format_number(value["height"]),
        )
    if field.kind == "lines":
        return " · ".join(value)
    return str(value)
