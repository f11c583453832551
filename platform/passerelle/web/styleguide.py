"""What the style guide shows: every component with plausible content, in the person's language."""

from datetime import UTC, date, datetime
from typing import Any

from passerelle.kernel.language import N_
from passerelle.web.bridge import Bridge, Drawing, Proof, Requirement, Span, draw
from passerelle.web.language import current, translate

_PROOFS = (
    ("prompting", N_("Prompting and review"), N_("exam, level 2")),
    ("cleaning", N_("Data cleaning"), N_("practical task")),
    ("service", N_("Customer service online"), N_("credential, equivalence")),
    ("sheets", N_("Spreadsheet modelling"), N_("exam, level 3")),
    ("writing", N_("Writing in French and Arabic"), N_("assessor, two scorecards")),
)
_REQUIREMENTS = (
    ("safe", N_("Uses AI tools safely"), None),
    ("checks", N_("Checks data before use"), None),
    ("reports", N_("Reports from store data"), None),
    ("helps", N_("Helps customers online"), None),
    ("languages", N_("Writes in two languages"), None),
    ("privacy", N_("Protects personal data"), N_("Data protection, level 1")),
)
_SPANS = (
    Span("prompting", "safe", 0.21),
    Span("prompting", "checks", 0.09),
    Span("cleaning", "checks", 0.09),
    Span("cleaning", "reports", 0.10),
    Span("service", "helps", 0.15),
    Span("sheets", "reports", 0.09),
    Span("writing", "languages", 0.11),
)


def example_bridge() -> Drawing:
    bridge = Bridge(
        proofs=[Proof(key, translate(name), translate(note)) for key, name, note in _PROOFS],
        requirements=[
            Requirement(key, translate(name), closes_with=translate(closes) if closes else None)
            for key, name, closes in _REQUIREMENTS
        ],
        spans=_SPANS,
    )
    return draw(bridge, mirrored=current().direction == "rtl")


def examples() -> dict[str, Any]:
    """The context of `web/styleguide.html`."""
    return {
        "drawing": example_bridge(),
        "day": date(2026, 12, 14),
        "moment": datetime(2026, 12, 14, 9, 42, 7, tzinfo=UTC),
        "shares": [0.84, 0.81, 0.73],
        "dots": ["done"] * 7 + ["later", "here"] + ["ahead"] * 11,
    }
