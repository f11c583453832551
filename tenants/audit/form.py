"""The page's filter as its address carries it: days, not moments, in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec

from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_
from tenants.audit.model import Filter

TEXT_LIMIT_CHARACTERS = 200
NOT_A_DAY = N_("Give the date as year-month-day, such as 2026-11-23")


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the address. A filter is kept, and sent to a colleague, as its address."""

    name: str = ""
    text: str = ""
    who: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""
    as_of: str = ""

    def filter(self) -> Filter:
        """Raises Invalid, by field."""
        errors: dict[str, str] = {}
        since, until, as_of = (
            _day(name, getattr(self, name), errors) for name in ("since", "until", "as_of")
        )
        if since and until and until < since:
            errors["until"] = N_("The last day comes before the first one")
        who, subject = (
            _identifier(name, getattr(self, name), errors) for name in ("who", "subject")
        )
        if errors:
            raise Invalid(errors=errors)
        return Filter(
            name=self.name or None,
            text=self.text.strip()[:TEXT_LIMIT_CHARACTERS] or None,
            who=who,
            subject=subject,
            since=_start(since) if since else None,
            until=_start(until) + timedelta(days=1) if until else None,
            as_of=_start(as_of) + timedelta(days=1, microseconds=-1) if as_of else None,
        )

    def parameters(self, **changed: str | None) -> dict[str, str]:
        """For an address: what is set, with these changed."""
        known = {**msgspec.to_builtins(self), **changed}
        return {name: value for name, value in known.items() if value}


def _day(name: str, text: str, errors: dict[str, str]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.max
    if day == date.max:
        # The last day there is has no end.
        errors[name] = NOT_A_DAY
        return None
    return day


def _identifier(name: str, text: str, errors: dict[str, str]) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        errors[name] = N_("Choose it from an entry of the record")
        return None


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
