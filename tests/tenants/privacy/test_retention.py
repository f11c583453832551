"""What ran out of its time goes by itself: in batches, on record, within bounds."""

from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from passerelle.kernel import tasks
from passerelle.kernel.errors import Invalid
from passerelle.kernel.tenant_settings import change_setting
from tenants.privacy import retention
from tenants.privacy.retention import RETENTION, RetentionDays, clocked
from tenants.privacy.tasks import apply_retention
from tests.tenants.privacy.lived import Lived, hire, officer

OLDER = datetime.now(UTC) - timedelta(days=800)


def test_the_setting_says_what_the_map_says() -> None:
    fields = {field.name: field for field in msgspec.structs.fields(RetentionDays)}
    assert sorted(fields) == [entry.table for entry in clocked()]
    for entry in clocked():
        assert entry.retention is not None
        meta = fields[entry.table].type.__metadata__[0]
        assert (meta.ge, meta.le) == (entry.retention.least_days, entry.retention.most_days)
        assert fields[entry.table].default == entry.retention.days
        assert meta.title == retention.TITLES[entry.table]


@pytest.fixture
async def aged(work: tasks.Work, lived: Lived, superuser: asyncpg.Connection) -> Lived:
    """One application with its decision, of more than two years ago; the setting as it comes."""
    await superuser.execute("delete from tenant_setting where name = 'retention'")
    if not await superuser.fetchval("select count(*) from application"):
        await hire(work, lived.people)
    await superuser.execute(
        "update application set moved_at = $2 where tenant_id = $1", lived.tenant_id, OLDER
    )
    await superuser.execute("delete from retention_run")
    return lived


async def test_a_trial_says_what_would_go_and_takes_nothing(
    work: tasks.Work, aged: Lived, superuser: asyncpg.Connection
) -> None:
    result = await retention.try_out(work, officer(aged.people), RetentionDays())
    assert result.ok
    assert "1 row would go now." in result.detail
    assert "Applications" in result.detail
    longer = await retention.try_out(work, officer(aged.people), RetentionDays(application=3650))
    assert longer.detail == "Nothing would go now."
    assert await superuser.fetchval("select count(*) from application") == 1


async def test_the_clock_erases_what_is_over_and_says_so(
    work: tasks.Work, aged: Lived, superuser: asyncpg.Connection
) -> None:
    async with work.database.tenant(aged.tenant_id, officer(aged.people)) as tx:
        await change_setting(tx, RETENTION, RetentionDays(application=3650), reason="the law")
    assert await apply_retention(work.database) == 0
    assert await superuser.fetchval("select count(*) from application") == 1
    await superuser.execute("delete from retention_run")
    async with work.database.tenant(aged.tenant_id, officer(aged.people)) as tx:
        await change_setting(tx, RETENTION, RetentionDays(application=365))
    assert await apply_retention(work.database) == 1
    assert await superuser.fetchval("select count(*) from application") == 0
    assert await superuser.fetchval("select count(*) from decision") == 0
    told = await superuser.fetchrow(
        "select payload from tenant_event where name = 'retention.applied' and tenant_id = $1",
        aged.tenant_id,
    )
    assert msgspec.json.decode(told["payload"]) == {"table": "application", "days": 365, "rows": 1}
    # Once a day: the next turn waits.
    assert await apply_retention(work.database) == 0


@pytest.mark.parametrize("days", [1, 100_000, -5])
def test_days_out_of_bounds_are_refused(days: int) -> None:
    with pytest.raises((Invalid, msgspec.ValidationError)):
        msgspec.convert({"application": days}, RetentionDays)
