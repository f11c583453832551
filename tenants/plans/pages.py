"""What an organisation may use and uses: this month beside the plan, and monthly statements."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import Parameter

from passerelle.kernel.database import TenantReader
from passerelle.kernel.errors import NotFound
from passerelle.kernel.language import N_
from passerelle.web import navigation
from passerelle.web.export import as_csv
from passerelle.web.formats import format_number
from passerelle.web.language import current, translate, translate_plural
from passerelle.web.page import Page
from tenants.audit.plot import Plot, draw
from tenants.plans import accounting, service
from tenants.plans import statement_store as store
from tenants.plans.model import NAMES, NEAR_SHARE
from tenants.plans.statement import (
    ACTIVITY,
    KIND,
    Line,
    Proof,
    Statement,
    next_month,
    parse_month,
    start_of,
)

navigation.add(N_("Usage"), "/usage", permission="usage.read", order=85)

ROOT: Final = "/t/{slug:str}/usage"
MONTH: Final = ROOT + "/{month:str}"
STATEMENT_COLUMNS: Final = (
    N_("Line"),
    N_("Quantity"),
    N_("Unit"),
    N_("Events"),
    N_("Digest of the events (SHA-256)"),
    N_("From"),
    N_("Before"),
    N_("Closed on"),
)
PROOF_COLUMNS: Final = (
    N_("Event"),
    N_("What happened"),
    N_("When"),
    N_("By"),
    N_("Person"),
    N_("Seconds"),
    N_("Bytes"),
)
UNITS: Final = {"count": N_("times"), "minutes": N_("minutes"), "bytes": N_("bytes")}
AsOf = Annotated[str, Parameter(max_length=10)]


@get(ROOT, permission="usage.read", include_in_schema=False)
async def usage_page(read: TenantReader) -> Page:
    """This month against the plan's limits, and the months that can be stated."""
    now = datetime.now(UTC)
    since, end = service.month_of(now)
    counts = await store.days(read, since, now, list(ACTIVITY))
    return Page(
        "tenants/usage.html",
        {
            "plan": await service.plan_of(read),
            "plan_names": NAMES,
            "usage": await service.usage_of(read, now),
            "near": NEAR_SHARE,
            "plot": _plot(counts, now.date()),
            "days": _by_day(counts),
            "months": await accounting.months(read, now),
            "in_bytes": in_bytes,
            "until": end.date(),
        },
    )


def _plot(counts: list[Any], today: date) -> Plot:
    """Arrivals a day, from the month's first to today."""
    totals: dict[date, int] = {}
    for row in counts:
        totals[row.day.date()] = totals.get(row.day.date(), 0) + row.count
    days = [today.replace(day=number) for number in range(1, today.day + 1)]
    return draw(days, totals, current().direction == "rtl")


def _by_day(counts: list[Any]) -> list[tuple[date, int, int]]:
    """Day, sign-ins and launches, newest first; days without any are left out."""
    found: dict[date, dict[str, int]] = {}
    for row in counts:
        found.setdefault(row.day.date(), {})[row.name] = row.count
    return [
        (day, names.get(ACTIVITY[0], 0), names.get(ACTIVITY[1], 0))
        for day, names in sorted(found.items(), reverse=True)
    ]


class Asked(msgspec.Struct, frozen=True):
    """A statement, and what of the asked day could not be read."""

    statement: Statement
    as_of: date | None
    problem: str | None


async def asked(read: TenantReader, month: str, as_of: str, now: datetime) -> Asked:
    """The statement that an address names. Raises NotFound for a month that is none."""
    first = parse_month(month)
    if first is None:
        raise NotFound()
    day, problem = None, None
    if as_of:
        try:
            day = date.fromisoformat(as_of)
        except ValueError:
            problem = translate(N_("Give the date as year-month-day, such as 2026-11-23"))
        else:
            if not first <= day < next_month(first):
                day, problem = None, translate(N_("Give a day of this month"))
    return Asked(await accounting.statement(read, first, now, day), day, problem)


@get(MONTH, permission="usage.read", include_in_schema=False)
async def statement_page(read: TenantReader, month: str, as_of: AsOf = "") -> Page:
    """A month's statement, or as it stood at the end of one of its days."""
    now = datetime.now(UTC)
    found = await asked(read, month, as_of, now)
    return Page(
        "tenants/usage_statement.html",
        {
            "statement": found.statement,
            "month": month,
            "as_of": as_of,
            "partial": found.as_of,
            "errors": {"as_of": found.problem} if found.problem else {},
            "kinds": KIND,
            "quantity": quantity_in_words,
            "running": start_of(next_month(found.statement.month)) > now,
        },
        status_code=400 if found.problem else 200,
    )


@get(MONTH + "/statement.csv", permission="usage.read", include_in_schema=False)
async def statement_export(read: TenantReader, month: str, as_of: AsOf = "") -> Response[bytes]:
    """The statement as CSV, quantities as plain numbers."""
    found = (await asked(read, month, as_of, datetime.now(UTC))).statement
    header = [translate(column) for column in STATEMENT_COLUMNS]
    rows = [_row(found, line) for line in found.lines]
    return _csv(as_csv(header, rows), f"usage-{month}")


def _row(found: Statement, line: Line) -> list[str]:
    return [
        translate(KIND[line.key].label),
        f"{line.quantity:.1f}" if line.unit == "minutes" else f"{line.quantity:.0f}",
        translate(UNITS[line.unit]),
        str(line.events),
        line.digest,
        found.since.isoformat(),
        found.until.isoformat(),
        found.closed_at.isoformat() if found.closed_at else "",
    ]


@get(MONTH + "/{line:str}", permission="usage.read", include_in_schema=False)
async def proof_page(
    read: TenantReader, month: str, line: str, as_of: AsOf = "", after: UUID | None = None
) -> Page:
    """The events behind one line, 50 a page."""
    found = (await asked(read, month, as_of, datetime.now(UTC))).statement
    page = accounting.PROOF_PAGE
    rows = await accounting.proof(read, found, line, after, page + 1)
    return Page(
        "tenants/usage_proof.html",
        {
            "statement": found,
            "kind": KIND[line],
            "line": next(one for one in found.lines if one.key == line),
            "month": month,
            "as_of": as_of,
            "rows": rows[:page],
            "next": rows[page - 1].id if len(rows) > page else None,
            "after": after,
            "quantity": quantity_in_words,
            "in_bytes": in_bytes,
        },
    )


@get(MONTH + "/{line:str}/events.csv", permission="usage.read", include_in_schema=False)
async def proof_export(
    read: TenantReader, month: str, line: str, as_of: AsOf = ""
) -> Response[bytes]:
    """The events behind one line, at most PROOF_LIMIT of them."""
    found = (await asked(read, month, as_of, datetime.now(UTC))).statement
    rows = await accounting.proof(read, found, line, None, accounting.PROOF_LIMIT)
    header = [translate(column) for column in PROOF_COLUMNS]
    return _csv(as_csv(header, (_proof_row(one) for one in rows)), f"usage-{month}-{line}")


def _proof_row(one: Proof) -> list[str]:
    return [
        str(one.id),
        one.name,
        one.occurred_at.isoformat(),
        one.actor_name,
        str(one.person_id or ""),
        "" if one.duration_s is None else f"{one.duration_s:g}",
        "" if one.size_bytes is None else f"{one.size_bytes:.0f}",
    ]


def _csv(content: bytes, name: str) -> Response[bytes]:
    return Response(
        content,
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="{name}.csv"',
            "cache-control": "no-store",
        },
    )


def quantity_in_words(line: Line) -> str:
    if line.unit == "minutes":
        return format_number(line.quantity, "minute", decimals=1)
    if line.unit == "bytes":
        return in_bytes(line.quantity)
    return format_number(line.quantity, decimals=0)


def in_bytes(size: float) -> str:
    """In the largest unit that leaves a whole: 340 kB, 1.2 GB (powers of ten, as CLDR's are)."""
    for unit, factor in (("terabyte", 1e12), ("gigabyte", 1e9), ("megabyte", 1e6)):
        if size >= factor:
            return format_number(size / factor, unit, decimals=1, short=True)
    if size >= 1e3:
        return format_number(size / 1e3, "kilobyte", decimals=0, short=True)
    # CLDR names no byte in Arabic.
    figure = format_number(size, decimals=0)
    return translate_plural("%(num)s byte", "%(num)s bytes", round(size), num=figure)


handlers = [usage_page, statement_page, statement_export, proof_page, proof_export]
