"""The bridge: spans as wide as what they add, gaps that name what closes them."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from passerelle.web.bridge import (
    THICKEST,
    WIDTH,
    Bridge,
    Drawing,
    Proof,
    Requirement,
    Span,
    draw,
)
from passerelle.web.templates import make_environment

NAMES = st.text(alphabet=st.characters(categories=["L", "Zs"]), min_size=1, max_size=90)


@st.composite
def bridges(draws: st.DrawFn) -> Bridge:
    proofs = [Proof(f"p{i}", draws(NAMES), draws(NAMES)) for i in range(draws(st.integers(0, 6)))]
    requirements = [
        Requirement(f"r{i}", draws(NAMES), closes_with=draws(st.none() | NAMES))
        for i in range(draws(st.integers(0, 6)))
    ]
    pairs = [(p.key, r.key) for p in proofs for r in requirements]
    chosen = draws(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    amounts = st.floats(-0.2, 1, allow_nan=False)
    return Bridge(proofs, requirements, [Span(p, r, draws(amounts)) for p, r in chosen])


def thickness(path: str) -> float:
    """Of a band, at its near end: from its first point to where it closes."""
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", path)]
    return round(numbers[-1] - numbers[1], 1)


@given(bridges(), st.booleans())
def test_everything_stands_inside_the_figure(bridge: Bridge, mirrored: bool) -> None:
    drawing = draw(bridge, mirrored=mirrored)
    for bank in drawing.banks:
        assert 0 <= bank.x <= WIDTH
        assert bank.y >= -0.1
        assert bank.y + bank.height <= drawing.height + 0.2
        assert bank.height <= THICKEST + 0.1
    for label in [*drawing.near, *drawing.far]:
        assert label.x >= 0
        assert label.x + label.width <= WIDTH
        assert label.y + label.height <= drawing.height + 0.2


@given(bridges())
def test_labels_of_a_bank_never_overlap(bridge: Bridge) -> None:
    drawing = draw(bridge)
    for bank in (drawing.near, drawing.far):
        for above, below in pairwise(bank):
            assert above.y + above.height < below.y


@given(bridges())
def test_the_figure_is_the_same_seen_in_a_mirror(bridge: Bridge) -> None:
    straight, mirrored = draw(bridge), draw(bridge, mirrored=True)
    for one, other in zip(straight.banks, mirrored.banks, strict=True):
        assert round(one.x + other.x + one.width, 1) == WIDTH
        assert (one.y, one.height) == (other.y, other.height)
    for label, reflected in zip(straight.near, mirrored.near, strict=True):
        assert round(label.x + reflected.x + label.width, 1) == WIDTH


@given(bridges())
def test_each_span_is_as_wide_as_what_it_adds(bridge: Bridge) -> None:
    spans = [span for span in bridge.spans if span.amount > 0.1]
    drawing = draw(Bridge(bridge.proofs, bridge.requirements, spans))
    proofs = [proof.key for proof in bridge.proofs]
    requirements = [requirement.key for requirement in bridge.requirements]
    spans.sort(key=lambda s: (proofs.index(s.proof), requirements.index(s.requirement)))
    for span, band in zip(spans, drawing.bands, strict=True):
        whole = max(
            thickness(one.path) / two.amount for one, two in zip(drawing.bands, spans, strict=True)
        )
        assert thickness(band.path) >= span.amount * whole * 0.5


def example() -> Drawing:
    return draw(
        Bridge(
            [Proof("p", "Data cleaning", "exam")],
            [
                Requirement("r", "Checks data"),
                Requirement("s", "Protects data", closes_with="Data protection, level 1"),
            ],
            [Span("p", "r", 0.3), Span("p", "s", 0.0)],
        )
    )


def test_what_is_missing_is_a_gap_that_names_the_achievement() -> None:
    drawing = example()
    assert len(drawing.gaps) == 1
    assert [bank.hollow for bank in drawing.banks] == [False, False, True]
    assert (drawing.carried, drawing.total) == (1, 0.3)


def test_the_figure_has_a_table_that_says_the_same() -> None:
    environment = make_environment()
    template = environment.from_string(
        '{% import "web/components.html" as ui %}{{ ui.bridge(drawing, "Why", "why") }}'
    )
    page = template.render(drawing=example())
    table = page[page.index("<table") : page.index("</table>")]
    for word in (
        "Checks data",
        "Data cleaning",
        "0.30",
        "Protects data",
        "Data protection, level 1",
    ):
        assert word in table
    assert "style=" not in page
