"""The list of sessions: whose they are, who may end them, and what is on record of it."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from msgspec.structs import replace
from redis.asyncio import Redis

from infra.demo.sign_in import as_browser
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tenants.access import sessions as session_store
from tenants.access.browsers import browser_of, user_agent
from tenants.access.living import living
from tenants.access.session_index import person_index
from tenants.access.sessions import COOKIE, Sessions, person_actor
from tests.conftest import csrf_headers
from tests.tenants.members.conftest import House, actor_of, enter, events, make_house
from tests.tenants.members.conftest import house as house

HTML = {"accept": "text/html"}
NOBODY = UUID("01980000-0000-7000-8000-000000000000")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
async def other_house(database: Database) -> House:
    return await make_house(database, f"other-{new_id().hex[-8:]}")


@pytest.fixture
async def desk(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser."""
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as opened:
        yield as_browser(opened)


async def enter_own(client: httpx.AsyncClient, app: Litestar, person_id: UUID) -> Actor:
    actor = person_actor(person_id, "Amina", "en", {})
    token = token_of(await app.state.sessions.open(actor))
    client.cookies.set(COOKIE, token, domain="localhost.local", path="/me")
    return actor


def token_of(header: str) -> str:
    return header.split(";", 1)[0].split("=", 1)[1]


def listed(page: httpx.Response) -> list[UUID]:
    """The sessions that a page offers to end."""
    assert page.status_code == 200, page.text
    return [UUID(one) for one in re.findall(r'/([0-9a-f-]{36})/end"', page.text)]


async def test_a_person_sees_all_their_sessions_and_nobody_elses(
    app: Litestar,
    client: httpx.AsyncClient,
    desk: httpx.AsyncClient,
    database: Database,
    valkey: Redis,
    house: House,
) -> None:
    amina, sessions = house.people["amina"], app.state.sessions
    user_agent.set(FIREFOX)
    await enter(desk, app, database, house, "amina")
    user_agent.set(SAFARI)
    await enter_own(client, app, amina)
    await sessions.open(await actor_of(database, house, "bilal"))
    user_agent.set("")
    page = await client.get("/me/sessions", headers=HTML)
    mine = {one.id for one in await living(valkey, sessions, amina)}
    assert len(mine) == 2
    assert set(listed(page)) < mine, "the one that looks is signed out, not ended"
    for words in ("Regional administration", "Your own space", "This one", "Firefox on Windows"):
        assert words in page.text
    assert "Safari on iOS" in page.text
    assert "Last used" in page.text
    security = await client.get("/me/security", headers=HTML)
    assert 'href="/me/sessions"' in security.text


async def test_one_session_is_ended_at_once_and_the_end_is_on_the_persons_record(
    app: Litestar,
    client: httpx.AsyncClient,
    desk: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    amina = house.people["amina"]
    await enter(desk, app, database, house, "amina")
    await enter_own(client, app, amina)
    learn = f"/t/{house.slug}/learn"
    assert (await desk.get(learn, headers=HTML)).status_code == 200
    (theirs,) = listed(await client.get("/me/sessions", headers=HTML))
    headers = await csrf_headers(client)
    ended = await client.post(f"/me/sessions/{theirs}/end", headers=headers)
    assert ended.headers["location"] == "/me/sessions?done=one"
    refused = await desk.get(learn, headers={"accept": "application/json"})
    assert refused.status_code == 401, "the very next request"
    assert (await client.get("/me/sessions", headers=HTML)).status_code == 200
    row = await superuser.fetchrow(
        "select * from person_event where person_id = $1 and name = 'session.ended'", amina
    )
    assert row["subject"] == theirs
    assert row["tenant_id"] == house.tenant_id
    assert row["actor_person_id"] == amina
    again = await client.post(f"/me/sessions/{theirs}/end", headers=headers)
    assert again.headers["location"] == "/me/sessions?done=gone"


async def test_ending_all_others_leaves_the_one_that_asks(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    valkey: Redis,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    amina, sessions = house.people["amina"], app.state.sessions
    for _ in range(3):
        await sessions.open(await actor_of(database, house, "amina"))
    bilal = token_of(await sessions.open(await actor_of(database, house, "bilal")))
    await enter_own(client, app, amina)
    await client.post("/me/sessions/end-others", headers=await csrf_headers(client))
    left = await living(valkey, sessions, amina)
    assert [one.actor.tenant_id for one in left] == [None]
    assert (await client.get("/me/sessions", headers=HTML)).status_code == 200
    assert await sessions.find(bilal) is not None
    counted = await superuser.fetchval(
        "select count(*) from person_event where person_id = $1 and name = 'session.ended'", amina
    )
    assert counted == 3


async def test_nobody_ends_a_session_of_another_person(
    app: Litestar, client: httpx.AsyncClient, database: Database, valkey: Redis, house: House
) -> None:
    sessions: Sessions = app.state.sessions
    token = token_of(await sessions.open(await actor_of(database, house, "bilal")))
    bilal = await sessions.find(token)
    assert bilal is not None
    assert bilal.session_id is not None
    await enter_own(client, app, house.people["amina"])
    headers = await csrf_headers(client)
    path = f"/me/sessions/{UUID(bilal.session_id)}/end"
    answer = await client.post(path, headers=headers)
    nobodys = await client.post(f"/me/sessions/{NOBODY}/end", headers=headers)
    assert answer.headers["location"] == nobodys.headers["location"] == "/me/sessions?done=gone"
    assert await sessions.find(token) is not None


async def test_an_administrator_sees_and_ends_a_members_sessions_of_this_organisation_only(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    valkey: Redis,
    superuser: asyncpg.Connection,
    house: House,
    other_house: House,
) -> None:
    amina, sessions = house.people["amina"], app.state.sessions
    here = token_of(await sessions.open(await actor_of(database, house, "amina")))
    elsewhere = replace(
        await actor_of(database, house, "amina"),
        tenant_id=other_house.tenant_id,
        tenant_slug=other_house.slug,
    )
    there = token_of(await sessions.open(elsewhere))
    own = token_of(await sessions.open(person_actor(amina, "Amina", "en", {})))
    await enter(client, app, database, house, "admin")
    base = f"/t/{house.slug}/members/{amina}/sessions"
    assert f'href="{base}"' in (await client.get(f"/t/{house.slug}/members/{amina}")).text
    page = await client.get(base, headers=HTML)
    (shown,) = listed(page)
    assert other_house.slug not in page.text
    assert "Your own space" not in page.text
    every = {one.actor.tenant_id: one.id for one in await living(valkey, sessions, amina)}
    headers = await csrf_headers(client)
    for tenant_id in (other_house.tenant_id, None):
        tried = await client.post(f"{base}/{every[tenant_id]}/end", headers=headers)
        assert tried.headers["location"].endswith("?done=gone")
    assert (await client.post(f"{base}/{shown}/end", headers=headers)).status_code == 303
    assert await sessions.find(here) is None
    assert await sessions.find(there) is not None
    assert await sessions.find(own) is not None
    assert "No session is open" in (await client.get(base, headers=HTML)).text
    (event,) = await events(superuser, house, "session.ended")
    assert (event["subject"], event["person_id"]) == (shown, amina)
    assert event["actor_person_id"] == house.people["admin"]
    assert await events(superuser, other_house, "session.ended") == []
    shown_there = await client.get(f"/t/{house.slug}/members/{amina}", headers=HTML)
    assert "A session was ended" in shown_there.text


async def test_an_administrator_ends_all_of_a_members_sessions_but_keeps_the_one_that_asks(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    valkey: Redis,
    house: House,
) -> None:
    sessions: Sessions = app.state.sessions
    for who in ("amina", "amina", "admin", "admin"):
        await sessions.open(await actor_of(database, house, who))
    await enter(client, app, database, house, "admin")
    headers = await csrf_headers(client)
    for who, left, done in (("amina", 0, "all"), ("admin", 1, "others")):
        path = f"/t/{house.slug}/members/{house.people[who]}/sessions/end"
        answer = await client.post(path, headers=headers)
        assert answer.headers["location"].endswith(f"?done={done}")
        found = await living(valkey, sessions, house.people[who], house.tenant_id)
        assert len(found) == left


async def test_a_units_manager_reaches_the_sessions_of_their_unit_and_no_others(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    sessions: Sessions = app.state.sessions
    token = token_of(await sessions.open(await actor_of(database, house, "bilal")))
    await enter(client, app, database, house, "manager")
    headers = await csrf_headers(client)
    base = f"/t/{house.slug}/members"
    assert (await client.get(f"{base}/{house.people['amina']}/sessions")).status_code == 200
    bilal = f"{base}/{house.people['bilal']}/sessions"
    assert (await client.get(bilal)).status_code == 404
    assert (await client.post(f"{bilal}/end", headers=headers)).status_code == 404
    assert (await client.post(f"{bilal}/{NOBODY}/end", headers=headers)).status_code == 404
    assert await sessions.find(token) is not None


async def test_whoever_may_only_read_members_sees_no_sessions(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "trainer")
    base = f"/t/{house.slug}/members/{house.people['amina']}"
    assert (await client.get(f"{base}/sessions")).status_code == 403
    assert "/sessions" not in (await client.get(base, headers=HTML)).text


async def test_sessions_that_are_gone_are_forgotten_on_the_way(
    app: Litestar, database: Database, valkey: Redis, house: House
) -> None:
    amina, sessions = house.people["amina"], app.state.sessions
    kept = token_of(await sessions.open(await actor_of(database, house, "amina")))
    await sessions.open(await actor_of(database, house, "amina"))
    own = (await sessions.find(kept)).session_id
    (gone,) = (one.id for one in await living(valkey, sessions, amina) if one.id.hex != own)
    await sessions.close(gone.hex)
    assert await valkey.zcard(person_index(amina)) == 2
    assert len(await living(valkey, sessions, amina)) == 1
    assert await valkey.zcard(person_index(amina)) == 1


async def test_one_session_too_many_ends_the_oldest(
    app: Litestar,
    database: Database,
    valkey: Redis,
    house: House,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_store, "SESSIONS_OF_A_PERSON", 3)
    actor, sessions = await actor_of(database, house, "amina"), app.state.sessions
    tokens = [token_of(await sessions.open(actor)) for _ in range(3)]
    ended = await sessions.find(tokens[1])
    await sessions.close(ended.session_id)
    tokens += [token_of(await sessions.open(actor))]
    lives = [await sessions.find(token) is not None for token in tokens]
    assert lives == [True, False, True, True], "one that was over made room"
    tokens += [token_of(await sessions.open(actor))]
    lives = [await sessions.find(token) is not None for token in tokens]
    assert lives == [False, False, True, True, True]
    assert await valkey.zcard(person_index(house.people["amina"])) == 3


async def test_a_session_of_before_an_upgrade_keeps_no_organisation_from_being_closed(
    app: Litestar, settings: Settings, database: Database, valkey: Redis, house: House
) -> None:
    await valkey.set(f"session:{'a' * 64}", house.tenant.id.hex + "{}", ex=60)
    token = token_of(await app.state.sessions.open(await actor_of(database, house, "amina")))
    assert await app.state.sessions.close_of_tenant(house.tenant.id) >= 1
    assert await app.state.sessions.find(token) is None


async def test_the_list_says_when_a_session_was_last_used(
    app: Litestar, settings: Settings, database: Database, valkey: Redis, house: House
) -> None:
    amina, sessions = house.people["amina"], app.state.sessions
    token = token_of(await sessions.open(await actor_of(database, house, "amina")))
    (found,) = await living(valkey, sessions, amina)
    unused_s = 600
    name = f"session:{found.id.hex}"
    earlier = replace(found.shown, began_at=found.shown.began_at - 900)
    await valkey.hset(name, "shown", msgspec.json.encode(earlier))
    await valkey.expire(name, settings.session_idle_minutes * 60 - unused_s)
    (found,) = await living(valkey, sessions, amina)
    assert 895 - unused_s <= (found.last_at - found.began_at).total_seconds() <= 905 - unused_s
    await sessions.find(token)
    (found,) = await living(valkey, sessions, amina)
    assert 895 <= (found.last_at - found.began_at).total_seconds() <= 920


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iOS"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Linux"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605.1", "Safari on macOS"),
        ("curl/8.0", "A browser we do not know"),
        ("x" * 100_000 + "Firefox/1", "A browser we do not know"),
        ("", "A browser we do not know"),
    ],
)
def test_a_browser_is_named_by_its_family_and_system(header: str, words: str) -> None:
    assert browser_of(header).words == words
