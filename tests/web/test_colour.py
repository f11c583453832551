"""Contrast as WCAG defines it, and the nearest colour that passes."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.web import colour
from passerelle.web.appearance import Appearance, sheet
from passerelle.web.colour import Scheme, contrast, for_dark, luminance, nearest, palette, ratio
from passerelle.web.extraction import ROOT

TOKENS = (ROOT / "platform/passerelle/web/frontend/styles/tokens.css").read_text()
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
SCHEMES = get_args(Scheme)


# Black on white is 21 to 1 by definition. #767676 is the lightest grey that WCAG's own
# explanation of 1.4.3 names as passing on white (4.54), #777777 fails (4.48); #949494 is the same
# for 1.4.11 (3.03). The pure colours on white are those of the W3C's relative luminance formula.
@pytest.mark.parametrize(
    ("front", "published"),
    [
        ("#000000", 21.0),
        ("#ffffff", 1.0),
        ("#767676", 4.54),
        ("#777777", 4.48),
        ("#949494", 3.03),
        ("#ff0000", 4.0),
        ("#0000ff", 8.59),
        ("#008000", 5.14),
        ("#ffff00", 1.07),
    ],
)
def test_contrast_with_white_is_as_published(front: str, published: float) -> None:
    assert ratio(front, "#ffffff") == pytest.approx(published, abs=0.005)
    assert ratio("#ffffff", front) == ratio(front, "#ffffff")


def test_luminance_weighs_red_green_and_blue_as_wcag_does() -> None:
    assert [luminance(one) for one in ("#ff0000", "#00ff00", "#0000ff")] == [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_grounds_are_those_of_the_style_sheet(scheme: Scheme) -> None:
    def token(name: str) -> str:
        match = re.search(rf"--{name}:\s*light-dark\((#\w+),\s*(#\w+)\)", TOKENS)
        assert match
        return match.group(1 if scheme == "light" else 2)

    grounds = tuple(token(name) for name in ("page", "surface", "surface-quiet"))
    assert grounds == colour.GROUNDS[scheme]
    assert token("surface") == colour.SURFACE[scheme]
    assert token("on-brand") == colour.INK_ON_BRAND[scheme]
    assert token("text-quiet") == colour.QUIET_TEXT[scheme]


@given(COLOURS)
def test_whatever_is_chosen_the_nearest_passes_and_so_do_its_tokens(chosen: str) -> None:
    for scheme, found in (("light", nearest(chosen, "light")), ("dark", for_dark(chosen))):
        assert contrast(found, scheme).passes  # type: ignore[arg-type]
        tokens = palette(found, scheme)  # type: ignore[arg-type]
        assert ratio(tokens.brand, tokens.tint) >= 4.5
        assert ratio(tokens.strong, tokens.tint) >= 4.5
        assert ratio(tokens.on_brand, tokens.brand) >= 4.5
        assert ratio(tokens.on_brand, tokens.strong) >= 4.5
        for ground in colour.GROUNDS[scheme]:  # type: ignore[index]
            assert ratio(tokens.brand, ground) >= 4.5


@pytest.mark.parametrize("passing", ["#0b6259", "#1f5fa8", "#7a1f5c"])
def test_a_colour_that_passes_is_left_as_it_is(passing: str) -> None:
    assert nearest(passing, "light") == passing


def test_a_colour_that_fails_by_a_hair_moves_by_a_hair() -> None:
    found = nearest("#1d70b8", "light")
    pairs = zip(("1d", "70", "b8"), (found[1:3], found[3:5], found[5:]), strict=True)
    assert all(abs(int(one, 16) - int(other, 16)) <= 2 for one, other in pairs)


def test_a_grey_stays_grey() -> None:
    red, green, blue = (nearest("#aaaaaa", "light")[at : at + 2] for at in (1, 3, 5))
    assert red == green == blue


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("#1F5FA8", "#1f5fa8"),
        ("1f5fa8 ", "#1f5fa8"),
        ("#abc", "#aabbcc"),
        ("red", None),
        ("#12345", None),
        ("#1f5fa8;}body{display:none", None),
        ("url(//x)", None),
        ("#１f5fa8", None),
    ],
)
def test_only_six_digits_are_a_colour(typed: str, read: str | None) -> None:
    assert colour.parse(typed) == read


def test_the_sheet_holds_tokens_and_nothing_else() -> None:
    written = sheet("#1f5fa8", "#7fb2f0")
    assert re.fullmatch(
        r":root\{(--[a-z-]+:light-dark\(#[0-9a-f]{6},#[0-9a-f]{6}\);){4}\}\n", written
    )
    for wrong in ("red", "#1f5fa8;", "#1f5fa8\n", ""):
        with pytest.raises(ValueError, match="#rrggbb"):
            sheet(wrong, "#7fb2f0")


def test_the_sheets_version_changes_with_its_colours() -> None:
    one = Appearance(colours=("#1f5fa8", "#7fb2f0"))
    assert one.sheet_version == Appearance(colours=("#1f5fa8", "#7fb2f0")).sheet_version
    assert one.sheet_version != Appearance(colours=("#7a1f5c", "#7fb2f0")).sheet_version
    assert Appearance().sheet_version is None
