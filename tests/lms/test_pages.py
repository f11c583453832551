"""A learner sees where the score is; whoever runs the LMS sees health and sends again."""

import asyncpg
import httpx
import pytest
from litestar import Litestar

from infra.demo.lms.server import LmsServer
from infra.demo.lms_browser import begin
from passerelle.kernel.actor import Actor
from passerelle.kernel.language import Localised
from tenants.access.sessions import COOKIE, Sessions
from tests.conftest import csrf_headers
from tests.lms.connected import Connected
from tests.lms.learner import Learner

HTML = {"accept": "text/html"}


async def administer(app: Litestar, tool: httpx.AsyncClient, connected: Connected) -> None:
    sessions: Sessions = app.state.sessions
    actor = Actor(
        kind="person",
        display_name="Administrator",
        person_id=connected.people.recruiter_id,
        tenant_id=connected.tenant_id,
        tenant_slug=connected.people.slug,
        tenant_name=Localised("Region", "Region", "Region"),
        permissions=frozenset({"tenant.admin"}),
        origin="keycloak",
    )
    header = await sessions.open(actor)
    token = header.split(";", 1)[0].split("=", 1)[1]
    tool.cookies.clear()
    tool.cookies.set(COOKIE, token, domain="localhost.local", path="/t/region")


async def attempt_of(learner: Learner) -> str:
    (grade,) = await learner.shown()
    return str(grade.attempt_id)


async def test_a_learner_sees_that_the_score_arrived(
    learner: Learner, tool: httpx.AsyncClient
) -> None:
    await learner.finish_exam(7)
    await learner.deliver(rounds=2)
    address = f"/t/region/learn/grade?attempt={await attempt_of(learner)}"
    page = await tool.get(address, headers={**HTML, "accept-language": "en"})
    assert page.status_code == 200
    assert "Dans votre cours" in page.text
    assert "Digital skills" in page.text
    assert f"frame-ancestors {learner.lms.url}" in page.headers["content-security-policy"]


async def test_the_results_page_gets_the_part_alone_and_looks_again_while_a_score_is_on_its_way(
    learner: Learner, tool: httpx.AsyncClient
) -> None:
    learner.plan(["fail"])
    await learner.finish_exam(7)
    await learner.deliver(rounds=2)
    address = f"/t/region/learn/grade?attempt={await attempt_of(learner)}"
    htmx = {**HTML, "hx-request": "true"}
    part = (await tool.get(address, headers=htmx)).text
    assert "<html" not in part
    assert "looks=1" in part
    assert "sera renvoyé" in part
    await learner.deliver(rounds=1)
    part = (await tool.get(address + "&looks=1", headers=htmx)).text
    assert "Dans votre cours" in part
    assert "hx-get" not in part


async def test_just_after_the_exam_the_score_is_said_to_be_on_its_way(
    learner: Learner, tool: httpx.AsyncClient
) -> None:
    address = f"/t/region/learn/grade?attempt={learner.person_id}"
    assert "en route vers votre cours" in (await tool.get(address, headers=HTML)).text
    given_up = (await tool.get(address + "&looks=20", headers=HTML)).text
    assert "hx-get" not in given_up


async def test_a_learner_sends_a_score_again_that_was_given_up(
    learner: Learner, tool: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    tries = learner.work.settings.delivery_attempts
    learner.plan(["fail"] * tries)
    await learner.finish_exam(6)
    await learner.deliver(rounds=tries + 2)
    (grade,) = await learner.shown()
    page = await tool.get("/t/region/learn/grade", headers=HTML)
    assert f"/t/region/learn/grade/{grade.id}/again" in page.text
    again = await tool.post(
        f"/t/region/learn/grade/{grade.id}/again", headers=await csrf_headers(tool)
    )
    assert again.status_code == 303
    await learner.deliver(rounds=2)
    assert learner.in_book() == (6, 8, 1)


async def test_an_administrator_sees_connections_refusals_and_waiting_scores_and_sends_them_again(
    app: Litestar,
    learner: Learner,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
) -> None:
    learner.plan(["fail"])
    await learner.finish_exam(6)
    await learner.deliver(rounds=2)
    form = await begin(
        tool, lms.url, user=learner.user_id, link="ai-fluency-1", client=connected.client_id
    )
    spoiled = {**form.fields, "id_token": form.fields["id_token"][:-8] + "AAAAAAAA"}
    await tool.post(form.action, data=spoiled)
    await administer(app, tool, connected)
    page = await tool.get("/t/region/lms", headers=HTML)
    assert page.status_code == 200
    for text in (
        lms.url,
        "The signature of the launch does not hold",
        "HTTP 500",
        "Amina Bennani",
        "http://localhost:8000/t/region/lti/jwks.json",
    ):
        assert text in page.text
    (grade,) = await learner.shown()
    headers = await csrf_headers(tool)
    again = await tool.post(f"/t/region/lms/grades/{grade.id}/again", headers=headers)
    assert again.headers["location"] == "/t/region/lms#grades"
    await learner.deliver(rounds=2)
    assert learner.in_book() == (6, 8, 1)


async def test_all_that_was_given_up_can_be_sent_again_at_once(
    app: Litestar, learner: Learner, tool: httpx.AsyncClient, connected: Connected
) -> None:
    tries = learner.work.settings.delivery_attempts
    learner.plan(["fail"] * tries)
    await learner.finish_exam(5)
    await learner.deliver(rounds=tries + 2)
    await administer(app, tool, connected)
    await tool.post("/t/region/lms/grades/again", headers=await csrf_headers(tool))
    await learner.deliver(rounds=2)
    assert learner.in_book() == (5, 8, 1)


@pytest.mark.parametrize("path", ["/t/region/lms", "/t/retail/lms"])
async def test_a_learner_does_not_see_the_connections(
    learner: Learner, tool: httpx.AsyncClient, path: str
) -> None:
    reply = await tool.get(path, headers={"accept": "application/json"})
    assert reply.status_code in (401, 403)


async def test_nobody_sends_another_organisations_grade_again(
    app: Litestar, learner: Learner, tool: httpx.AsyncClient, also_connected: Connected
) -> None:
    learner.plan(["fail"])
    await learner.finish_exam(6)
    await learner.deliver(rounds=2)
    (grade,) = await learner.shown()
    sessions: Sessions = app.state.sessions
    actor = Actor(
        kind="person",
        display_name="Other",
        person_id=also_connected.people.recruiter_id,
        tenant_id=also_connected.tenant_id,
        tenant_slug="retail",
        permissions=frozenset({"tenant.admin"}),
        origin="keycloak",
    )
    token = (await sessions.open(actor)).split(";", 1)[0].split("=", 1)[1]
    tool.cookies.set(COOKIE, token, domain="localhost.local", path="/t/retail")
    reply = await tool.post(
        f"/t/retail/lms/grades/{grade.id}/again", headers=await csrf_headers(tool)
    )
    assert reply.status_code == 404
