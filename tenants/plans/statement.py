"""A month's usage, line by line, each counted from the events that prove it.

A month is one of UTC. Past months stand still: a day after a month's end its figures are kept
(`usage_statement`), and are shown from there ever after.
"""

import re
from datetime import UTC, date, datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from passerelle.kernel.language import N_

Unit = Literal["count", "minutes", "bytes"]
Key = Literal[
    "active_persons",
    "sign_ins",
    "launches",
    "exams",
    "credentials",
    "mails",
    "training",
    "storage",
]
SIGN_INS: Final = "member.signed_in"
LAUNCHES: Final = "lms.launched"
#: An event by which a person shows that they were here.
ACTIVITY: Final = (SIGN_INS, LAUNCHES)
MONTH: Final = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What a line counts. `events` are the names of the events that prove it."""

    key: Key
    label: str
    lead: str
    events: tuple[str, ...]
    unit: Unit = "count"


KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        key="active_persons",
        label=N_("Active persons"),
        lead=N_("Different persons who signed in or were launched from the LMS"),
        events=ACTIVITY,
    ),
    Kind(
        key="sign_ins",
        label=N_("Sign-ins"),
        lead=N_("Each time a member signed in"),
        events=(SIGN_INS,),
    ),
    Kind(
        key="launches",
        label=N_("Launches from the LMS"),
        lead=N_("Each time the LMS opened a path for someone"),
        events=(LAUNCHES,),
    ),
    Kind(
        key="exams",
        label=N_("Exams finished"),
        lead=N_("Each attempt that came to its end, passed or not"),
        events=("exam.finished",),
    ),
    Kind(
        key="credentials",
        label=N_("Credentials issued"),
        lead=N_("Each credential that was signed"),
        events=("credential.issued",),
    ),
    Kind(
        key="mails",
        label=N_("Mails sent"),
        lead=N_("Each mail that the mail server took"),
        events=("mail.sent",),
    ),
    Kind(
        key="training",
        label=N_("Training of the matching model"),
        lead=N_("The time that finished trainings took"),
        events=("model.trained",),
        unit="minutes",
    ),
    Kind(
        key="storage",
        label=N_("Files kept at the end"),
        lead=N_("What the files stored and not removed by then take"),
        events=("object.stored",),
        unit="bytes",
    ),
)
KIND: Final[dict[str, Kind]] = {kind.key: kind for kind in KINDS}


class Counted(msgspec.Struct, frozen=True):
    """What one look at the events gives: how many, what they add up to, and their digest."""

    name: str
    events: int
    seconds: float
    digest: str


class DayCount(msgspec.Struct, frozen=True):
    day: datetime
    name: str
    count: int


class Proof(msgspec.Struct, frozen=True):
    """One event behind a line."""

    id: UUID
    name: str
    occurred_at: datetime
    actor_name: str
    person_id: UUID | None
    duration_s: float | None
    size_bytes: float | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` is the SHA-256 of the events' identifiers, in order, with commas between."""

    key: Key
    quantity: float
    unit: Unit
    events: int
    digest: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A month's lines. `until` is the first moment that is not in it; `closed_at` says since when
    the figures are kept, and is None while they may still grow."""

    month: date
    since: datetime
    until: datetime
    lines: list[Line]
    closed_at: datetime | None = None


def parse_month(text: str) -> date | None:
    """The first day of `2026-11`; None for anything else."""
    found = MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found else None


def start_of(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def next_month(month: date) -> date:
    later = month.month == 12
    return date(month.year + later, 1 if later else month.month + 1, 1)


def previous_month(month: date) -> date:
    first = month.month == 1
    return date(month.year - first, 12 if first else month.month - 1, 1)
