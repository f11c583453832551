"""Style sheets: logical properties alone, colours from tokens, and tokens that can be read."""

import re
from pathlib import Path

import pytest

from passerelle.web.extraction import ROOT

SHEETS = sorted((ROOT / "platform/passerelle/web/frontend/styles").glob("*.css"))
TOKENS = (ROOT / "platform/passerelle/web/frontend/styles/tokens.css").read_text()

PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|scroll-margin|scroll-padding|inset)-(?:left|right|top"
    r"|bottom)|left|right|top|bottom|(?:min-|max-)?(?:width|height)|border-(?:top|bottom)-(?:left"
    r"|right)-radius)\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right)\b"
)

#: Foreground, background, least contrast: WCAG 2.2, 1.4.3 (text) and 1.4.11 (controls, figures).
TEXT, GRAPHIC = 4.5, 3.0
PAIRS = [
    *[("text", ground, TEXT) for ground in ("page", "surface", "surface-quiet")],
    *[("text-quiet", ground, TEXT) for ground in ("page", "surface", "surface-quiet")],
    *[("brand", ground, TEXT) for ground in ("page", "surface", "surface-quiet", "brand-tint")],
    *[("brand-strong", ground, TEXT) for ground in ("surface", "brand-tint")],
    *[("text", tint, TEXT) for tint in ("brand-tint", "caution-tint", "danger-tint")],
    *[("text-quiet", tint, TEXT) for tint in ("brand-tint", "caution-tint", "danger-tint")],
    ("on-brand", "brand", TEXT),
    ("on-brand", "brand-strong", TEXT),
    ("accent", "accent-tint", TEXT),
    ("caution", "caution-tint", TEXT),
    ("danger", "surface", TEXT),
    ("danger", "danger-tint", TEXT),
    ("page", "text", TEXT),
    *[("line-strong", ground, GRAPHIC) for ground in ("surface", "page")],
    *[("missing", ground, GRAPHIC) for ground in ("surface", "page")],
    *[("proven", ground, GRAPHIC) for ground in ("surface", "page", "surface-quiet")],
    ("accent", "page", GRAPHIC),
]


def without_comments(path: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_right_to_left_needs_no_second_sheet(path: Path) -> None:
    declared = re.sub(r"@(?:media|container)[^{]*{", "{", without_comments(path))
    assert not [match.group() for match in PHYSICAL.finditer(declared)]


@pytest.mark.parametrize(
    "path", [p for p in SHEETS if p.name not in {"tokens.css", "print.css"}], ids=lambda p: p.name
)
def test_colours_are_tokens(path: Path) -> None:
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgb|\bhsl|\boklch", without_comments(path))


def test_every_token_that_is_used_exists() -> None:
    known = set(re.findall(r"(--[\w-]+)\s*:", TOKENS))
    for path in SHEETS:
        assert set(re.findall(r"var\((--[\w-]+)", path.read_text())) <= known, path.name


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_colours_can_be_told_apart(front: str, ground: str, least: float, dark: bool) -> None:
    found = contrast(token(front, dark), token(ground, dark))
    assert found >= least, f"{found:.2f} of {least}"


def token(name: str, dark: bool) -> str:
    match = re.search(rf"--{name}:\s*light-dark\((#\w+),\s*(#\w+)\)", TOKENS)
    assert match, f"--{name} is no pair of colours"
    return match.group(2 if dark else 1)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of #rrggbb."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
