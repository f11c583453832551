"""Colours an organisation may choose: their contrast (WCAG 2.2), and the nearest that passes.

Relative luminance and contrast ratio are WCAG's own definitions. To find the nearest colour that
passes, only lightness is moved, in OKLCH (Ottosson 2020), where hue and colourfulness look the
same at every lightness; what leaves sRGB loses colourfulness, never its hue.
"""

import math
import re
from typing import Final, Literal

import msgspec

Scheme = Literal["light", "dark"]

#: WCAG 2.2, success criteria 1.4.3 (text) and 1.4.11 (what marks a control).
TEXT_RATIO: Final = 4.5
CONTROL_RATIO: Final = 3.0

#: What text stands on in frontend/styles/tokens.css: page, surface, surface-quiet.
GROUNDS: Final[dict[Scheme, tuple[str, ...]]] = {
    "light": ("#f7f5ef", "#ffffff", "#f1eee5"),
    "dark": ("#10191a", "#172324", "#1d2b2c"),
}
SURFACE: Final[dict[Scheme, str]] = {"light": "#ffffff", "dark": "#172324"}
#: Quiet text, which stands on tinted ground too.
QUIET_TEXT: Final[dict[Scheme, str]] = {"light": "#53605c", "dark": "#a5b5b0"}
#: What stands on a filled button.
INK_ON_BRAND: Final[dict[Scheme, str]] = {"light": "#ffffff", "dark": "#06201d"}

HEX: Final = re.compile(r"#[0-9a-f]{6}")
#: How far a hovered button moves from its colour, in OKLCH lightness.
STRONGER: Final[dict[Scheme, float]] = {"light": -0.10, "dark": 0.08}
#: Where a colour for dark screens begins, when only one for light ones was chosen.
DARK_LIGHTNESS: Final = 0.72
TINT_SHARE: Final = 0.13
TINT_STEPS: Final = 14
#: Below this no hue is seen: a grey stays a grey.
GREY_CHROMA: Final = 0.004


class Palette(msgspec.Struct, frozen=True):
    """The tokens that follow from one colour, in one scheme. Each is `#rrggbb`."""

    brand: str
    strong: str
    tint: str
    on_brand: str


class Contrast(msgspec.Struct, frozen=True):
    """A colour as text, on the ground where it is read worst; and what stands on it."""

    scheme: Scheme
    colour: str
    as_text: float
    on_it: float

    @property
    def passes(self) -> bool:
        return min(self.as_text, self.on_it) >= TEXT_RATIO


def parse(text: str) -> str | None:
    """`#RRGGBB`, `rrggbb` or `#rgb` as `#rrggbb`; None for anything else."""
    digits = text.strip().lower().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    colour = f"#{digits}"
    return colour if HEX.fullmatch(colour) else None


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    """The contrast ratio, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def contrast(colour: str, scheme: Scheme) -> Contrast:
    return Contrast(
        scheme,
        colour,
        min(ratio(colour, ground) for ground in GROUNDS[scheme]),
        ratio(colour, INK_ON_BRAND[scheme]),
    )


def nearest(colour: str, scheme: Scheme) -> str:
    """The colour itself where it passes, else the one that passes with the least change."""
    if contrast(colour, scheme).passes:
        return colour
    lightness, chroma, hue = _oklch(colour)
    passing, failing = (0.0, lightness) if scheme == "light" else (1.0, lightness)
    for _ in range(24):
        middle = (passing + failing) / 2
        if contrast(_in_gamut(middle, chroma, hue), scheme).passes:
            passing = middle
        else:
            failing = middle
    return _in_gamut(passing, chroma, hue)


def for_dark(colour: str) -> str:
    """A light colour's counterpart on dark screens: the same hue, light enough to read."""
    lightness, chroma, hue = _oklch(colour)
    return nearest(_in_gamut(max(lightness, DARK_LIGHTNESS), chroma, hue), "dark")


def palette(colour: str, scheme: Scheme) -> Palette:
    """The tokens of a colour that passes; each text among them is readable where it stands."""
    lightness, chroma, hue = _oklch(colour)
    strong = _in_gamut(min(max(lightness + STRONGER[scheme], 0), 1), chroma, hue)
    tint = next(
        mixed
        for step in range(TINT_STEPS, -1, -1)
        if _readable_on(
            mixed := _mix(colour, SURFACE[scheme], TINT_SHARE * step / TINT_STEPS), colour, scheme
        )
    )
    return Palette(colour, strong, tint, INK_ON_BRAND[scheme])


def _readable_on(ground: str, colour: str, scheme: Scheme) -> bool:
    return min(ratio(text, ground) for text in (colour, QUIET_TEXT[scheme])) >= TEXT_RATIO


def _linear(colour: str) -> tuple[float, float, float]:
    if not HEX.fullmatch(colour):
        raise ValueError(f"{colour!r} is not #rrggbb")
    values = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def _mix(colour: str, ground: str, share: float) -> str:
    """`share` of the colour over the ground, as painting it half transparent would."""
    pairs = ((int(colour[at : at + 2], 16), int(ground[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def _oklch(colour: str) -> tuple[float, float, float]:
    red, green, blue = _linear(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.atan2(b, a)


def _in_gamut(lightness: float, chroma: float, hue: float) -> str:
    """The most colourful `#rrggbb` of this lightness and hue, up to this chroma."""
    if (whole := _srgb(lightness, chroma, hue)) is not None:
        return whole
    inside, outside = 0.0, chroma
    for _ in range(20):
        middle = (inside + outside) / 2
        if _srgb(lightness, middle, hue) is None:
            outside = middle
        else:
            inside = middle
    return _srgb(lightness, inside, hue) or ("#000000" if lightness < 0.5 else "#ffffff")


def _srgb(lightness: float, chroma: float, hue: float) -> str | None:
    """`#rrggbb`, or None outside sRGB."""
    if chroma < GREY_CHROMA:
        return "#" + 3 * _encoded(min(max(lightness, 0.0), 1.0) ** 3)
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    if any(value < -0.0005 or value > 1.0005 for value in linear):
        return None
    return "#" + "".join(_encoded(min(max(value, 0.0), 1.0)) for value in linear)


def _encoded(linear: float) -> str:
    value = linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return f"{round(255 * value):02x}"
