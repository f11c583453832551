"""Sharing opens exactly what it says, until the day it says, and closes at once."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound
from passerelle.people import projections, service, store
from passerelle.people.model import SHARING_DAYS_LIMIT, Profile, end_of, last_day
from tests.conftest import People
from tests.people.factories import (
    create_person,
    in_days,
    let_sharing_end,
    share,
    themselves,
    withdraw,
)

Tenants = tuple[People, People]


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2200, 1, 1)))
def test_a_sharing_is_live_through_its_last_day_and_not_a_moment_longer(day: date) -> None:
    until = end_of(day)
    assert last_day(until) == day
    assert (until - timedelta(seconds=1)).date() == day
    assert until.date() == day + timedelta(days=1)


@pytest.mark.parametrize("days", [-1, 0, SHARING_DAYS_LIMIT + 1])
async def test_a_last_day_in_the_past_or_too_far_ahead_is_refused(
    database: Database, two_tenants: Tenants, days: int
) -> None:
    person_id = await create_person(database, "Aïcha")
    async with database.person(person_id, themselves(person_id)) as tx:
        with pytest.raises(service.SharingDateInvalid) as refusal:
            await service.share(tx, two_tenants[1].tenant_id, until=in_days(days))
        assert "until" in refusal.value.errors
        assert await store.sharings(tx) == []


@pytest.mark.parametrize("days", [1, SHARING_DAYS_LIMIT])
async def test_the_first_and_the_last_allowed_day_are_taken(
    database: Database, two_tenants: Tenants, days: int
) -> None:
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, two_tenants[1].tenant_id, days)
    reader = database.person_reader(person_id, themselves(person_id))
    (sharing,) = await store.sharings(reader)
    assert last_day(sharing.until) == in_days(days)
    assert sharing.is_live(datetime.now(UTC))


async def test_sharing_again_changes_the_date_and_opens_no_second_door(
    database: Database, two_tenants: Tenants
) -> None:
    person_id = await create_person(database, "Aïcha")
    tenant_id = two_tenants[1].tenant_id
    first, second = await asyncio.gather(
        share(database, person_id, tenant_id, 30), share(database, person_id, tenant_id, 60)
    )
    assert first == second
    reader = database.person_reader(person_id, themselves(person_id))
    assert len(await store.sharings(reader)) == 1
    await withdraw(database, person_id, first)
    assert await store.live_sharings(reader, tenant_id, "hiring") == []


async def test_granting_and_withdrawing_are_on_the_persons_record_once(
    database: Database, two_tenants: Tenants, superuser: asyncpg.Connection
) -> None:
    person_id = await create_person(database, "Aïcha")
    tenant_id = two_tenants[1].tenant_id
    sharing_id = await share(database, person_id, tenant_id)
    await withdraw(database, person_id, sharing_id)
    await withdraw(database, person_id, sharing_id)
    rows = await superuser.fetch(
        "select name, tenant_id, subject from person_event where person_id = $1 order by id",
        person_id,
    )
    assert [tuple(row) for row in rows] == [
        ("sharing.granted", tenant_id, sharing_id),
        ("sharing.withdrawn", tenant_id, sharing_id),
    ]


async def test_nobody_withdraws_for_someone_else(database: Database, two_tenants: Tenants) -> None:
    person_id = await create_person(database, "Aïcha")
    stranger = await create_person(database, "Someone else")
    sharing_id = await share(database, person_id, two_tenants[1].tenant_id)
    with pytest.raises(NotFound):
        await withdraw(database, stranger, sharing_id)
    reader = database.person_reader(person_id, themselves(person_id))
    assert len(await store.live_sharings(reader, two_tenants[1].tenant_id, "hiring")) == 1


TENANT_READS = {
    "sharing": "select person_id from sharing where $1::uuid is not null and person_id = $2",
    "profile": "select person_id from profile where $1::uuid is not null and person_id = $2",
    "person": "select person_id from person where $1::uuid is not null and person_id = $2",
}


async def _seen(database: Database, people: People, person_id: object) -> set[str]:
    reader = database.tenant_reader(people.tenant_id, themselves(people.recruiter_id))
    return {
        table
        for table, sql in TENANT_READS.items()
        if await reader.fetch_value(sql, people.tenant_id, person_id) is not None
    }


async def test_an_organisation_reads_a_person_only_while_they_share_with_it(
    database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    person_id = await create_person(database, "Aïcha", headline="Counter clerk", about="Ten years")
    assert await _seen(database, retail, person_id) == set()
    sharing_id = await share(database, person_id, retail.tenant_id)
    assert await _seen(database, retail, person_id) == {"sharing", "profile", "person"}
    assert await _seen(database, region, person_id) == set()
    await withdraw(database, person_id, sharing_id)
    assert await _seen(database, retail, person_id) == set()


async def test_a_sharing_ends_by_itself_after_its_last_moment(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha", headline="Counter clerk")
    await share(database, person_id, retail.tenant_id)
    await let_sharing_end(database, person_id)
    assert await _seen(database, retail, person_id) == set()


async def test_an_organisation_cannot_write_what_is_a_persons(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha", headline="Counter clerk")
    await share(database, person_id, retail.tenant_id)
    for sql in (
        "update sharing set until = until + interval '1 year' where person_id = $1",
        "update profile set headline = 'x' where person_id = $1",
        "insert into sharing (person_id, tenant_id, purpose, until)"
        " values ($1, app.tenant_strict(), 'hiring', now() + interval '1 day')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.tenant(retail.tenant_id, themselves(retail.recruiter_id)) as tx:
                await tx.execute(sql, person_id)


async def test_a_profile_keeps_to_its_limits(database: Database) -> None:
    person_id = await create_person(database, "Aïcha")
    async with database.person(person_id, themselves(person_id)) as tx:
        with pytest.raises(service.ProfileTooLong) as refusal:
            await service.save_profile(tx, Profile("x" * 161, "y" * 4_001, "en"))
        assert set(refusal.value.errors) == {"headline", "about"}
        await service.save_profile(tx, Profile("x" * 160, "y" * 4_000, "ar"))
        saved = await store.profile(tx)
        assert saved is not None
        assert (len(saved.headline), saved.locale) == (160, "ar")


def test_a_projection_is_registered_under_one_statement_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projections, "_registered", {})
    for _ in range(2):
        projections.register("derived", "delete from derived where person_id = $1")
    with pytest.raises(ValueError, match="twice"):
        projections.register("derived", "delete from elsewhere")
    assert [one.table for one in projections.for_purpose("hiring")] == ["derived"]
    assert projections.for_purpose("something else") == []
