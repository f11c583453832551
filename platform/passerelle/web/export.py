"""Lists as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable

# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection);
# some take the full-width forms too.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BYTE_ORDER_MARK = "\ufeff"


def neutralised(cell: str) -> str:
    """The cell as text: an apostrophe in front of what would be read as a formula."""
    starts = cell.startswith(FORMULA_STARTS) or cell.lstrip().startswith(FORMULA_STARTS)
    return "'" + cell if starts else cell


def as_csv(header: list[str], rows: Iterable[list[str]]) -> bytes:
    """UTF-8 with a byte order mark, without which spreadsheets misread Arabic."""
    text = io.StringIO(BYTE_ORDER_MARK)
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow([neutralised(cell) for cell in header])
    writer.writerows([neutralised(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
