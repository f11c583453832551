"""A plan is a name and four limits; an organisation without one of its own has the usual one."""

from datetime import datetime
from typing import Final, Literal

import msgspec

from passerelle.kernel import personal_data
from passerelle.kernel.errors import Problem
from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable

Limit = Literal["seats", "storage", "training"]
GB: Final = 10**9
#: From this share of a limit on, the organisation's administrators are told.
NEAR_SHARE: Final = 0.9


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Units stand last in each name; a seat is an active member."""

    seats: int
    storage_bytes: int
    requests_per_s: int
    training_minutes_per_month: int

    def problems(self) -> dict[str, str]:
        """Field → what is wrong with it."""
        found: dict[str, str] = {}
        for name, (lowest, highest) in BOUNDS.items():
            if not lowest <= getattr(self, name) <= highest:
                found[name] = f"{lowest} to {highest}"
        return found


BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "seats": (1, 1_000_000),
    "storage_bytes": (1, 10**6 * GB),
    "requests_per_s": (1, 10_000),
    "training_minutes_per_month": (0, 44_640),
}

PLANS: Final[dict[str, Limits]] = {
    "trial": Limits(seats=25, storage_bytes=GB, requests_per_s=10, training_minutes_per_month=10),
    "standard": Limits(
        seats=5_000, storage_bytes=100 * GB, requests_per_s=100, training_minutes_per_month=600
    ),
    "enterprise": Limits(
        seats=100_000,
        storage_bytes=2_000 * GB,
        requests_per_s=500,
        training_minutes_per_month=6_000,
    ),
}
USUAL: Final = "standard"
NAMES: Final = {
    "trial": N_("Trial"),
    "standard": N_("Standard"),
    "enterprise": N_("Enterprise"),
}


class Plan(Limits, frozen=True, kw_only=True):
    """The plan that holds; `changed_at` is None for the usual one, that nobody chose."""

    name: str
    changed_at: datetime | None = None
    changed_by: str | None = None


def usual_plan() -> Plan:
    return Plan(name=USUAL, **msgspec.structs.asdict(PLANS[USUAL]))


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What is used now, and this month."""

    seats: int
    storage_bytes: int
    training_s: float


class PlanChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Event `plan.changed`."""

    name: str
    seats: int
    storage_bytes: int
    requests_per_s: int
    training_minutes_per_month: int


class LimitNear(msgspec.Struct, frozen=True):
    """Events `limit.near` and `limit.reached`: how much of a limit is used."""

    limit: Limit
    used: int
    allowed: int


class ObjectStored(msgspec.Struct, frozen=True):
    """Event `object.stored`; its subject is the object, as that of `object.removed` is."""

    name: str
    size_bytes: int


class StatementClosed(msgspec.Struct, frozen=True):
    """Event `usage.closed`: a month's statement, `month` as year-month-day of its first day."""

    month: str


class PlanInvalid(Problem):
    status = 400
    title = N_("The plan can't be set like this")
    mend = N_("Name one of the plans, and give each limit within its bounds.")


class SeatsTaken(Problem):
    status = 403
    title = N_("Every seat of this organisation is taken")
    mend = N_(
        "Ask an administrator of the organisation: they can free a seat, or ask for more. "
        "Who is a member already comes in as before."
    )


class StorageFull(Problem):
    status = 403
    title = N_("The organisation's storage is full")
    mend = N_("Remove what is no longer needed, or ask whoever runs this service for more storage.")


class TrainingSpent(Problem):
    status = 403
    title = N_("This month's training minutes are used up")
    mend = N_("Wait for next month, or ask whoever runs this service for more minutes.")


personal_data.register(
    PersonalTable(
        table="tenant_plan",
        owner="tenant",
        person_column="changed_by",
        by_name=True,
        purpose=Localised(
            en="Who set the organisation's plan",
            fr="Qui a fixé la formule de l’organisation",
            ar="من حدّد خطة المؤسسة",
        ),
        erasure="anonymise",
        blanks={"changed_by": "''"},
    ),
)
personal_data.not_personal({"tenant_plan.name": "which plan it is"})
