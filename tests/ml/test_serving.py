"""Stored vectors follow evidence and sharing; scores are exact; walls hold around them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
import pytest

from ml.problems import NoModelServed
from ml.serving import tasks
from ml.serving.embedding import embed_candidates
from ml.serving.matcher import StoredVectorMatcher
from passerelle.hiring.ports import Match, RequiredSkill, RequisitionNeed
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantReader
from passerelle.kernel.events import Event
from passerelle.kernel.identifiers import new_id
from passerelle.people.model import SharingGranted, SharingWithdrawn
from passerelle.skills.model import EvidenceChanged
from tests.conftest import People
from tests.ml.factories import put_in_service
from tests.people.factories import create_person, let_sharing_end, share, withdraw
from tests.skills.factories import load_starter, proof, prove, skill

Tenants = tuple[People, People]
MATCHER = StoredVectorMatcher()
NEED = RequisitionNeed(
    new_id(),
    [
        RequiredSkill(skill("principles of artificial intelligence"), 1.0, 2),
        RequiredSkill(skill("protect personal data and privacy"), 1.0, 3),
        RequiredSkill(skill("think critically"), 0.5, 2),
        RequiredSkill(skill("use spreadsheets software"), 0.4, 1),
    ],
)
COUNT = "select count(*) from candidate_vector where person_id = $1"


@pytest.fixture(scope="module", autouse=True)
async def model(database: Database, superuser: asyncpg.Connection) -> UUID:
    await load_starter(superuser)
    return await put_in_service(database)


@pytest.fixture
async def work(database: Database) -> "Holder":
    return Holder(database)


class Holder(msgspec.Struct):
    """The part of a task's Work that these listeners use."""

    database: Database


def reader(database: Database, people: People) -> TenantReader:
    return database.tenant_reader(people.tenant_id, actors.system("tests"))


def event(name: str, person_id: UUID, payload: msgspec.Struct) -> Event[msgspec.Struct]:
    return Event(
        id=new_id(),
        name=name,
        payload=payload,
        occurred_at=datetime.now(UTC),
        owner_scope="person",
        owner_id=person_id,
        person_id=person_id,
        actor_name="tests",
    )


async def tell_granted(work: Holder, person_id: UUID, tenant_id: UUID) -> None:
    granted = SharingGranted(new_id(), tenant_id, "hiring", datetime.now(UTC) + timedelta(days=9))
    await tasks.embed_for_tenant(work, event("sharing.granted", person_id, granted))


async def tell_changed(work: Holder, person_id: UUID) -> None:
    changed = event("evidence.changed", person_id, EvidenceChanged([]))
    await tasks.embed_where_shared(work, changed)


async def shortlist(database: Database, people: People, limit: int = 50) -> dict[UUID, Match]:
    found = await MATCHER.shortlist(reader(database, people), NEED, limit)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    return {one.person_id: one for one in found}


async def test_a_sharing_brings_a_candidate_into_one_shortlist_and_its_withdrawal_takes_it_out(
    database: Database, superuser: asyncpg.Connection, work: Holder, two_tenants: Tenants
) -> None:
    here, elsewhere = two_tenants
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically"), proof("rhetoric"))
    sharing_id = await share(database, person_id, here.tenant_id)
    await tell_granted(work, person_id, here.tenant_id)
    found = await shortlist(database, here)
    assert found[person_id].evidence_count == 2
    assert person_id not in await shortlist(database, elsewhere)
    await withdraw(database, person_id, sharing_id)
    # In the very transaction: before any event is heard.
    assert await superuser.fetchval(COUNT, person_id) == 0
    assert person_id not in await shortlist(database, here)


async def test_fresh_evidence_changes_the_next_shortlist(
    database: Database, work: Holder, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("rhetoric"))
    await share(database, person_id, here.tenant_id)
    await tell_granted(work, person_id, here.tenant_id)
    before = (await shortlist(database, here))[person_id]
    await prove(database, person_id, proof("protect personal data and privacy", 4))
    await tell_changed(work, person_id)
    after = (await shortlist(database, here))[person_id]
    assert after.score > before.score
    assert (before.evidence_count, after.evidence_count) == (1, 2)


async def test_the_same_skill_proven_twice_counts_once_by_its_best_proof(
    database: Database, work: Holder, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    once, twice = await create_person(database, "One"), await create_person(database, "Two")
    best = proof("think critically", 4, days_ago=3)
    await prove(database, once, best, proof("rhetoric"))
    await prove(
        database, twice, best, proof("think critically", 1, kind="credential"), proof("rhetoric")
    )
    for person_id in (once, twice):
        await share(database, person_id, here.tenant_id)
        await tell_granted(work, person_id, here.tenant_id)
    found = await shortlist(database, here)
    assert found[once].score == pytest.approx(found[twice].score, abs=1e-9)
    assert found[twice].evidence_count == 2


async def test_an_explanation_adds_up_to_the_score_that_orders_the_list(
    database: Database, work: Holder, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    names = ("think critically", "data ethics", "rhetoric", "use databases", "deep learning")
    for count in range(1, len(names) + 1):
        person_id = await create_person(database, f"Person {count}")
        await prove(database, person_id, *(proof(name, 1 + count % 4) for name in names[:count]))
        await share(database, person_id, here.tenant_id)
        await tell_granted(work, person_id, here.tenant_id)
    found = await shortlist(database, here)
    for person_id, match in found.items():
        explanation = await MATCHER.explain(reader(database, here), NEED, person_id)
        assert abs(sum(one.amount for one in explanation.contributions) - match.score) < 1e-6
        assert abs(explanation.score - match.score) < 1e-6
        assert len(explanation.contributions) == match.evidence_count * len(NEED.skills)


async def test_an_explanation_says_what_is_missing_and_what_is_not(
    database: Database, work: Holder, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically"))
    await share(database, person_id, here.tenant_id)
    explanation = await MATCHER.explain(reader(database, here), NEED, person_id)
    assert skill("think critically") not in explanation.missing
    assert skill("use spreadsheets software") in explanation.missing
    assert explanation.model_version.isdigit()


async def test_whoever_shares_nothing_has_an_empty_explanation(
    database: Database, two_tenants: Tenants
) -> None:
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically"))
    explanation = await MATCHER.explain(reader(database, two_tenants[0]), NEED, person_id)
    assert (explanation.score, explanation.contributions) == (0.0, [])
    assert explanation.missing == [one.skill_id for one in NEED.skills]


async def test_a_proof_that_expired_since_it_was_embedded_counts_no_more(
    database: Database, superuser: asyncpg.Connection, work: Holder, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically", expires_in_days=2))
    await share(database, person_id, here.tenant_id)
    await tell_granted(work, person_id, here.tenant_id)
    assert person_id in await shortlist(database, here)
    await superuser.execute(
        "update evidence set expires_at = now() - interval '1 second' where person_id = $1",
        person_id,
    )
    assert person_id not in await shortlist(database, here)


async def test_a_vector_is_invisible_once_the_sharing_has_ended_by_its_date(
    database: Database, superuser: asyncpg.Connection, work: Holder, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically"))
    await share(database, person_id, here.tenant_id)
    await tell_granted(work, person_id, here.tenant_id)
    await let_sharing_end(database, person_id)
    assert await superuser.fetchval(COUNT, person_id) == 1
    async with database.tenant(here.tenant_id, actors.system("tests")) as tx:
        assert await tx.fetch_value(COUNT, person_id) == 0


async def test_no_vector_can_be_written_of_someone_who_does_not_share(
    database: Database, model: UUID, two_tenants: Tenants
) -> None:
    person_id = await create_person(database, "Salma")
    vector = np.ones(96, np.float32)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(two_tenants[0].tenant_id, actors.system("tests")) as tx:
            await tx.execute(
                "insert into candidate_vector"
                " (tenant_id, model_version, person_id, embedding, evidence_count)"
                " values ($1, $2, $3, $4, 1)",
                tx.tenant_id,
                model,
                person_id,
                vector,
            )


async def test_one_person_cannot_delete_anothers_vectors(
    database: Database, superuser: asyncpg.Connection, work: Holder, two_tenants: Tenants
) -> None:
    person_id, other = await create_person(database, "A"), await create_person(database, "B")
    await prove(database, person_id, proof("think critically"))
    await share(database, person_id, two_tenants[0].tenant_id)
    await tell_granted(work, person_id, two_tenants[0].tenant_id)
    async with database.person(other, actors.system("tests")) as tx:
        assert await tx.execute("delete from candidate_vector where person_id = $1", person_id) == 0
    assert await superuser.fetchval(COUNT, person_id) == 1


async def test_a_withdrawal_heard_late_deletes_what_was_written_in_between_unless_shared_again(
    database: Database, superuser: asyncpg.Connection, work: Holder, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically"))
    sharing_id = await share(database, person_id, here.tenant_id)
    await tell_granted(work, person_id, here.tenant_id)
    gone = SharingWithdrawn(sharing_id, here.tenant_id, "hiring")
    late = event("sharing.withdrawn", person_id, gone)
    async with database.person(person_id, actors.system("tests")) as tx:
        await tasks.forget_in_tenant(tx, late)
    assert await superuser.fetchval(COUNT, person_id) == 1, "it is shared this moment"
    await let_sharing_end(database, person_id)
    async with database.person(person_id, actors.system("tests")) as tx:
        await tasks.forget_in_tenant(tx, late)
    assert await superuser.fetchval(COUNT, person_id) == 0


async def test_embedding_twice_leaves_one_vector_and_none_of_whoever_proved_nothing(
    database: Database, superuser: asyncpg.Connection, two_tenants: Tenants
) -> None:
    here = two_tenants[0]
    proven, unproven = await create_person(database, "A"), await create_person(database, "B")
    await prove(database, proven, proof("rhetoric"))
    for person_id in (proven, unproven):
        await share(database, person_id, here.tenant_id)
    for _ in range(2):
        async with database.tenant(here.tenant_id, actors.system("tests")) as tx:
            await embed_candidates(tx, [proven, unproven])
    assert await superuser.fetchval(COUNT, proven) == 1
    assert await superuser.fetchval(COUNT, unproven) == 0


async def test_a_requirement_that_the_model_does_not_know_is_missing_and_ranks_nobody(
    database: Database, superuser: asyncpg.Connection, work: Holder, two_tenants: Tenants
) -> None:
    here, unknown = two_tenants[0], new_id()
    await superuser.execute("insert into skill values ($1, $2, 'skill')", unknown, str(unknown))
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically"))
    await share(database, person_id, here.tenant_id)
    await tell_granted(work, person_id, here.tenant_id)
    need = RequisitionNeed(new_id(), [RequiredSkill(unknown, 1.0, 1)])
    assert await MATCHER.shortlist(reader(database, here), need, 10) == []
    explanation = await MATCHER.explain(reader(database, here), need, person_id)
    assert explanation.missing == [unknown]


async def test_without_a_model_in_service_matching_says_so(
    database: Database, superuser: asyncpg.Connection, two_tenants: Tenants
) -> None:
    await superuser.execute("update model_version set status = 'retired'")
    try:
        with pytest.raises(NoModelServed):
            await MATCHER.shortlist(reader(database, two_tenants[0]), NEED, 10)
    finally:
        await put_in_service(database)
