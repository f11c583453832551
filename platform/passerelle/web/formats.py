"""Dates, numbers and sizes as the person's language writes them (CLDR, by Babel)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.dates import format_timedelta as babel_timedelta
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from passerelle.web.language import current

Length = Literal["short", "medium", "long", "full"]

_DIGITS: Final = {
    "arab": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "arabext": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
}


def in_numerals(text: str) -> str:
    """`text` with the digits of the current language: Babel leaves dates in Latin ones."""
    return text.translate(_DIGITS.get(current().numerals, {}))


def format_date(value: date, length: Length = "long") -> str:
    """A date in full: 14 December 2026 · 14 décembre 2026 · ١٤ دجنبر ٢٠٢٦."""
    return in_numerals(babel_date(value, format=length, locale=current().formats))


def format_month(value: date) -> str:
    """A month and its year: May 2026."""
    return in_numerals(babel_date(value, format="MMMM y", locale=current().formats))


def format_datetime(value: datetime) -> str:
    """A date and time in UTC, said so. Pages use the `moment` macro, which the person's own
    device turns into its own time."""
    text = babel_datetime(value.astimezone(UTC), format="d MMMM y, HH:mm", locale=current().formats)
    return in_numerals(f"{text} UTC")


def format_number(
    value: float, unit: str | None = None, decimals: int | None = None, short: bool = False
) -> str:
    """A number with its unit: `format_number(40, "minute")` is 40 minutes · ٤٠ دقيقة.

    `unit` is a CLDR unit (minute, hour, day, week, month, year, kilobyte, …) or `percent`, for
    which `value` is a share of 1. `decimals` fixes the figures after the point.
    """
    language = current()
    options: dict[str, Any] = {
        "locale": language.formats,
        "numbering_system": language.numerals,
    }
    figures = "#,##0" + ("." + "0" * decimals if decimals else "")
    if unit == "percent":
        if decimals is not None:
            options["format"] = figures + ("\u00a0%" if language.locale == "fr" else "%")
        return in_numerals(format_percent(value, **options))
    if decimals is not None:
        options["format"] = figures
    if unit is None:
        return in_numerals(format_decimal(value, **options))
    return in_numerals(format_unit(value, unit, length="short" if short else "long", **options))


def format_duration(value: timedelta) -> str:
    """A length of time in its largest unit: 40 minutes, 3 days."""
    return in_numerals(babel_timedelta(value, threshold=1.2, locale=current().formats))
