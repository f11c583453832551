"""Entries a day as bars: the server's drawing, with the same figures as a table."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from passerelle.kernel.database import TenantRead
from tenants.audit import store
from tenants.audit.model import Filter

DAYS: Final = 30
#: In the drawing's own units.
BAR, GAP, HEIGHT, LEAST = 8.0, 2.0, 64.0, 2.0


class Bar(msgspec.Struct, frozen=True):
    day: date
    count: int
    x: float
    height: float

    @property
    def y(self) -> float:
        return HEIGHT - self.height


class Plot(msgspec.Struct, frozen=True):
    bars: list[Bar]
    width: float
    height: float
    most: int
    total: int

    @property
    def first(self) -> date:
        return self.bars[0].day

    @property
    def last(self) -> date:
        return self.bars[-1].day


async def plot(read: TenantRead, wanted: Filter, now: datetime, *, mirrored: bool) -> Plot:
    """The last DAYS days that the filter reaches; `mirrored` where time runs to the left."""
    ends = [end for end in (wanted.until, wanted.as_of) if end is not None]
    end = min([*(end - timedelta(microseconds=1) for end in ends), now])
    first = end.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first -= timedelta(days=DAYS - 1)
    counts = {
        row.day.date(): row.count for row in await store.days(read, store.bounded(wanted, first))
    }
    return draw([first.date() + timedelta(days=step) for step in range(DAYS)], counts, mirrored)


def draw(days: list[date], counts: dict[date, int], mirrored: bool) -> Plot:
    """Bars as high as their counts; a day with any entry shows."""
    most = max(counts.values(), default=0)
    width = len(days) * (BAR + GAP) - GAP
    bars = []
    for step, day in enumerate(days):
        count = counts.get(day, 0)
        x = step * (BAR + GAP)
        height = max(HEIGHT * count / most, LEAST) if count else 0.0
        bars.append(Bar(day, count, round(width - BAR - x if mirrored else x, 1), round(height, 1)))
    return Plot(bars, width, HEIGHT, most, sum(counts.values()))
