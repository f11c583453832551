"""A sent form, read into the value of a setting; what can't be taken is named field by field."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from passerelle.kernel.language import LOCALES, N_
from passerelle.web.formats import format_number
from passerelle.web.language import translate
from tenants.settings.fields import Field

#: Beside a secret or a picture: a tick that takes it away.
CLEAR: Final = "clear_"
LINES_LIMIT: Final = 100

Form = Mapping[str, list[str]]


class Sent(msgspec.Struct, frozen=True):
    """`values` are what the setting's type takes, `typed` what stands in the form again, `errors`
    what is wrong by field (translated)."""

    values: dict[str, Any]
    typed: dict[str, Any]
    errors: dict[str, str]


def read_form(
    fields: list[Field],
    form: Form,
    former: Mapping[str, Any],
    seal: Callable[[str, str], str],
) -> Sent:
    """Reads every field but pictures, which keep their former value unless they are cleared.

    `seal(field, text)` seals a secret. A secret that was left empty keeps its former value.
    """
    sent = Sent({}, {}, {})
    for field in fields:
        texts = [text.strip() for text in form.get(field.name, [])]
        text = texts[0] if texts else ""
        cleared = bool(form.get(CLEAR + field.name))
        if field.kind in ("secret", "picture"):
            sent.typed[field.name] = former.get(field.name)
            if cleared:
                sent.values[field.name] = "" if field.kind == "secret" else None
            elif field.kind == "secret" and text:
                sent.values[field.name] = seal(field.name, text)
            else:
                sent.values[field.name] = former.get(field.name)
        else:
            _read(field, text, texts, form, sent)
    return sent


def _read(field: Field, text: str, texts: list[str], form: Form, sent: Sent) -> None:
    value: Any = text
    typed: Any = text
    if field.kind == "check":
        value = typed = bool(text)
    elif field.kind == "number":
        value, problem = _number(field, text)
        if problem:
            sent.errors[field.name] = problem
    elif field.kind == "choices":
        known = [option for option, _ in field.options]
        value = typed = [option for option in known if option in texts]
    elif field.kind == "localised":
        value = typed = {one: form.get(f"{field.name}_{one}", [""])[0].strip() for one in LOCALES}
        if not field.optional and not all(value.values()):
            sent.errors[field.name] = translate(N_("Give it in each language"))
    elif field.kind == "choice":
        if text not in {option for option, _ in field.options}:
            sent.errors[field.name] = translate(N_("Choose one of these"))
    elif field.kind == "lines":
        value = [line.strip() for line in text.splitlines() if line.strip()]
        if len(value) > LINES_LIMIT:
            sent.errors[field.name] = translate(N_("Give at most 100 lines"))
    elif not text and not field.optional:
        sent.errors[field.name] = translate(N_("Fill this in"))
    longest = max((len(part) for part in _parts(value)), default=0)
    if longest > field.limit_characters:
        sent.errors[field.name] = translate(
            N_("Use at most %(number)s characters"), number=format_number(field.limit_characters)
        )
    sent.values[field.name], sent.typed[field.name] = value, typed


def _parts(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    return [part for part in (value if isinstance(value, list) else [value]) if type(part) is str]


def _number(field: Field, text: str) -> tuple[int | None, str | None]:
    if not text and field.optional:
        return None, None
    try:
        number = int(text.replace("\u00a0", "").replace("\u202f", "").replace(" ", ""))
    except ValueError:
        number = field.least - 1
    if not field.least <= number <= field.most:
        return None, translate(
            N_("Give a whole number from %(least)s to %(most)s"),
            least=format_number(field.least),
            most=format_number(field.most),
        )
    return number, None
