"""The bridge: proven skills on one bank, requirements on the other, spans as wide as what they add.

`draw` turns a Bridge into plain geometry, which `ui.bridge(drawing, title, id)` shows as an SVG, as
stacked spans on a narrow screen, and as a table. Lengths are in the figure's own units.
"""

from collections.abc import Sequence
from math import ceil
from typing import Final, Protocol

import msgspec

WIDTH: Final = 800.0
#: Widths of a label on either bank, and of an amount; of a bank, and between it and its label.
LABEL, FAR_LABEL, AMOUNT, BANK, MARGIN = 224.0, 190.0, 58.0, 6.0, 9.0
#: The widest bank, and the narrowest span that can still be seen.
THICKEST, THINNEST = 56.0, 3.0
#: Between two labels of a bank.
SPACE, MOST_SPACE = 14.0, 40.0

_NEAR_EDGE: Final = LABEL + MARGIN + BANK
_FAR_EDGE: Final = WIDTH - AMOUNT - FAR_LABEL - MARGIN - BANK
_NAME_LINE, _NOTE_LINE = 20.0, 17.0
_NAME_LETTER, _NOTE_LETTER = 7.6, 6.6  # a generous mean width, so that no label is cut


class Proof(msgspec.Struct, frozen=True):
    """A proven skill, and by what it is proven ("exam, level 2 · May 2026")."""

    key: str
    name: str
    note: str = ""


class Requirement(msgspec.Struct, frozen=True):
    """What is asked; `closes_with` names the achievement that would prove it."""

    key: str
    name: str
    note: str = ""
    closes_with: str | None = None


class Span(msgspec.Struct, frozen=True):
    """What a proof adds to a requirement; `planned` where it is yet to be proven."""

    proof: str
    requirement: str
    amount: float
    planned: bool = False


class Bridge(msgspec.Struct, frozen=True):
    """Spans with no positive amount carry nothing and are left out.

    `rest` is what links add (or take away) that are too small to draw; it counts in the total.
    """

    proofs: Sequence[Proof]
    requirements: Sequence[Requirement]
    spans: Sequence[Span]
    rest: float = 0.0


class Label(msgspec.Struct, frozen=True):
    x: float
    y: float
    width: float
    height: float
    name: str
    note: str
    closes_with: str | None = None
    amount: float | None = None
    amount_x: float = 0.0
    missing: bool = False


class Shape(msgspec.Struct, frozen=True):
    """A bank: x, y, width, height; hollow where nothing reaches it."""

    x: float
    y: float
    width: float
    height: float
    hollow: bool = False


class Band(msgspec.Struct, frozen=True):
    """A span as the `d` of a path."""

    path: str
    planned: bool = False


class Carried(msgspec.Struct, frozen=True):
    """A requirement with what carries it: a row of the stacked figure and of the table."""

    requirement: Requirement
    amount: float
    parts: Sequence[tuple[Proof, float, float]]  # the proof, its amount, its share of the widest


class Drawing(msgspec.Struct, frozen=True):
    """Everything a template needs; no further arithmetic."""

    width: float
    height: float
    near: Sequence[Label]
    far: Sequence[Label]
    banks: Sequence[Shape]
    bands: Sequence[Band]
    gaps: Sequence[str]
    rows: Sequence[Carried]
    rest: float
    total: float
    mirrored: bool

    @property
    def middle(self) -> tuple[float, float]:
        """The part between the banks, for the small figure without words: x and width."""
        start, width = _NEAR_EDGE - BANK, _FAR_EDGE - _NEAR_EDGE + 2 * BANK
        return (WIDTH - start - width if self.mirrored else start), width

    @property
    def carried(self) -> int:
        """How many requirements something carries."""
        return sum(1 for row in self.rows if row.parts)


class _Mirror(Protocol):
    """Places an x, mirrored or not."""

    def __call__(self, at: float, width: float = 0.0) -> float: ...


class _Slot(msgspec.Struct):
    """Where a label and its bank stand, and how far down the bank is already taken."""

    y: float
    height: float
    bank: float
    taken: float = 0.0

    @property
    def bank_y(self) -> float:
        return self.y + (self.height - self.bank) / 2


_Slots = dict[str, _Slot]


def draw(bridge: Bridge, *, mirrored: bool = False) -> Drawing:
    """The figure's geometry; `mirrored` for a language that is read from right to left."""
    spans = [span for span in bridge.spans if span.amount > 0]
    widest = max([*_totals(spans, near=True).values(), *_totals(spans, near=False).values(), 1e-9])
    near = _slots(bridge.proofs, _totals(spans, near=True), widest, LABEL)
    far = _slots(bridge.requirements, _totals(spans, near=False), widest, FAR_LABEL)
    height = max(_end(near), _end(far), 1.0)
    _spread(near, height)
    _spread(far, height)

    def x(at: float, width: float = 0.0) -> float:
        return round(WIDTH - at - width, 1) if mirrored else round(at, 1)

    proven = _totals(spans, near=False)
    amounts = x(WIDTH - AMOUNT, AMOUNT)
    near_x, far_x = x(0, LABEL), x(_FAR_EDGE + BANK + MARGIN, FAR_LABEL)
    near_bank, far_bank = x(_NEAR_EDGE - BANK, BANK), x(_FAR_EDGE, BANK)
    return Drawing(
        width=WIDTH,
        height=round(height, 1),
        near=[_label(near_x, LABEL, near[p.key], p) for p in bridge.proofs],
        far=[
            _label(far_x, FAR_LABEL, far[r.key], r, proven.get(r.key), amounts)
            for r in bridge.requirements
        ],
        banks=[Shape(near_bank, s.bank_y, BANK, s.bank) for s in near.values()]
        + [Shape(far_bank, s.bank_y, BANK, s.bank, k not in proven) for k, s in far.items()],
        bands=_bands(bridge, spans, near, far, THICKEST / widest, x),
        gaps=[_gap(s, x) for key, s in far.items() if key not in proven],
        rows=_rows(bridge, spans),
        rest=bridge.rest,
        total=sum(span.amount for span in spans if not span.planned) + bridge.rest,
        mirrored=mirrored,
    )


def _label(
    x: float,
    width: float,
    slot: _Slot,
    node: Proof | Requirement,
    amount: float | None = None,
    amount_x: float = 0.0,
) -> Label:
    closes_with = node.closes_with if isinstance(node, Requirement) else None
    missing = isinstance(node, Requirement) and amount is None
    return Label(
        x, slot.y, width, slot.height, node.name, node.note, closes_with, amount, amount_x, missing
    )


def _totals(spans: Sequence[Span], *, near: bool) -> dict[str, float]:
    totals: dict[str, float] = {}
    for span in spans:
        key = span.proof if near else span.requirement
        totals[key] = totals.get(key, 0.0) + span.amount
    return totals


def _lines(text: str, letter: float, width: float) -> int:
    return ceil(len(text) * letter / width) if text else 0


def _slots(
    nodes: Sequence[Proof | Requirement], totals: dict[str, float], widest: float, width: float
) -> _Slots:
    slots: _Slots = {}
    y = 0.0
    for node in nodes:
        notes = _lines(node.note, _NOTE_LETTER, width)
        if isinstance(node, Requirement) and node.closes_with:
            notes += 1 + _lines(node.closes_with, _NOTE_LETTER, width)
        label = _lines(node.name, _NAME_LETTER, width) * _NAME_LINE + notes * _NOTE_LINE
        bank = max(totals.get(node.key, 0.0) / widest * THICKEST, 2 * THINNEST)
        if node.key not in totals:
            bank = 24.0
        height = max(label, bank)
        slots[node.key] = _Slot(y, height, bank)
        y += height + SPACE
    return slots


def _end(slots: _Slots) -> float:
    return max((slot.y + slot.height for slot in slots.values()), default=0.0)


def _spread(slots: _Slots, height: float) -> None:
    """The shorter bank takes more space between its labels, and stands in the middle."""
    spare, between = height - _end(slots), max(len(slots) - 1, 0)
    more = min(spare / between, MOST_SPACE - SPACE) if between else 0.0
    start = (spare - more * between) / 2
    for index, slot in enumerate(slots.values()):
        slot.y = round(slot.y + start + index * more, 1)


def _bands(
    bridge: Bridge, spans: Sequence[Span], near: _Slots, far: _Slots, scale: float, x: _Mirror
) -> list[Band]:
    """In the order of the banks, so that spans cross as little as they can."""
    proofs = [proof.key for proof in bridge.proofs]
    requirements = [requirement.key for requirement in bridge.requirements]
    ordered = sorted(
        range(len(spans)),
        key=lambda i: (proofs.index(spans[i].proof), requirements.index(spans[i].requirement)),
    )
    starts: dict[int, float] = {}
    for i in ordered:
        slot = near[spans[i].proof]
        starts[i] = slot.bank_y + slot.taken
        slot.taken += spans[i].amount * scale
    bands: dict[int, Band] = {}
    for i in sorted(ordered, key=lambda i: requirements.index(spans[i].requirement)):
        slot = far[spans[i].requirement]
        end, thickness = slot.bank_y + slot.taken, max(spans[i].amount * scale, THINNEST)
        bands[i] = Band(_band(starts[i], end, thickness, x), spans[i].planned)
        slot.taken += spans[i].amount * scale
    return [bands[i] for i in ordered]


def _band(from_y: float, to_y: float, thickness: float, x: _Mirror) -> str:
    start, middle, end = x(_NEAR_EDGE), x((_NEAR_EDGE + _FAR_EDGE) / 2), x(_FAR_EDGE)
    return (
        f"M{start} {from_y:.1f}C{middle} {from_y:.1f} {middle} {to_y:.1f} {end} {to_y:.1f}"
        f"V{to_y + thickness:.1f}"
        f"C{middle} {to_y + thickness:.1f} {middle} {from_y + thickness:.1f} "
        f"{start} {from_y + thickness:.1f}Z"
    )


def _gap(slot: _Slot, x: _Mirror) -> str:
    """A dotted line that doesn't reach the other bank."""
    y = slot.bank_y + slot.bank / 2
    start = _NEAR_EDGE + (_FAR_EDGE - _NEAR_EDGE) * 0.35
    middle = (start + _FAR_EDGE) / 2
    return (
        f"M{x(start)} {y + 12:.1f}C{x(middle)} {y + 12:.1f} "
        f"{x(middle)} {y:.1f} {x(_FAR_EDGE)} {y:.1f}"
    )


def _rows(bridge: Bridge, spans: Sequence[Span]) -> list[Carried]:
    by_key = {proof.key: proof for proof in bridge.proofs}
    widest = max((span.amount for span in spans), default=1.0)
    rows = []
    for requirement in bridge.requirements:
        own = [span for span in spans if span.requirement == requirement.key]
        own.sort(key=lambda span: -span.amount)
        parts = [(by_key[span.proof], span.amount, span.amount / widest) for span in own]
        rows.append(Carried(requirement, sum(span.amount for span in own), parts))
    return rows
