r"""What a setting's Struct asks for: one field of a form each, found by its type.

| type | field |
| --- | --- |
| `str` | text; `extra={"kind": "email" \| "url" \| "colour" \| "lines"}` for those |
| `Annotated[str, SealedText]` | a secret: written, never shown |
| `int`, `int \| None` | a number; `ge`, `le`, and `extra={"unit": "day"}` (a CLDR unit) |
| `bool` | a tick |
| `Literal[…]` | one of a few; `extra={"labels": {value: N_("…")}}` names them |
| `tuple[Literal[…], …]` | several of a few |
| `Localised` | a text in each language |
| `Picture \| None` | an image to be sent |

`msgspec.Meta(title=N_("…"), description=N_("…"))` is the label and the hint, in OpenAPI too.
"""

import types
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from passerelle.kernel.language import Localised

Kind = Literal[
    "text",
    "email",
    "url",
    "colour",
    "lines",
    "secret",
    "number",
    "check",
    "choice",
    "choices",
    "localised",
    "picture",
]
TEXT_LIMIT_CHARACTERS: Final = 500
NUMBER_LEAST: Final = 0
NUMBER_MOST: Final = 2**31 - 1


class Picture(msgspec.Struct, frozen=True):
    """An image that was sent: the name of its object, and its size in pixels."""

    name: str
    width: int
    height: int


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """`label`, `hint` and the options' texts are marked, and translated where they are shown."""

    name: str
    kind: Kind
    label: str
    hint: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    unit: str | None = None
    least: int = NUMBER_LEAST
    most: int = NUMBER_MOST
    limit_characters: int = TEXT_LIMIT_CHARACTERS
    # Whether it may be left empty.
    optional: bool = False


def fields_of(struct: type[msgspec.Struct]) -> list[Field]:
    """The fields of a setting, in the order in which they are written down."""
    hints = get_type_hints(struct, include_extras=True)
    return [
        _field(info.name, hints[info.name], not info.required)
        for info in msgspec.structs.fields(struct)
    ]


def _field(name: str, hint: Any, has_default: bool) -> Field:
    inner, metas = _unwrapped(hint)
    extra: dict[str, Any] = {}
    title = description = least = most = longest = None
    for meta in metas:
        extra |= meta.extra or {}
        title, description = meta.title or title, meta.description or description
        least = meta.ge if meta.ge is not None else least
        most = meta.le if meta.le is not None else most
        longest = meta.max_length if meta.max_length is not None else longest
    inner, nullable = _optional(inner)
    kind = _kind(inner, extra)
    values = get_args(inner) if kind == "choice" else ()
    if kind == "choices":
        values = get_args(get_args(inner)[0])
    labels: dict[str, str] = extra.get("labels", {})
    return Field(
        name=name,
        kind=kind,
        label=title or name.replace("_", " ").capitalize(),
        hint=description,
        options=tuple((str(value), labels.get(str(value), str(value))) for value in values),
        unit=extra.get("unit"),
        least=NUMBER_LEAST if least is None else int(least),
        most=NUMBER_MOST if most is None else int(most),
        limit_characters=TEXT_LIMIT_CHARACTERS if longest is None else longest,
        optional=nullable or (has_default and kind not in ("number", "choice", "choices")),
    )


def _unwrapped(hint: Any) -> tuple[Any, list[msgspec.Meta]]:
    if get_origin(hint) is not Annotated:
        return hint, []
    inner, *metas = get_args(hint)
    return inner, [meta for meta in metas if isinstance(meta, msgspec.Meta)]


def _optional(inner: Any) -> tuple[Any, bool]:
    if get_origin(inner) not in (Union, types.UnionType):
        return inner, False
    parts = [part for part in get_args(inner) if part is not type(None)]
    if len(parts) != 1:
        raise TypeError(f"no form field for {inner}")
    return parts[0], True


def _kind(inner: Any, extra: dict[str, Any]) -> Kind:
    if extra.get("sealed"):
        return "secret"
    simple: dict[Any, Kind] = {
        bool: "check",
        int: "number",
        Localised: "localised",
        Picture: "picture",
    }
    if inner in simple:
        return simple[inner]
    if get_origin(inner) is Literal:
        return "choice"
    if get_origin(inner) is tuple and get_origin(get_args(inner)[0]) is Literal:
        return "choices"
    if get_origin(inner) is tuple and get_args(inner)[0] is str:
        return "lines"
    if inner is str:
        named: Kind = extra.get("kind", "text")
        return named
    raise TypeError(f"no form field for {inner}")
