"""Launches through an independent LMS into the real application, and the ways they must not go."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from infra.demo.lms.book import Link, User
from infra.demo.lms.server import LmsServer
from infra.demo.lms_browser import LaunchFailed, begin, finish, launch
from infra.servers.process import free_port
from lms.launch import spend_nonce
from passerelle.kernel.errors import Unavailable
from passerelle.kernel.settings import Settings
from tenants.access.sessions import COOKIE, Sessions
from tests.lms.connected import Connected, another_browser
from tests.lms.tokens import login_state

LINK = "ai-fluency-1"
HTML = {"accept": "text/html"}


def _query(connected: Connected, user: User, link: str = LINK) -> dict[str, str]:
    return {"user": user.id, "link": link, "client": connected.client_id}


async def _actor(app: Litestar, tool: httpx.AsyncClient) -> Any:
    sessions: Sessions = app.state.sessions
    token = next(cookie.value for cookie in tool.cookies.jar if cookie.name == COOKIE)
    actor = await sessions.find(str(token))
    assert actor is not None
    return actor


async def test_a_launch_opens_the_linked_level_in_the_learners_language(
    app: Litestar,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    user: User,
) -> None:
    address = await launch(tool, lms.url, **_query(connected, user))
    assert address == "/t/region/learn?path=ai-fluency"
    actor = await _actor(app, tool)
    assert (actor.origin, actor.locale, actor.display_name) == ("lti", "fr", "Amina Bennani")
    assert actor.permissions == {"learn"}
    assert actor.tenant_id == connected.tenant_id
    assert actor.attributes["registration_id"] == str(connected.registration_id)
    assert actor.attributes["deployment_id"] == connected.deployment_id
    assert actor.attributes["context_id"] == "digital-skills"
    assert actor.attributes["resource_link_id"] == LINK
    assert actor.attributes["line_item_url"].startswith(f"{lms.url}/lineitems/{LINK}/lineitem?")
    assert actor.attributes["return_url"] == f"{lms.url}/course/digital-skills"
    assert actor.attributes["launch_locale"] == "fr-MA"
    assert actor.attributes["frame_origin"] == lms.url


async def test_cookies_stay_in_the_frame_they_were_given_in(
    tool: httpx.AsyncClient, lms: LmsServer, connected: Connected, user: User
) -> None:
    initiated = await tool.get(f"{lms.url}/initiate", params=_query(connected, user))
    login = await tool.get(initiated.headers["location"])
    form = await begin(tool, lms.url, **_query(connected, user))
    launched = await tool.post(form.action, data=form.fields)
    for cookie in (login.headers["set-cookie"], launched.headers["set-cookie"]):
        for attribute in ("HttpOnly", "Secure", "SameSite=None", "Partitioned"):
            assert attribute in cookie
    assert launched.status_code == 303


async def test_the_same_user_is_the_same_person_again(
    app: Litestar,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    user: User,
    superuser: asyncpg.Connection,
) -> None:
    await launch(tool, lms.url, **_query(connected, user))
    first = await _actor(app, tool)
    await launch(tool, lms.url, **_query(connected, user))
    assert (await _actor(app, tool)).person_id == first.person_id
    assert (
        await superuser.fetchval("select count(*) from lti_user where subject = $1", user.id) == 1
    )


async def test_two_launches_of_a_new_user_at_once_make_one_person(
    app: Litestar,
    settings: Settings,
    lms: LmsServer,
    connected: Connected,
    superuser: asyncpg.Connection,
) -> None:
    user = User(id="at-once", name="Twice At Once")
    lms.add_user(user)
    browsers = [another_browser(app, settings) for _ in range(6)]
    forms = [await begin(one, lms.url, **_query(connected, user)) for one in browsers]
    await asyncio.gather(*(finish(*pair) for pair in zip(browsers, forms, strict=True)))
    assert (
        await superuser.fetchval("select count(*) from person where display_name = $1", user.name)
        == 1
    )


async def test_the_same_subject_of_another_organisation_is_someone_else(
    app: Litestar,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    also_connected: Connected,
    user: User,
) -> None:
    await launch(tool, lms.url, **_query(connected, user))
    one = await _actor(app, tool)
    tool.cookies.delete(COOKIE, domain="localhost.local", path="/t/region")
    assert (
        await launch(tool, lms.url, **_query(also_connected, user))
        == "/t/retail/learn?path=ai-fluency"
    )
    other = await _actor(app, tool)
    assert other.tenant_id == also_connected.tenant_id
    assert other.person_id != one.person_id


@pytest.mark.parametrize(
    ("locale", "name"), [("en", "Learner"), ("fr", "Apprenant"), ("ar", "متعلّم"), (None, "Learner")]
)
async def test_a_user_without_any_personal_data_comes_in(
    app: Litestar,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    locale: str | None,
    name: str,
) -> None:
    nameless = User(id=f"nameless-{locale}", locale=locale, roles=[])
    lms.add_user(nameless)
    await launch(tool, lms.url, **_query(connected, nameless))
    assert (await _actor(app, tool)).display_name.startswith(name)


async def test_a_name_once_given_is_not_lost_when_the_lms_withholds_it_later(
    app: Litestar,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    user: User,
) -> None:
    await launch(tool, lms.url, **_query(connected, user))
    lms.add_user(User(id=user.id))
    await launch(tool, lms.url, **_query(connected, user))
    assert (await _actor(app, tool)).display_name == "Amina Bennani"


async def test_a_launch_from_a_teacher_brings_in_a_learner_and_no_administrator(
    app: Litestar,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
) -> None:
    roles = ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"]
    lms.add_user(User(id="teacher", name="T", roles=roles))
    await launch(tool, lms.url, user="teacher", link=LINK, client=connected.client_id)
    assert (await _actor(app, tool)).permissions == {"learn"}


async def test_a_link_that_names_no_achievement_opens_what_there_is_to_learn(
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    user: User,
) -> None:
    lms.add_link(Link(id="plain", title="Passerelle", context_id="c", context_title="C"))
    assert await launch(tool, lms.url, **_query(connected, user, "plain")) == "/t/region/learn"


async def test_a_suspended_member_does_not_come_in_through_the_lms(
    app: Litestar,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    user: User,
    superuser: asyncpg.Connection,
) -> None:
    await launch(tool, lms.url, **_query(connected, user))
    person_id = (await _actor(app, tool)).person_id
    await superuser.execute(
        "update member set status = 'suspended' where person_id = $1", person_id
    )
    tool.cookies.clear()
    with pytest.raises(LaunchFailed, match="suspen"):
        await launch(tool, lms.url, **_query(connected, user))
    assert not any(cookie.name == COOKIE for cookie in tool.cookies.jar)
    refused = await superuser.fetchrow(
        "select payload, source_address from tenant_event"
        " where name = 'sign_in.refused' and person_id = $1",
        person_id,
    )
    assert "member-suspended" in refused["payload"]
    assert refused["source_address"]


async def test_a_launch_works_once(
    tool: httpx.AsyncClient, lms: LmsServer, connected: Connected, user: User
) -> None:
    form = await begin(tool, lms.url, **_query(connected, user))
    await finish(tool, form)
    again = await tool.post(form.action, data=form.fields, headers={"accept": "application/json"})
    assert (again.status_code, again.json()["type"]) == (403, "/problems/nonce-used")


async def test_of_a_launch_sent_many_times_at_once_one_comes_in(
    tool: httpx.AsyncClient, lms: LmsServer, connected: Connected, user: User
) -> None:
    form = await begin(tool, lms.url, **_query(connected, user))
    replies = await asyncio.gather(*(tool.post(form.action, data=form.fields) for _ in range(10)))
    assert sorted(reply.status_code for reply in replies) == [303] + [403] * 9


async def test_a_token_taken_to_another_browser_is_refused(
    app: Litestar,
    settings: Settings,
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    user: User,
) -> None:
    form = await begin(tool, lms.url, **_query(connected, user))
    other = another_browser(app, settings)
    json = {"accept": "application/json"}
    bare = await other.post(form.action, data=form.fields, headers=json)
    assert bare.json()["type"] == "/problems/cookie-missing"
    await begin(other, lms.url, **_query(connected, user))
    reply = await other.post(form.action, data=form.fields, headers=json)
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/other-browser")
    # It is still good where it belongs.
    await finish(tool, form)


async def test_a_token_does_not_answer_another_login_of_the_same_browser(
    tool: httpx.AsyncClient, lms: LmsServer, connected: Connected, user: User
) -> None:
    one = await begin(tool, lms.url, **_query(connected, user))
    other = await begin(tool, lms.url, **_query(connected, user))
    mixed = {"id_token": one.fields["id_token"], "state": other.fields["state"]}
    reply = await tool.post(one.action, data=mixed, headers={"accept": "application/json"})
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/nonce-foreign")
    # Two activities opened at once in one browser don't shut each other out.
    await finish(tool, one)
    await finish(tool, other)


async def test_a_token_of_one_organisations_registration_does_not_serve_another(
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    also_connected: Connected,
    user: User,
) -> None:
    ours = await begin(tool, lms.url, **_query(connected, user))
    theirs = await begin(tool, lms.url, **_query(also_connected, user))
    mixed = {"id_token": ours.fields["id_token"], "state": theirs.fields["state"]}
    reply = await tool.post(ours.action, data=mixed, headers={"accept": "application/json"})
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/audience-foreign")


async def test_a_refused_launch_leaves_nothing_but_its_reason(
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    superuser: asyncpg.Connection,
    valkey: Redis,
) -> None:
    stranger = User(id="never-comes-in", name="Never Comes In")
    lms.add_user(stranger)
    form = await begin(tool, lms.url, **_query(connected, stranger))
    head, body, signature = form.fields["id_token"].split(".")
    keys_before = set(await valkey.keys("*"))
    spoiled = {**form.fields, "id_token": f"{head}.{body}.{signature[::-1]}"}
    for _ in range(3):
        reply = await tool.post(form.action, data=spoiled, headers=HTML)
        assert reply.status_code == 403
    assert set(await valkey.keys("*")) == keys_before
    for table, column in (("person", "display_name"), ("member", "display_name")):
        sql = f"select count(*) from {table} where {column} = $1"
        assert await superuser.fetchval(sql, stranger.name) == 0
    assert (
        await superuser.fetchval("select count(*) from lti_user where subject = $1", stranger.id)
        == 0
    )
    times = await superuser.fetchval(
        "select times from lti_refusal where registration_id = $1 and reason = 'signature-broken'",
        connected.registration_id,
    )
    assert times == 3
    # The nonce was not spent: the true token still comes in.
    await finish(tool, form)


async def test_a_refusal_is_a_page_that_the_lms_may_frame_and_its_administrator_can_act_on(
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    user: User,
) -> None:
    form = await begin(tool, lms.url, **_query(connected, user))
    headers = {**HTML, "origin": lms.url, "accept-language": "fr"}
    await tool.post(form.action, data=form.fields, headers=headers)
    page = await tool.post(form.action, data=form.fields, headers=headers)
    assert f"frame-ancestors {lms.url}" in page.headers["content-security-policy"]
    assert "déjà" in page.text
    assert COOKIE not in page.headers.get("set-cookie", "")


async def test_a_link_to_a_path_that_does_not_exist_is_refused_with_a_page(
    tool: httpx.AsyncClient, lms: LmsServer, connected: Connected, user: User
) -> None:
    lms.add_link(
        Link(
            id="lost",
            title="Lost",
            context_id="c",
            context_title="C",
            custom={"achievement": "no-such-level"},
        )
    )
    with pytest.raises(LaunchFailed, match="404"):
        await launch(tool, lms.url, **_query(connected, user, "lost"))


async def test_where_nobody_can_tell_whether_a_launch_was_used_nobody_comes_in() -> None:
    away = Redis(host="127.0.0.1", port=free_port(), retry=Retry(NoBackoff(), 0))
    with pytest.raises(Unavailable):
        await spend_nonce(away, login_state())
    await away.aclose()
