"""A requisition: its number, its stages, how it is found, and closing it."""

import asyncio

import asyncpg
import pytest

from passerelle.hiring import service, store
from passerelle.hiring.problems import RequisitionClosed
from passerelle.kernel.database import Database
from tests.conftest import People
from tests.hiring.factories import move, open_requisition, recruiter, stages_of
from tests.people.factories import create_person, share

Tenants = tuple[People, People]
pytestmark = pytest.mark.usefixtures("taxonomy")


async def test_a_requisition_gets_a_number_a_pipeline_of_three_stages_and_an_event(
    database: Database, two_tenants: Tenants, superuser: asyncpg.Connection
) -> None:
    retail = two_tenants[1]
    one = await open_requisition(database, retail)
    two = await open_requisition(database, retail)
    year, number = one.number.split("-")
    assert two.number == f"{year}-{int(number) + 1}"
    assert two.pipeline_id == one.pipeline_id
    stages = await stages_of(database, retail, one)
    assert [stage.name.en for stage in stages] == ["Shortlist", "Interview", "Decision"]
    assert [stage.names_shown for stage in stages] == [False, True, True]
    event = await superuser.fetchrow(
        "select name, actor_name from tenant_event where tenant_id = $1 and subject = $2",
        retail.tenant_id,
        one.id,
    )
    assert tuple(event) == ("requisition.opened", "Salma Benali")


async def test_requisitions_opened_at_the_same_time_have_different_numbers_and_one_pipeline(
    database: Database, two_tenants: Tenants
) -> None:
    opened = await asyncio.gather(*(open_requisition(database, two_tenants[0]) for _ in range(4)))
    assert len({one.number for one in opened}) == 4
    assert len({one.pipeline_id for one in opened}) == 1


async def test_a_closed_requisition_takes_no_decision_until_it_is_opened_again(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    async with database.tenant(retail.tenant_id, recruiter(retail)) as tx:
        await service.set_status(tx, requisition.id, "closed")
    with pytest.raises(RequisitionClosed):
        await move(database, retail, requisition.id, person_id, stages)
    async with database.tenant(retail.tenant_id, recruiter(retail)) as tx:
        await service.set_status(tx, requisition.id, "open")
    await move(database, retail, requisition.id, person_id, stages)


async def test_requisitions_are_found_by_text_in_any_language_and_page_by_page(
    database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    opened = [await open_requisition(database, retail, place="Salé") for _ in range(3)]
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    first = await store.requisitions(reader, "sale", None, None, 2)
    assert [one.id for one in first] == [opened[2].id, opened[1].id]
    second = await store.requisitions(reader, "sale", None, first[-1].id, 2)
    assert [one.id for one in second] == [opened[0].id]
    assert await store.requisitions(reader, "%", None, None, 2) == []
    elsewhere = database.tenant_reader(region.tenant_id, recruiter(region))
    assert await store.requisitions(elsewhere, "sale", None, None, 2) == []
    assert await store.requisition(elsewhere, opened[0].id) is None
