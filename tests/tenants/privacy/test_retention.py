"""What ran out of its time goes by itself: in batches, on record, within bounds."""

from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from passerelle.kernel import tasks
from passerelle.kernel.errors import Invalid
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.tenant_settings import change_setting
from tenants.privacy import relay_store, retention, retention_own
from tenants.privacy.retention import RETENTION, RetentionDays, clocked
from tenants.privacy.tasks import apply_retention, apply_retention_of_persons
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


async def test_every_clock_of_persons_own_rows_can_be_asked(work: tasks.Work) -> None:
    assert "person_notice" in [entry.table for entry in retention_own.clocked()]
    for entry in retention_own.clocked():
        assert entry.retention is not None
        age = timedelta(days=entry.retention.days)
        await relay_store.persons_with_rows_over(
            work.database, entry.table, entry.retention.column, age, 1
        )


NOTICES = """
insert into person_notice (person_id, id, kind, shown, mail, made_at)
select person_id, uuidv7(), 'test', true, 'none', now() - days * interval '1 day'
from unnest($1::uuid[]) as person_id, unnest($2::integer[]) as days
"""
DAYS = (1, 179, 181, 400, 800)


async def test_notices_of_persons_go_when_their_days_are_over_whoever_has_many(
    work: tasks.Work, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [new_id() for _ in range(5)]
    await superuser.executemany(
        "insert into person (person_id) values ($1)", [(person_id,) for person_id in people]
    )
    await superuser.execute("delete from person_notice")
    await superuser.execute(NOTICES, people, list(DAYS))
    await superuser.execute(NOTICES, people[:1], [300] * 7)
    monkeypatch.setattr(retention_own, "PAGE_ROWS", 4)
    assert await apply_retention_of_persons(work.database) == 5 * 3 + 7
    left = await superuser.fetch(
        "select person_id, count(*) as count, min(made_at) > now() - interval '180 days' as young"
        " from person_notice group by person_id"
    )
    assert {row["person_id"] for row in left} == set(people)
    assert {(row["count"], row["young"]) for row in left} == {(2, True)}
    assert await apply_retention_of_persons(work.database) == 0


async def test_the_relay_asks_only_whose_rows_and_only_where_it_was_let(
    work: tasks.Work,
) -> None:
    for table, column in (("person", "created_at"), ("evidence", "proven_at")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await relay_store.persons_with_rows_over(
                work.database, table, column, timedelta(days=1), 10
            )
