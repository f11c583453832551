"""A decision has a person's name and a reason, is made once, and stays on record."""

import asyncio
import random
from uuid import uuid4

import asyncpg
import pytest

from passerelle.hiring import candidate_store, ranking, service
from passerelle.hiring.problems import (
    CandidateMovedAlready,
    DecisionNeedsPerson,
    ReasonMissing,
    StageInvalid,
)
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound
from tests.conftest import People
from tests.hiring.factories import REASON, move, open_requisition, recruiter, stages_of
from tests.people.factories import create_person, let_sharing_end, share, withdraw

Tenants = tuple[People, People]
pytestmark = pytest.mark.usefixtures("taxonomy")


async def test_a_decision_is_on_record_with_name_reason_before_and_after(
    database: Database, two_tenants: Tenants, superuser: asyncpg.Connection
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    moved = await move(database, retail, requisition.id, person_id, stages)

    event = await superuser.fetchrow(
        "select * from tenant_event where tenant_id = $1 and name = 'application.moved'"
        " and subject = $2",
        retail.tenant_id,
        moved.application_id,
    )
    assert event["actor_name"] == "Salma Benali"
    assert event["actor_person_id"] == retail.recruiter_id
    assert event["person_id"] == person_id
    assert event["reason"] == REASON
    assert "Shortlist" in event["before"]
    assert "Interview" in event["payload"]
    assert REASON in event["payload"]
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    (decided,) = await candidate_store.decisions(reader, requisition.id, person_id)
    assert (decided.decided_by_name, decided.reason) == ("Salma Benali", REASON)
    assert (decided.from_stage, decided.to_stage) == (stages[0].id, stages[1].id)


@pytest.mark.parametrize("reason", ["", "   ", "too short", "x" * 2_001, " " * 40 + "short"])
async def test_without_a_reason_nothing_is_decided(
    database: Database, two_tenants: Tenants, reason: str
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    with pytest.raises(ReasonMissing) as refusal:
        await move(database, retail, requisition.id, person_id, stages, reason=reason)
    assert set(refusal.value.errors) == {"reason"}
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    standing = await ranking.standing_of(reader, requisition, stages, person_id)
    assert standing.application_id is None


async def test_a_reason_is_kept_without_characters_that_nobody_types(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail, place="Fès\x00")
    stages = await stages_of(database, retail, requisition)
    await move(database, retail, requisition.id, person_id, stages, reason=f"\x00{REASON}\x1b\r\n.")
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    (decided,) = await candidate_store.decisions(reader, requisition.id, person_id)
    assert (requisition.place, decided.reason) == ("Fès", f"{REASON}\n.")


async def test_the_machine_decides_about_nobody(database: Database, two_tenants: Tenants) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    decision = service.Decision(
        person_id=person_id, from_stage=stages[0].id, to_stage=stages[1].id, reason=REASON
    )
    with pytest.raises(DecisionNeedsPerson):
        async with database.tenant(retail.tenant_id, actors.system("ranking")) as tx:
            await service.move(tx, requisition.id, decision)


async def test_of_decisions_made_at_the_same_time_one_counts(
    database: Database, two_tenants: Tenants, superuser: asyncpg.Connection
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    outcomes = await asyncio.gather(
        *(move(database, retail, requisition.id, person_id, stages, (0, to)) for to in (1, 2, 1)),
        return_exceptions=True,
    )
    made = [one for one in outcomes if isinstance(one, service.Moved)]
    refused = [one for one in outcomes if isinstance(one, CandidateMovedAlready)]
    assert (len(made), len(refused)) == (1, 2)
    for table in ("decision where application_id", "tenant_event where subject"):
        count = await superuser.fetchval(
            f"select count(*) from {table} = $1", made[0].application_id
        )
        assert count == 1


async def test_however_decisions_collide_they_form_one_unbroken_chain(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    chance = random.Random(118)
    paths = [tuple(chance.sample(range(3), 2)) for _ in range(60)]
    outcomes: list[object] = []
    for start in range(0, 60, 6):
        outcomes += await asyncio.gather(
            *(
                move(database, retail, requisition.id, person_id, stages, (path[0], path[1]))
                for path in paths[start : start + 6]
            ),
            return_exceptions=True,
        )
    assert {type(one) for one in outcomes} == {service.Moved, CandidateMovedAlready}
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    decided = (await candidate_store.decisions(reader, requisition.id, person_id))[::-1]
    assert len(decided) == sum(isinstance(one, service.Moved) for one in outcomes)
    assert decided[0].from_stage == stages[0].id
    assert [one.from_stage for one in decided[1:]] == [one.to_stage for one in decided[:-1]]
    standing = await ranking.standing_of(reader, requisition, stages, person_id)
    assert standing.stage_id == decided[-1].to_stage


async def test_a_candidate_can_go_on_and_back_and_each_step_has_its_reason(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    for path in ((0, 1), (1, 2), (2, 0), (0, 2)):
        await move(database, retail, requisition.id, person_id, stages, path)
    with pytest.raises(CandidateMovedAlready):
        await move(database, retail, requisition.id, person_id, stages, (0, 1))
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    decided = await candidate_store.decisions(reader, requisition.id, person_id)
    assert [one.to_stage for one in decided] == [stages[i].id for i in (2, 0, 2, 1)]


async def test_a_stage_of_another_pipeline_or_the_same_stage_is_refused(
    database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    foreign = await stages_of(database, region, await open_requisition(database, region))
    with pytest.raises(StageInvalid):
        await move(database, retail, requisition.id, person_id, [stages[0], foreign[1]])
    with pytest.raises(StageInvalid):
        await move(database, retail, requisition.id, person_id, stages, (0, 0))


async def test_someone_who_does_not_share_is_not_found_as_someone_who_is_not_there(
    database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    elsewhere = await create_person(database, "Aïcha")
    await share(database, elsewhere, region.tenant_id)
    for person_id in (elsewhere, retail.learner_id, uuid4()):
        with pytest.raises(NotFound):
            await move(database, retail, requisition.id, person_id, stages)
    with pytest.raises(NotFound):
        await move(database, region, requisition.id, elsewhere, stages)


async def test_whoever_withdrew_or_whose_sharing_ended_can_no_longer_be_moved(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    gone, ended = [await create_person(database, "Aïcha") for _ in range(2)]
    sharing_id = await share(database, gone, retail.tenant_id)
    await share(database, ended, retail.tenant_id)
    for person_id in (gone, ended):
        await move(database, retail, requisition.id, person_id, stages)
    await withdraw(database, gone, sharing_id)
    await let_sharing_end(database, ended)
    for person_id in (gone, ended):
        with pytest.raises(NotFound):
            await move(database, retail, requisition.id, person_id, stages, (1, 2))


async def test_the_database_itself_takes_nobody_into_a_pipeline_who_does_not_share(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    stranger = await create_person(database, "Aïcha")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(retail.tenant_id, recruiter(retail)) as tx:
            await tx.execute(
                "insert into application (tenant_id, requisition_id, person_id, pipeline_id,"
                " stage_id) values ($1, $2, $3, $4, $5)",
                tx.tenant_id,
                requisition.id,
                stranger,
                requisition.pipeline_id,
                stages[0].id,
            )


async def test_a_decision_on_record_cannot_be_rewritten(database: Database) -> None:
    """No page can; the worker removes one where its person's data is erased, and rewrites none."""
    rewrite = "update decision set reason = 'something else entirely'"
    for role, sql in (
        ("web_tenant", rewrite),
        ("web_tenant", "delete from decision"),
        ("worker_tenant", rewrite),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.pool(role).execute(sql)


async def test_names_are_hidden_until_a_stage_shows_them(
    database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha Alaoui")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    standing = await ranking.standing_of(reader, requisition, stages, person_id)
    assert standing.display_name is None
    await move(database, retail, requisition.id, person_id, stages)
    standing = await ranking.standing_of(reader, requisition, stages, person_id)
    assert standing.display_name == "Aïcha Alaoui"
    assert standing.stage_id == stages[1].id
