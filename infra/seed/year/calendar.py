"""Moments of the year that is told, and identifiers that belong to them."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

SEED = 2026
YEAR_DAYS = 365
WORKING_HOURS = (8, 17)
MILLISECONDS_OF_DAY = 86_400_000


class Calendar:
    """A year that ends now. `chance` is the only source of what differs between people."""

    def __init__(self, now: datetime | None = None, seed: int = SEED) -> None:
        self.now = now or datetime.now(UTC)
        self.begin = self.now - timedelta(days=YEAR_DAYS)
        self.chance = random.Random(seed)  # noqa: S311  an invented year, not secrets

    def workday(self, days: float) -> datetime:
        """A moment in working hours about `days` after the year's begin; never after now."""
        day = self.begin + timedelta(days=int(days))
        while day.weekday() >= 5:
            day += timedelta(days=1)
        hour = self.chance.randint(*WORKING_HOURS)
        moment = day.replace(hour=hour, minute=self.chance.randrange(60), second=0, microsecond=0)
        return min(moment + timedelta(seconds=self.chance.randrange(60)), self.now)

    def identifier(self, moment: datetime) -> UUID:
        """A version 7 identifier (RFC 9562 section 5.7) of that moment, so that order is kept."""
        value = (int(moment.timestamp() * 1000) << 80) | self.chance.getrandbits(80)
        value &= ~(0xF << 76) & ~(0x3 << 62)
        return UUID(int=value | (0x7 << 76) | (0x2 << 62))
