"""The people of the year: who they are, where they work, when they came and left."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from faker import Faker

from infra.seed.hiring import GENERATORS
from infra.seed.year.calendar import YEAR_DAYS, Calendar
from passerelle.kernel.language import Locale

PEOPLE: Final = 2_000
COHORTS: Final = 40
#: The last cohort begins this long before today, so that some are still learning.
LAST_COHORT_DAYS: Final = 12
LEAVER_SHARE: Final = 0.06
SUSPENDED_SHARE: Final = 0.01
LOCALES: Final[tuple[Locale, ...]] = ("fr", "ar", "en")
LOCALE_WEIGHTS: Final = (6, 3, 1)


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """One member. `cohort` counts from 0; `unit` is a place in the list of units with staff."""

    person_id: UUID
    name: str
    email: str
    locale: Locale
    cohort: int
    unit: int
    joined_at: datetime
    left_at: datetime | None
    suspended_at: datetime | None

    @property
    def status(self) -> str:
        if self.left_at is not None:
            return "removed"
        return "suspended" if self.suspended_at is not None else "active"


def cohort_begins(calendar: Calendar, cohort: int) -> float:
    """Days after the year's begin."""
    return 5 + cohort * (YEAR_DAYS - LAST_COHORT_DAYS - 5) / (COHORTS - 1)


def invented_staff(calendar: Calendar, units: int, domain: str) -> list[Staff]:
    """PEOPLE members: three in five speak French first, three in ten Arabic, one in ten English."""
    chance = calendar.chance
    names = {locale: Faker(name) for locale, name in GENERATORS.items()}
    for place, generator in enumerate(names.values()):
        generator.seed_instance(calendar.chance.random() + place)
    found = []
    for number in range(PEOPLE):
        cohort = number * COHORTS // PEOPLE
        locale = chance.choices(LOCALES, LOCALE_WEIGHTS)[0]
        joined = calendar.workday(max(0.0, cohort_begins(calendar, cohort) - chance.uniform(1, 5)))
        leaves = chance.random() < LEAVER_SHARE
        suspended = not leaves and chance.random() < SUSPENDED_SHARE
        later = joined + timedelta(days=chance.uniform(10, 200))
        ended = min(later, calendar.now - timedelta(hours=chance.randint(1, 400)))
        ended = max(ended, joined + timedelta(hours=2))
        found.append(
            Staff(
                person_id=calendar.identifier(joined),
                name=names[locale].name(),
                email=f"agent{number + 1:04d}@{domain}",
                locale=locale,
                cohort=cohort,
                unit=chance.randrange(units),
                joined_at=joined,
                left_at=ended if leaves else None,
                suspended_at=ended if suspended else None,
            )
        )
    return found
