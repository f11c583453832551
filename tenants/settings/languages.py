"""Languages: which of the product's the organisation offers, and which one comes first."""

from typing import Annotated, Final, Literal

import msgspec

from passerelle.kernel.language import LOCALES, N_, Locale
from passerelle.kernel.tenant_settings import TenantSetting, declare

NAME: Final = "languages"
LABELS: Final = {"en": N_("English"), "fr": N_("French"), "ar": N_("Arabic")}


class Languages(msgspec.Struct, frozen=True, kw_only=True):
    """`first` empty is the language that the organisation was made with."""

    offered: Annotated[
        tuple[Locale, ...],
        msgspec.Meta(
            title=N_("Languages offered"),
            description=N_("Your people choose among these; the others are not shown to them."),
            extra={"labels": LABELS},
        ),
    ] = LOCALES
    first: Annotated[
        Literal["", "en", "fr", "ar"],
        msgspec.Meta(
            title=N_("First language"),
            description=N_(
                "For whoever has chosen none, and whose browser asks for none of these."
            ),
            extra={"labels": {"": N_("As when the organisation was made"), **LABELS}},
        ),
    ] = ""


def problems(value: Languages) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not value.offered:
        wrong["offered"] = N_("Choose at least one language")
    elif len(set(value.offered)) != len(value.offered):
        wrong["offered"] = N_("Name each language once")
    if value.first and value.first not in value.offered:
        wrong["first"] = N_("Choose one of the languages offered")
    return wrong


def first_of(value: Languages, made_with: Locale) -> Locale:
    """The language where nothing else says which."""
    wanted = value.first or made_with
    return wanted if wanted in value.offered else value.offered[0]


LANGUAGES: TenantSetting[Languages] = declare(
    TenantSetting(
        name=NAME,
        type=Languages,
        default=Languages(),
        title=N_("Languages"),
        lead=N_("The languages your people can choose, and the first one."),
        order=20,
        problems=problems,
    )
)
