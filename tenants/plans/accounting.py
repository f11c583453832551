"""Making statements: from the events, or from what was kept when the month was closed."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from tenants.plans import statement_store as store
from tenants.plans.model import StatementClosed
from tenants.plans.statement import (
    ACTIVITY,
    KIND,
    KINDS,
    Counted,
    Line,
    Proof,
    Statement,
    next_month,
    previous_month,
    start_of,
)

#: A transaction that began before the month's end may commit after it: figures wait for it.
SETTLING = timedelta(days=1)
MONTHS_SHOWN = 13
PROOF_PAGE = 50
PROOF_LIMIT = 50_000


async def statement(
    read: TenantRead, month: date, now: datetime, as_of: date | None = None
) -> Statement:
    """The month's statement; up to the end of a day with `as_of`. Raises NotFound for a month
    before the organisation began, or one that has not begun."""
    since, end = start_of(month), start_of(next_month(month))
    began = await store.began(read)
    if since > now or began is None or end <= began:
        raise NotFound()
    until = min(end, now)
    if as_of is not None:
        day_after = datetime.combine(as_of + timedelta(days=1), time.min, tzinfo=UTC)
        until = max(since, min(until, day_after))
    if until == end and (kept := await store.closed(read, month)) is not None:
        return Statement(
            month=month, since=since, until=end, lines=kept.lines, closed_at=kept.closed_at
        )
    return Statement(month=month, since=since, until=until, lines=await count(read, since, until))


async def count(read: TenantRead, since: datetime, until: datetime) -> list[Line]:
    """Every line, from the events of a span of time."""
    names = sorted({name for kind in KINDS for name in kind.events if kind.key != "storage"})
    found = await store.counts(read, since, until, names)
    active = await store.active_persons(read, since, until, list(ACTIVITY))
    kept = await store.stored(read, until)
    nothing = Counted("", 0, 0, EMPTY_DIGEST)
    lines = []
    for kind in KINDS:
        if kind.key == "active_persons":
            counted, quantity = active, active.seconds
        elif kind.key == "storage":
            counted, quantity = kept, kept.seconds
        else:
            counted = found.get(kind.events[0], nothing)
            quantity = counted.seconds / 60 if kind.unit == "minutes" else counted.events
        lines.append(
            Line(
                key=kind.key,
                quantity=round(quantity, 1),
                unit=kind.unit,
                events=counted.events,
                digest=counted.digest,
            )
        )
    return lines


#: SHA-256 of nothing.
EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


async def proof(
    read: TenantRead, stated: Statement, key: str, after: UUID | None, limit: int
) -> list[Proof]:
    """The events behind a line, after one of them. Raises NotFound for no such line."""
    kind = KIND.get(key)
    if kind is None:
        raise NotFound()
    if kind.key == "storage":
        return await store.kept_proof(read, stated.until, after, limit)
    return await store.proof(read, stated.since, stated.until, list(kind.events), after, limit)


async def close(tx: TenantTransaction, month: date, now: datetime) -> bool:
    """Keeps a past month's figures for good; False where they are kept, or not settled yet."""
    end = start_of(next_month(month))
    if now < end + SETTLING or await store.closed(tx, month) is not None:
        return False
    if not await store.close(tx, month, await count(tx, start_of(month), end)):
        return False
    await emit(tx, "usage.closed", StatementClosed(month.isoformat()))
    return True


async def months(read: TenantRead, now: datetime) -> list[date]:
    """Months that can be stated, newest first, at most MONTHS_SHOWN."""
    began = await store.began(read)
    month = now.astimezone(UTC).date().replace(day=1)
    found: list[date] = []
    while began is not None and len(found) < MONTHS_SHOWN and start_of(next_month(month)) > began:
        found.append(month)
        month = previous_month(month)
    return found
