"""Hiring's pages, as a browser without scripts uses them."""

import csv
import io
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from passerelle.hiring import candidate_store
from passerelle.kernel.database import Database
from passerelle.kernel.language import Localised
from tests.conftest import People, sign_in
from tests.hiring.factories import REASON, move, open_requisition, recruiter, stages_of
from tests.people.factories import create_person, let_sharing_end, share, withdraw

Tenants = tuple[People, People]
HTML = {"accept": "text/html"}
pytestmark = pytest.mark.usefixtures("taxonomy")


async def send(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Sends a form as a browser does."""
    await client.get("/health")
    token = client.cookies["passerelle_csrf"]
    return await client.post(path, data={"_csrf_token": token, **fields}, headers=HTML)


async def test_the_list_is_filtered_paged_and_says_when_nothing_fits(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    await sign_in(client, app, retail, "recruiter")
    for _ in range(51):
        await open_requisition(database, retail, place="Essaouira")
    first = await client.get("/t/retail/hiring", params={"q": "ESSAOUIRA"}, headers=HTML)
    assert first.text.count("Digital services officer") == 50
    assert 'rel="next"' in first.text
    after = first.text.split("&amp;after=")[1].split('"')[0]
    query = {"q": "essaouira", "after": after}
    last = await client.get("/t/retail/hiring", params=query, headers=HTML)
    assert last.text.count("Digital services officer") == 1
    assert 'rel="next"' not in last.text
    none = await client.get("/t/retail/hiring", params={"q": "zzz"}, headers=HTML)
    assert "No requisition fits" in none.text


async def test_the_export_holds_the_same_rows_and_no_formula(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    formula = '=HYPERLINK("https://evil.example","x")'
    title = Localised(formula, formula, formula)
    opened = await open_requisition(database, retail, title, place="@SUM(1)", unit="Zagora")
    await sign_in(client, app, retail, "recruiter", locale="fr")
    answer = await client.get("/t/retail/hiring/requisitions.csv", params={"q": "zagora"})
    assert answer.headers["content-type"].startswith("text/csv")
    header, row = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert header[:2] == ["Numéro", "Intitulé"]
    assert row[:4] == [opened.number, "'" + formula, "Zagora", "'@SUM(1)"]
    assert row[6] == "ouvert"


async def test_a_requisition_is_opened_by_names_of_skills_in_the_readers_language(
    client: httpx.AsyncClient, app: Litestar, two_tenants: Tenants
) -> None:
    await sign_in(client, app, two_tenants[1], "recruiter")
    form = {
        "title_fr": "Conseillère à Tétouan",
        "required": "Think Critically\nprotect personal data and privacy",
        "desired": "manage data, information and digital content",
        "posts": "2",
        "closes_on": "2027-12-14",
    }
    opened = await send(client, "/t/retail/hiring/new", **form)
    assert opened.status_code == 303
    requisition_id = UUID(opened.headers["location"].rsplit("/", 1)[1])
    found = await client.get("/t/retail/api/requisitions", params={"q": "conseillere a tetouan"})
    (one,) = found.json()["requisitions"]
    assert one["id"] == str(requisition_id)
    assert one["title"]["ar"] == "Conseillère à Tétouan"
    assert "code_key" not in one


async def test_a_form_with_mistakes_names_each_and_keeps_what_was_typed(
    client: httpx.AsyncClient, app: Litestar, two_tenants: Tenants
) -> None:
    await sign_in(client, app, two_tenants[1], "recruiter")
    answer = await send(
        client,
        "/t/retail/hiring/new",
        required="think critical",
        posts="many",
        closes_on="soon",
        place="<b>here</b>",
    )
    assert answer.status_code == 400
    for field in ("title_en", "required", "posts", "closes_on"):
        assert f'href="#field-{field}"' in answer.text
    assert "think critically" in answer.text
    assert "&lt;b&gt;here&lt;/b&gt;" in answer.text


async def test_a_decision_goes_through_its_form_and_comes_back_to_the_candidate(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha Alaoui")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    await sign_in(client, app, retail, "recruiter")
    path = f"/t/retail/hiring/{requisition.id}/candidates/{person_id}"
    form = await client.get(f"{path}/decide", params={"to": str(stages[1].id)}, headers=HTML)
    assert form.status_code == 200
    assert "Aïcha" not in form.text

    ids = {"from_stage": str(stages[0].id), "to_stage": str(stages[1].id)}
    refused = await send(client, f"{path}/decide", **ids, reason="short")
    assert refused.status_code == 400
    assert 'href="#field-reason"' in refused.text
    assert ">short</textarea>" in refused.text
    decided = await send(client, f"{path}/decide", **ids, reason=REASON)
    assert (decided.status_code, decided.headers["location"]) == (303, f"{path}?done=moved")
    again = await send(client, f"{path}/decide", **ids, reason=REASON)
    assert again.status_code == 409
    assert "Someone moved this candidate in the meantime" in again.text
    reader = database.tenant_reader(retail.tenant_id, recruiter(retail))
    (made,) = await candidate_store.decisions(reader, requisition.id, person_id)
    assert (made.decided_by_name, made.reason) == ("recruiter of retail", REASON)


async def test_a_decision_over_the_api_without_a_reason_is_a_problem_that_names_the_field(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, retail.tenant_id)
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    await sign_in(client, app, retail, "recruiter")
    await client.get("/health")
    headers = {"x-csrf-token": client.cookies["passerelle_csrf"]}
    path = f"/t/retail/api/requisitions/{requisition.id}/decisions"
    body = {
        "person_id": str(person_id),
        "from_stage": str(stages[0].id),
        "to_stage": str(stages[1].id),
    }
    for reason in ({"reason": "  "}, {}):
        answer = await client.post(path, json=body | reason, headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert set(answer.json()["errors"]) == {"reason"}
    made = await client.post(path, json=body | {"reason": REASON}, headers=headers)
    assert made.status_code == 201
    twice = await client.post(path, json=body | {"reason": REASON}, headers=headers)
    assert twice.status_code == 409
    assert twice.json()["type"] == "/problems/candidate-moved-already"


async def test_what_is_another_organisations_looks_like_what_is_not_there(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    person_id = await create_person(database, "Aïcha")
    await share(database, person_id, region.tenant_id)
    theirs = await open_requisition(database, region)
    ours = await open_requisition(database, retail)
    await sign_in(client, app, retail, "recruiter")
    answers = []
    for requisition_id, candidate in (
        (theirs.id, person_id),
        (uuid4(), person_id),
        (ours.id, person_id),
        (ours.id, uuid4()),
    ):
        path = f"/t/retail/api/requisitions/{requisition_id}/candidates/{candidate}"
        answer = await client.get(path)
        body = answer.json()
        del body["instance"], body["request_id"]
        answers.append((answer.status_code, body))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 404


async def test_whoever_withdrew_is_gone_from_the_decision_page_in_the_same_moment(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    requisition = await open_requisition(database, retail)
    stages = await stages_of(database, retail, requisition)
    await sign_in(client, app, retail, "recruiter")
    gone, ended = [await create_person(database, "Aïcha") for _ in range(2)]
    sharing_id = await share(database, gone, retail.tenant_id)
    await share(database, ended, retail.tenant_id)
    for person_id in (gone, ended):
        await move(database, retail, requisition.id, person_id, stages)
    await withdraw(database, gone, sharing_id)
    await let_sharing_end(database, ended)
    for person_id in (gone, ended):
        path = f"/t/retail/hiring/{requisition.id}/candidates/{person_id}/decide"
        assert (await client.get(path, headers=HTML)).status_code == 404


async def test_a_learner_sees_nothing_of_hiring(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    requisition = await open_requisition(database, retail)
    await sign_in(client, app, retail, "learner")
    for path in ("hiring", f"hiring/{requisition.id}", "hiring/new", "api/requisitions"):
        assert (await client.get(f"/t/retail/{path}", headers=HTML)).status_code == 403


async def test_closing_and_opening_again_is_one_button(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    requisition = await open_requisition(database, two_tenants[1], place="Tinghir")
    await sign_in(client, app, two_tenants[1], "recruiter")
    path = f"/t/retail/hiring/{requisition.id}/status"
    assert (await send(client, path, status="closed")).status_code == 303
    query = {"q": "tinghir", "status": "closed"}
    listed = await client.get("/t/retail/api/requisitions", params=query)
    assert len(listed.json()["requisitions"]) == 1
    await send(client, path, status="open")
    listed = await client.get("/t/retail/api/requisitions", params=query)
    assert listed.json()["requisitions"] == []
