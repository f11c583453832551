"""What leaves as CSV comes back as the same text, and nothing in it runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.web.export import FORMULA_STARTS, as_csv, neutralised


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("https://evil.example","2026-1")',
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1+1",
        "  =1+1",
        "＝1+1",
    ],
)
def test_no_cell_begins_as_a_formula(cell: str) -> None:
    assert neutralised(cell) == "'" + cell


@given(st.text())
def test_a_neutralised_cell_never_begins_as_a_formula_and_loses_nothing(cell: str) -> None:
    safe = neutralised(cell)
    assert not safe.lstrip().startswith(FORMULA_STARTS)
    assert safe.removeprefix("'") == cell or safe == cell


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(st.lists(st.lists(words, min_size=3, max_size=3), max_size=5))
def test_rows_come_back_as_they_went(rows: list[list[str]]) -> None:
    written = as_csv(["a", "b", "c"], rows).decode("utf-8-sig")
    back = list(csv.reader(io.StringIO(written)))
    assert back[1:] == [[neutralised(cell) for cell in row] for row in rows]
