"""Branding: a colour that can be read in light and in dark, and a logo."""

from typing import Annotated, Final

import msgspec

from passerelle.kernel.database import TenantRead
from passerelle.kernel.language import N_
from passerelle.kernel.tenant_settings import TenantSetting, declare, read_setting
from passerelle.web.colour import TEXT_RATIO, Scheme, contrast, for_dark, nearest, parse
from passerelle.web.formats import format_number
from passerelle.web.language import translate
from tenants.settings.fields import Picture

NAME: Final = "branding"
#: The product's own, of frontend/styles/tokens.css.
PRODUCT_COLOURS: Final = ("#0b6259", "#5cc5b6")

COLOUR = msgspec.Meta(extra={"kind": "colour"}, max_length=20)


class Branding(msgspec.Struct, frozen=True, kw_only=True):
    """Colours are `#rrggbb`; empty is the product's, and for dark screens what follows."""

    colour: Annotated[
        str,
        COLOUR,
        msgspec.Meta(
            title=N_("Colour"),
            description=N_(
                "Of buttons, links and what is chosen, as six digits such as #1f5fa8. "
                "Empty: the colour of Passerelle."
            ),
        ),
    ] = ""
    colour_dark: Annotated[
        str,
        COLOUR,
        msgspec.Meta(
            title=N_("Colour on dark screens"),
            description=N_("Empty: a lighter one of the same hue."),
        ),
    ] = ""
    logo: Annotated[
        Picture | None,
        msgspec.Meta(
            title=N_("Logo"),
            description=N_(
                "A PNG, JPEG or WebP image of at most 512 KiB, between 32 and 4,000 pixels a "
                "side. It stands beside the organisation’s name on every page."
            ),
        ),
    ] = None


def colours_of(value: Branding) -> tuple[str, str] | None:
    """The light and the dark colour; None for the product's.

    One that was saved when less was asked of it is mended: every page is drawn with it.
    """
    light = parse(value.colour)
    if light is None:
        return None
    dark = parse(value.colour_dark) or for_dark(light)
    return nearest(light, "light"), nearest(dark, "dark")


def problems(value: Branding) -> dict[str, str]:
    """What is wrong, by field, with the nearest colour that would do."""
    wrong: dict[str, str] = {}
    schemes: dict[str, Scheme] = {"colour": "light", "colour_dark": "dark"}
    for field, scheme in schemes.items():
        text = getattr(value, field)
        if not text:
            continue
        colour = parse(text)
        if colour is None:
            wrong[field] = translate(N_("Give a colour as # and six digits, such as #1f5fa8"))
        elif not (measured := contrast(colour, scheme)).passes:
            wrong[field] = translate(
                N_(
                    "Text in this colour has a contrast of %(ratio)s, and needs %(needed)s to be "
                    "read. %(nearest)s is the nearest colour that passes."
                ),
                ratio=format_number(min(measured.as_text, measured.on_it), decimals=2),
                needed=format_number(TEXT_RATIO, decimals=1),
                nearest=f"\u2066{nearest(colour, scheme)}\u2069",
            )
    if value.colour_dark and not value.colour:
        wrong.setdefault("colour", translate(N_("Give this one too, or leave both empty")))
    return wrong


BRANDING: TenantSetting[Branding] = declare(
    TenantSetting(
        name=NAME,
        type=Branding,
        default=Branding(),
        title=N_("Branding"),
        lead=N_("Your colour and your logo, on every page and in mails."),
        order=10,
        problems=problems,
    )
)


async def mail_colour(read: TenantRead) -> str:
    """The colour of an organisation's mails: mail programs show them on white."""
    colours = colours_of(await read_setting(read, BRANDING))
    return (colours or PRODUCT_COLOURS)[0]
