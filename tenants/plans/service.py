"""Plans: which holds, setting one, and what each room asks before it uses more.

Whoever takes the last seat, the last byte or the last minute is let through; whoever comes next is
refused, however many come at once. The organisation's administrators are told before (`limit.near`)
and when (`limit.reached`) a limit is reached, once each time it happens.
"""

import time
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.database import (
    Database,
    OperatorTransaction,
    TenantRead,
    TenantTransaction,
)
from passerelle.kernel.errors import Problem
from passerelle.kernel.events import emit
from tenants.plans import store
from tenants.plans.model import (
    NEAR_SHARE,
    PLANS,
    USUAL,
    Limit,
    LimitNear,
    Limits,
    ObjectStored,
    Plan,
    PlanChanged,
    PlanInvalid,
    SeatsTaken,
    StorageFull,
    TrainingSpent,
    Usage,
    usual_plan,
)

TASK = "plans.limits"
#: For how long a process goes by the limit it read: a change holds everywhere after this.
CACHE_S = 30.0
CACHE_LIMIT_TENANTS = 20_000


async def plan_of(read: TenantRead) -> Plan:
    """The plan that holds: the organisation's own, or the usual one."""
    return await store.plan(read) or usual_plan()


async def set_plan(
    tx: OperatorTransaction, name: str, limits: Limits | None = None, *, reason: str | None = None
) -> None:
    """Sets the plan from now on, on record; `limits` differ from the named plan's where given.

    What is used already stays, even above a limit. Raises PlanInvalid.
    """
    if name not in PLANS:
        raise PlanInvalid(f"{name}: {', '.join(PLANS)}")
    limits = limits or PLANS[name]
    if problems := limits.problems():
        raise PlanInvalid("; ".join(f"{field}: {text}" for field, text in problems.items()))
    before = await store.set_plan(tx, name, limits) or _on_record(USUAL, PLANS[USUAL])
    await emit(tx, "plan.changed", _on_record(name, limits), before=before, reason=reason)


def _on_record(name: str, limits: Limits) -> PlanChanged:
    values = {field: getattr(limits, field) for field in Limits.__struct_fields__}
    return PlanChanged(name=name, **values)


async def usage_of(read: TenantRead, now: datetime) -> Usage:
    """What is used now, and of training this month (UTC)."""
    start, end = month_of(now)
    return Usage(
        seats=await store.seats(read),
        storage_bytes=await store.storage_bytes(read),
        training_s=await store.training_s(read, start, end),
    )


async def require_seats(tx: TenantTransaction, count: int = 1) -> None:
    """To be called where this many become active members, before they do. Raises SeatsTaken.

    Until the transaction ends nobody else of this organisation is let in: the next one counts
    this one.
    """
    await store.lock_seats(tx)
    plan, used = await plan_of(tx), await store.seats(tx)
    if used + count > plan.seats:
        raise SeatsTaken()
    await _tell(tx, "seats", used, used + count, plan.seats)


async def require_storage(
    tx: TenantTransaction, object_id: UUID, name: str, size_bytes: int
) -> None:
    """To be called before an object's row is written; puts it on record. Raises StorageFull."""
    await store.lock_storage(tx)
    plan, used = await plan_of(tx), await store.storage_bytes(tx)
    if used + size_bytes > plan.storage_bytes:
        raise StorageFull()
    await emit(tx, "object.stored", ObjectStored(name, size_bytes), subject=object_id)
    await _tell(tx, "storage", used, used + size_bytes, plan.storage_bytes)


async def require_training(tx: TenantTransaction) -> None:
    """To be called where a training is asked for. Raises TrainingSpent.

    A training that began within the limit may end above it: it is not cut off.
    """
    plan = await plan_of(tx)
    used_s = await store.training_s(tx, *month_of(datetime.now(UTC)))
    if used_s >= 60 * plan.training_minutes_per_month:
        raise TrainingSpent()


async def _tell(tx: TenantTransaction, limit: Limit, before: int, after: int, allowed: int) -> None:
    """Puts on record that this step came near the limit, or reached it."""
    for name, mark in (("limit.reached", allowed), ("limit.near", NEAR_SHARE * allowed)):
        if before < mark <= after:
            await emit(tx, name, LimitNear(limit, after, allowed))
            return


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """The beginning of the month (UTC) and of the next."""
    moment = moment.astimezone(UTC)
    start = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if start.month == 12:
        return start, start.replace(year=start.year + 1, month=1)
    return start, start.replace(month=start.month + 1)


class _Cached(msgspec.Struct, frozen=True):
    requests_per_s: int
    until: float


class RequestLimits:
    """How many requests a second each organisation may send, remembered for CACHE_S seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached: dict[UUID, _Cached] = {}

    async def requests_per_s(self, tenant_id: UUID) -> int:
        """The limit of the plan. Whose plan can't be read has the usual one's: limits protect
        others, and must not fail open nor shut anyone out."""
        now = time.monotonic()
        cached = self._cached.get(tenant_id)
        if cached is not None and cached.until > now:
            return cached.requests_per_s
        read = self._database.tenant_reader(tenant_id, actors.system(TASK, tenant_id))
        try:
            limit = (await plan_of(read)).requests_per_s
        except Problem:
            limit = usual_plan().requests_per_s
        if len(self._cached) >= CACHE_LIMIT_TENANTS:
            self._cached.clear()
        self._cached[tenant_id] = _Cached(limit, now + CACHE_S)
        return limit
