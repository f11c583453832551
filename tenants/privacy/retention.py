"""Retention clocks: what the map says goes after its days, a batch a transaction, on record."""

from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantRead
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.personal_data import REGISTRY, PersonalTable
from passerelle.kernel.tenant_settings import TenantSetting, declare, read_setting
from tenants.privacy import registered as registered
from tenants.privacy import store
from tenants.privacy.model import RetentionApplied

BATCH_ROWS: Final = 1_000
BATCHES_A_TURN: Final = 50
TASK: Final = "privacy.retention"
Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]


class RetentionDays(msgspec.Struct, frozen=True):
    """Table → days, where the organisation keeps it longer or shorter than is usual."""

    days: dict[str, Days] = {}


def clocked() -> list[PersonalTable]:
    """What has a clock, by the table's name; children before what they hang on."""
    found = [entry for entry in REGISTRY.values() if entry.retention and entry.owner == "tenant"]
    return sorted(found, key=lambda entry: (entry.through is None, entry.name))


def problems(value: RetentionDays) -> dict[str, str]:
    """What is out of bounds, by table."""
    entries = {entry.name: entry for entry in clocked()}
    wrong = {}
    for name, days in value.days.items():
        entry = entries.get(name)
        if entry is None or entry.retention is None:
            wrong[name] = N_("There is no such clock")
        elif not entry.retention.least_days <= days <= entry.retention.most_days:
            wrong[name] = N_("Choose a number of days within the bounds")
    return wrong


RETENTION: TenantSetting[RetentionDays] = declare(
    TenantSetting(
        name="retention",
        type=RetentionDays,
        default=RetentionDays(),
        title=N_("Retention"),
        lead=N_("How long each kind of data about a person is kept."),
        permission="privacy.manage",
        problems=problems,
        order=70,
    )
)


class Clock(msgspec.Struct, frozen=True):
    """One clock as it is set: and how many rows would go now."""

    entry: PersonalTable
    days: int
    usual: bool
    due: int = 0


def days_of(entry: PersonalTable, chosen: RetentionDays) -> int:
    assert entry.retention is not None  # noqa: S101  only what has a clock comes here
    return chosen.days.get(entry.name, entry.retention.days)


def _old(entry: PersonalTable) -> str:
    """Which rows are over their time; `$2` is an interval. A row of a decision that still stands
    goes with what it hangs on, and not before."""
    assert entry.retention is not None  # noqa: S101
    return f'tenant_id = $1 and "{entry.retention.column}" < now() - $2::interval'


def count_old(entry: PersonalTable) -> str:
    return f'select count(*) from "{entry.table}" where {_old(entry)}'  # noqa: S608  registry


def delete_old(entry: PersonalTable) -> str:
    return (
        f'delete from "{entry.table}" where tenant_id = $1 and ctid = any (array('  # noqa: S608
        f'select ctid from "{entry.table}" where {_old(entry)} limit {BATCH_ROWS}))'
    )


async def clocks(read: TenantRead, chosen: RetentionDays, *, counted: bool) -> list[Clock]:
    """Every clock as `chosen` sets it; with `counted`, what would go now."""
    found = []
    for entry in clocked():
        days = days_of(entry, chosen)
        due: int = 0
        if counted:
            due = await read.fetch_value(count_old(entry), read.tenant_id, timedelta(days=days))
        found.append(Clock(entry, days, entry.name not in chosen.days, due))
    return found


async def apply(database: Database, tenant_id: Any) -> int:
    """A turn: at most BATCHES_A_TURN batches of each clock; the rest waits for the next."""
    actor = actors.system(TASK, tenant_id)
    gone = 0
    async with database.tenant(tenant_id, actor) as tx:
        await store.ran(tx)
        chosen = await read_setting(tx, RETENTION)
    for entry in clocked():
        days = days_of(entry, chosen)
        for _ in range(BATCHES_A_TURN):
            async with database.tenant(tenant_id, actor) as tx:
                rows = await tx.execute(delete_old(entry), tenant_id, timedelta(days=days))
                if rows:
                    applied = RetentionApplied(entry.name, days, rows)
                    await emit(tx, "retention.applied", applied, subject=tenant_id)
            gone += rows
            if rows < BATCH_ROWS:
                break
    return gone
