"""Retention clocks: what the map says goes after its days, a batch a transaction, on record."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantRead, TenantTransaction
from passerelle.kernel.errors import NotSignedIn
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.personal_data import REGISTRY, PersonalTable
from passerelle.kernel.tenant_settings import TenantSetting, TestResult, declare, read_setting
from passerelle.kernel.work import Work
from passerelle.web.formats import format_number
from passerelle.web.language import speaking, translate, translate_plural
from tenants.privacy import registered as registered
from tenants.privacy import registered_own as registered_own
from tenants.privacy import store
from tenants.privacy.model import RetentionApplied

BATCH_ROWS: Final = 1_000
BATCHES_A_TURN: Final = 50
TASK: Final = "privacy.retention"
DAY: Final = {"unit": "day"}


class RetentionDays(msgspec.Struct, frozen=True, kw_only=True):
    """How many days each kind of data is kept; a field's name is the table's. A test holds the
    bounds and what is usual against the map."""

    attempt: Annotated[
        int, Meta(ge=365, le=7300, title=N_("Attempts at exams, with their answers"), extra=DAY)
    ] = 1825
    study_progress: Annotated[int, Meta(ge=30, le=3650, title=N_("Study progress"), extra=DAY)] = (
        730
    )
    application: Annotated[
        int,
        Meta(ge=180, le=3650, title=N_("Applications, with their decisions"), extra=DAY),
    ] = 730
    lti_grade: Annotated[
        int, Meta(ge=30, le=3650, title=N_("Grades that were sent to an LMS"), extra=DAY)
    ] = 730
    invitation: Annotated[int, Meta(ge=30, le=3650, title=N_("Ended invitations"), extra=DAY)] = 180
    member_job: Annotated[
        int, Meta(ge=7, le=730, title=N_("Lists of members that were brought"), extra=DAY)
    ] = 90
    mail_log: Annotated[
        int, Meta(ge=30, le=3650, title=N_("The record of mails that were sent"), extra=DAY)
    ] = 180
    notice: Annotated[int, Meta(ge=30, le=3650, title=N_("Notices"), extra=DAY)] = 180
    scim_log: Annotated[
        int, Meta(ge=30, le=3650, title=N_("The log of provisioning"), extra=DAY)
    ] = 180


TITLES: Final[dict[str, str]] = {
    "attempt": N_("Attempts at exams, with their answers"),
    "study_progress": N_("Study progress"),
    "application": N_("Applications, with their decisions"),
    "lti_grade": N_("Grades that were sent to an LMS"),
    "invitation": N_("Ended invitations"),
    "member_job": N_("Lists of members that were brought"),
    "mail_log": N_("The record of mails that were sent"),
    "notice": N_("Notices"),
    "scim_log": N_("The log of provisioning"),
}


def clocked() -> list[PersonalTable]:
    """What has a clock, by the table's name."""
    found = [entry for entry in REGISTRY.values() if entry.retention and entry.owner == "tenant"]
    return sorted(found, key=lambda entry: entry.table)


def days_of(entry: PersonalTable, chosen: RetentionDays) -> int:
    assert entry.retention is not None  # noqa: S101  only what has a clock comes here
    days: int = getattr(chosen, entry.table, entry.retention.days)
    return days


def _old(entry: PersonalTable) -> str:
    """Which rows are over their time; `$2` is an interval."""
    assert entry.retention is not None  # noqa: S101
    return f'{entry.owner}_id = $1 and "{entry.retention.column}" < now() - $2::interval'


def count_old(entry: PersonalTable) -> str:
    return f'select count(*) from "{entry.table}" where {_old(entry)}'  # noqa: S608  registry


def delete_old(entry: PersonalTable) -> str:
    """A batch of them, and what hangs on each; answers how many."""
    batch = f'select ctid from "{entry.table}" where {_old(entry)} limit {BATCH_ROWS}'  # noqa: S608
    return (
        f'delete from "{entry.table}" where {entry.owner}_id = $1'  # noqa: S608  registry
        f" and ctid = any (array({batch}))"
    )


def delete_hanging(entry: PersonalTable) -> list[str]:
    """What the map registers through rows that are over their time; it goes before they do."""
    return [
        f'delete from "{child.table}" where {child.owner}_id = $1'  # noqa: S608  registry
        f' and "{child.through.column}" in'
        f' (select "{child.through.key}" from "{entry.table}" where {_old(entry)})'
        for child in REGISTRY.values()
        if child.through is not None
        and (child.through.table, child.owner) == (entry.table, entry.owner)
    ]


class Clock(msgspec.Struct, frozen=True):
    """One clock as it is set, and how many rows it would let go now."""

    table: str
    title: str
    days: int
    due: int


async def clocks(read: TenantRead, chosen: RetentionDays) -> list[Clock]:
    found = []
    for entry in clocked():
        days = days_of(entry, chosen)
        due: int = await read.fetch_value(count_old(entry), read.tenant_id, timedelta(days=days))
        found.append(Clock(entry.table, TITLES[entry.table], days, due))
    return found


async def try_out(work: Work, actor: Actor, value: RetentionDays) -> TestResult:
    """What would go now, were these the days; nothing goes."""
    if actor.tenant_id is None:
        raise NotSignedIn()
    read = work.database.tenant_reader(actor.tenant_id, actor)
    due = [one for one in await clocks(read, value) if one.due]
    with speaking(actor.locale):
        if not due:
            return TestResult(True, translate(N_("Nothing would go now.")))
        told = "; ".join(f"{translate(one.title)}: {format_number(one.due)}" for one in due)
        rows = sum(one.due for one in due)
        number = format_number(rows)
        head = translate_plural(
            "%(num)s row would go now.", "%(num)s rows would go now.", rows, num=number
        )
        return TestResult(True, f"{head} {told}")


RETENTION: TenantSetting[RetentionDays] = declare(
    TenantSetting(
        name="retention",
        type=RetentionDays,
        default=RetentionDays(),
        title=N_("Retention"),
        lead=N_("How many days data about people is kept before it is erased by itself."),
        permission="privacy.manage",
        test=try_out,
        order=70,
    )
)


async def apply(database: Database, tenant_id: UUID) -> int:
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
                rows = await _batch(tx, entry, days)
            gone += rows
            if rows < BATCH_ROWS:
                break
    return gone


async def _batch(tx: TenantTransaction, entry: PersonalTable, days: int) -> int:
    age = timedelta(days=days)
    for sql in delete_hanging(entry):
        await tx.execute(sql, tx.tenant_id, age)
    rows = await tx.execute(delete_old(entry), tx.tenant_id, age)
    if rows:
        applied = RetentionApplied(entry.table, days, rows)
        await emit(tx, "retention.applied", applied, subject=tx.tenant_id)
    return rows
