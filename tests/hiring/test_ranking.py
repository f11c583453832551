"""The shortlist: proven skills order it, prose never does, and who withdraws is gone at once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar

from ml.serving.embedding import embed_candidates
from ml.serving.matcher import StoredVectorMatcher
from passerelle.hiring import ranking
from passerelle.hiring.model import Requisition, Shortlist
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.skills import service as skills
from passerelle.skills.model import NewEvidence
from tests.conftest import People, create_people, sign_in
from tests.hiring.factories import (
    EVALUATE_DATA,
    MANAGE_DATA,
    PROTECT_DATA,
    THINK_CRITICALLY,
    move,
    open_requisition,
    recruiter,
    stages_of,
)
from tests.people.factories import create_person, let_sharing_end, share, themselves, withdraw

Tenants = tuple[People, People]
pytestmark = pytest.mark.usefixtures("model")
HTML = {"accept": "text/html"}
MATCHER = StoredVectorMatcher()


def proofs(*skill_ids: UUID, level: int = 3) -> list[NewEvidence]:
    at = datetime.now(UTC) - timedelta(days=10)
    return [NewEvidence(skill_id=one, level=level, kind="exam", proven_at=at) for one in skill_ids]


async def prove(database: Database, person_id: UUID, evidence: list[NewEvidence]) -> None:
    async with database.person(person_id, themselves(person_id)) as tx:
        await skills.record_evidence(tx, evidence)


async def embed(database: Database, people: People, *person_ids: UUID) -> None:
    """What the worker does when it hears of evidence or of a sharing."""
    actor = actors.system("embed candidate", people.tenant_id)
    async with database.tenant(people.tenant_id, actor) as tx:
        await embed_candidates(tx, person_ids)


async def candidate(
    database: Database, people: People, evidence: list[NewEvidence], **prose: str
) -> UUID:
    person_id = await create_person(database, "Somebody", **prose)  # type: ignore[arg-type]
    await prove(database, person_id, evidence)
    await share(database, person_id, people.tenant_id)
    await embed(database, people, person_id)
    return person_id


@pytest.fixture
async def shop(database: Database) -> People:
    """An organisation with whom nobody shares yet."""
    return await create_people(database, f"shop-{new_id().hex[-12:]}")


async def listed(
    database: Database, people: People, requisition: Requisition, place: int = 0, show: int = 50
) -> Shortlist:
    reader = database.tenant_reader(people.tenant_id, recruiter(people))
    stages = await stages_of(database, people, requisition)
    return await ranking.shortlist(reader, MATCHER, requisition, stages, stages[place], show)


async def test_whoever_has_proven_more_of_it_stands_higher_and_prose_stands_last(
    database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    prose = await candidate(
        database,
        shop,
        [],
        headline="Award-winning expert in critical thinking and data protection",
        about="I think critically and protect personal data and privacy. " * 60,
    )
    one_of_it = await candidate(database, shop, proofs(MANAGE_DATA, level=1))
    all_of_it = await candidate(
        database, shop, proofs(THINK_CRITICALLY, PROTECT_DATA, EVALUATE_DATA, MANAGE_DATA)
    )
    found = await listed(database, shop, requisition)
    assert [one.person_id for one in found.candidates] == [all_of_it, one_of_it, prose]
    assert [one.rank for one in found.candidates] == [1, 2, None]
    assert found.candidates[0].score > found.candidates[1].score > 0
    assert (found.candidates[2].score, found.candidates[2].evidence_count) == (0, 0)
    assert found.people == 3


async def test_no_prose_moves_anyone(database: Database, shop: People) -> None:
    requisition = await open_requisition(database, shop)
    for skill_ids in ((THINK_CRITICALLY,), (PROTECT_DATA, MANAGE_DATA), (MANAGE_DATA,)):
        await candidate(database, shop, proofs(*skill_ids))
    before = await listed(database, shop, requisition)
    last = before.candidates[-1].person_id
    async with database.person(last, themselves(last)) as tx:
        await tx.execute(
            "insert into profile (person_id, headline, about, locale) values ($1, $2, $3, 'en')",
            last,
            "think critically",
            "protect personal data and privacy, think critically " * 70,
        )
    await embed(database, shop, last)
    assert (await listed(database, shop, requisition)).candidates == before.candidates


async def test_the_contributions_add_up_to_the_score_that_orders_the_list(
    database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    for skill_ids in ((THINK_CRITICALLY, EVALUATE_DATA), (PROTECT_DATA, MANAGE_DATA)):
        await candidate(database, shop, proofs(*skill_ids))
    reader = database.tenant_reader(shop.tenant_id, recruiter(shop))
    for one in (await listed(database, shop, requisition)).candidates:
        why = await ranking.explain(reader, MATCHER, requisition, one.person_id)
        assert sum(part.amount for part in why.contributions) == pytest.approx(why.score, abs=1e-6)
        assert why.score == pytest.approx(one.score, abs=1e-6)


async def test_proof_that_the_worker_has_not_heard_of_is_not_called_nothing(
    database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    person_id = await create_person(database, "Somebody")
    await prove(database, person_id, proofs(THINK_CRITICALLY, PROTECT_DATA))
    await share(database, person_id, shop.tenant_id)
    (one,) = (await listed(database, shop, requisition)).candidates
    assert (one.rank, one.evidence_count) == (None, 2)
    await embed(database, shop, person_id)
    (one,) = (await listed(database, shop, requisition)).candidates
    assert (one.rank, one.evidence_count) == (1, 2)


async def test_each_stage_has_its_people_and_only_they_count_there(
    database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    stages = await stages_of(database, shop, requisition)
    best = await candidate(database, shop, proofs(THINK_CRITICALLY, PROTECT_DATA, MANAGE_DATA))
    others = {await candidate(database, shop, proofs(MANAGE_DATA, level=1)) for _ in range(3)}
    unproven = await candidate(database, shop, [])
    for person_id in (best, unproven):
        await move(database, shop, requisition.id, person_id, stages)
    first = await listed(database, shop, requisition, 0)
    assert {one.person_id for one in first.candidates} == others
    assert [one.rank for one in first.candidates] == [1, 2, 3]
    second = await listed(database, shop, requisition, 1)
    assert [one.person_id for one in second.candidates] == [best, unproven]
    assert [one.rank for one in second.candidates] == [1, None]
    assert second.candidates[0].display_name == "Somebody"
    assert first.counts == {stages[0].id: 3, stages[1].id: 2}
    assert (await listed(database, shop, requisition, 2)).candidates == []


async def test_a_short_page_shows_the_best_of_its_stage_even_when_better_ones_moved_on(
    database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    stages = await stages_of(database, shop, requisition)
    for _ in range(3):
        moved = await candidate(database, shop, proofs(THINK_CRITICALLY, PROTECT_DATA))
        await move(database, shop, requisition.id, moved, stages)
    left = {await candidate(database, shop, proofs(MANAGE_DATA, level=1)) for _ in range(3)}
    page = await listed(database, shop, requisition, show=2)
    assert len(page.candidates) == 2
    assert {one.person_id for one in page.candidates} < left
    assert all(one.rank is not None for one in page.candidates)
    assert page.people == 3


async def _statuses(client: httpx.AsyncClient, shop: People, paths: list[str]) -> list[int]:
    return [
        (await client.get(f"/t/{shop.slug}/{path}", headers=HTML)).status_code for path in paths
    ]


@pytest.mark.parametrize("ending", ["withdrawn", "ended"])
async def test_whoever_stops_sharing_is_gone_everywhere_at_the_next_query(
    client: httpx.AsyncClient,
    app: Litestar,
    database: Database,
    superuser: asyncpg.Connection,
    shop: People,
    ending: str,
) -> None:
    requisition = await open_requisition(database, shop)
    person_id = await create_person(database, "Aïcha Alaoui", headline="Unmistakable headline")
    await prove(database, person_id, proofs(THINK_CRITICALLY, PROTECT_DATA))
    sharing_id = await share(database, person_id, shop.tenant_id)
    await embed(database, shop, person_id)
    await sign_in(client, app, shop, "recruiter")
    paths = [
        f"hiring/{requisition.id}/candidates/{person_id}",
        f"hiring/{requisition.id}/candidates/{person_id}/decide",
        f"api/requisitions/{requisition.id}/candidates/{person_id}",
    ]
    page = f"/t/{shop.slug}/hiring/{requisition.id}"
    api = f"/t/{shop.slug}/api/requisitions/{requisition.id}/shortlist"
    assert await _statuses(client, shop, paths) == [200, 200, 200]
    assert "Unmistakable headline" in (await client.get(page, headers=HTML)).text
    assert len((await client.get(api)).json()["candidates"]) == 1

    if ending == "withdrawn":
        await withdraw(database, person_id, sharing_id)
        count = "select count(*) from candidate_vector where person_id = $1"
        assert await superuser.fetchval(count, person_id) == 0
    else:
        await let_sharing_end(database, person_id)

    assert await _statuses(client, shop, paths) == [404, 404, 404]
    assert "Unmistakable headline" not in (await client.get(page, headers=HTML)).text
    answer = (await client.get(api)).json()
    assert (answer["candidates"], answer["people"]) == ([], 0)


async def test_withdrawing_from_one_organisation_leaves_the_others(
    database: Database, superuser: asyncpg.Connection, shop: People, two_tenants: Tenants
) -> None:
    person_id = await candidate(database, shop, proofs(THINK_CRITICALLY))
    elsewhere = two_tenants[0]
    sharing_id = await share(database, person_id, elsewhere.tenant_id)
    await embed(database, elsewhere, person_id)
    await withdraw(database, person_id, sharing_id)
    held = await superuser.fetch(
        "select tenant_id from candidate_vector where person_id = $1", person_id
    )
    assert [row["tenant_id"] for row in held] == [shop.tenant_id]
    requisition = await open_requisition(database, shop)
    assert len((await listed(database, shop, requisition)).candidates) == 1


async def test_what_a_candidate_writes_is_shown_as_text_and_said_not_to_count(
    client: httpx.AsyncClient, app: Litestar, database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    person_id = await candidate(
        database,
        shop,
        proofs(THINK_CRITICALLY),
        headline="<img src=x onerror=alert(1)>",
        about="<script>alert(2)</script> [link](javascript:alert(3)) **bold**",
    )
    await sign_in(client, app, shop, "recruiter")
    path = f"/t/{shop.slug}/hiring/{requisition.id}/candidates/{person_id}"
    page = (await client.get(path, headers=HTML)).text
    assert "not counted" in page
    assert "<strong>bold</strong>" in page
    assert "<img" not in page
    assert "alert(2)</script>" not in page
    assert 'href="javascript:' not in page
    assert "Somebody" not in page


async def test_a_fragment_for_the_list_is_the_explanation_alone(
    client: httpx.AsyncClient, app: Litestar, database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    person_id = await candidate(database, shop, proofs(THINK_CRITICALLY, PROTECT_DATA))
    await sign_in(client, app, shop, "recruiter")
    path = f"/t/{shop.slug}/hiring/{requisition.id}/candidates/{person_id}"
    fragment = (await client.get(path, headers={**HTML, "hx-request": "true"})).text
    assert "<html" not in fragment
    assert "You decide, and write why." in fragment
    assert f"{path}/decide" in fragment
    whole = (await client.get(path, headers=HTML)).text
    assert "<html" in whole
    assert fragment.split("<h2>")[1].split("</h2>")[0] in whole


async def test_an_unknown_stage_or_requisition_is_not_there(
    client: httpx.AsyncClient, app: Litestar, database: Database, shop: People
) -> None:
    requisition = await open_requisition(database, shop)
    await sign_in(client, app, shop, "recruiter")
    paths = [
        f"hiring/{requisition.id}?stage={uuid4()}",
        f"hiring/{uuid4()}",
        f"api/requisitions/{uuid4()}/shortlist",
        "hiring/not-an-identifier",
    ]
    assert await _statuses(client, shop, paths) == [404] * 4
