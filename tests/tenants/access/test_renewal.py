"""A session's token is renewed as it is used; who comes with an old one ends the session."""

import re
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from infra.demo.sign_in import as_browser
from passerelle.kernel.actor import Actor
from passerelle.kernel.settings import Settings
from tenants.access.sessions import COOKIE, GRACE_S, Sessions
from tests.conftest import People, csrf_headers, sign_in, sign_in_person

Tenants = tuple[People, People]
JSON = {"accept": "application/json"}


class Holder:
    """Who holds a token and sends it as it is, like a thief or a second tab."""

    def __init__(self, client: httpx.AsyncClient, path: str, token: str) -> None:
        self._client, self._path, self.token = client, path, token

    async def ask(self) -> httpx.Response:
        self._client.cookies.clear()
        headers = {**JSON, "cookie": f"{COOKIE}={self.token}"}
        return await self._client.get(self._path, headers=headers)

    async def taking(self) -> bool:
        """Asks, and takes the new token, where there is one."""
        new = given(await self.ask())
        self.token = new or self.token
        return new is not None

    def again(self, token: str | None = None) -> "Holder":
        return Holder(self._client, self._path, token or self.token)


def given(answer: httpx.Response) -> str | None:
    """The new token in an answer."""
    assert answer.status_code == 200, answer.text
    found = cookies_of(answer)
    return found[0].split(";", 1)[0].split("=", 1)[1] if found else None


def cookies_of(answer: httpx.Response) -> list[str]:
    every = answer.headers.get_list("set-cookie")
    return [header for header in every if header.startswith(f"{COOKIE}=")]


@pytest.fixture
async def plain(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


@pytest.fixture
async def actor(app: Litestar, plain: httpx.AsyncClient, two_tenants: Tenants) -> Actor:
    found = await sign_in(plain, app, two_tenants[0], "learner")
    plain.cookies.clear()
    return found


@pytest.fixture
async def holder(app: Litestar, plain: httpx.AsyncClient, actor: Actor) -> Holder:
    sessions: Sessions = app.state.sessions
    token = (await sessions.open(actor)).split(";", 1)[0].split("=", 1)[1]
    return Holder(plain, f"/t/{actor.tenant_slug}/learn", token)


async def session_of(app: Litestar, holder: Holder) -> str:
    found = await app.state.sessions.find(holder.token)
    assert found is not None
    return str(found.session_id)


async def pass_time(valkey: Redis, session_id: str, seconds: int) -> None:
    """As if it had passed since the token was first used and a new one was offered."""
    for field in ("since", "offered"):
        await valkey.hincrby(f"session:{session_id}", field, -seconds)


def renewal_s(settings: Settings) -> int:
    return settings.session_renewal_minutes * 60


async def test_a_token_is_renewed_after_the_minutes_that_the_setting_names_and_not_before(
    app: Litestar, valkey: Redis, settings: Settings, holder: Holder
) -> None:
    session_id = await session_of(app, holder)
    assert not await holder.taking()
    await pass_time(valkey, session_id, renewal_s(settings) - 2)
    assert not await holder.taking()
    await pass_time(valkey, session_id, 2)
    old = holder.token
    assert await holder.taking()
    assert holder.token != old
    assert await session_of(app, holder) == session_id, "the session keeps its id"
    assert not await holder.taking(), "the new token has its own time"


async def test_the_new_cookie_has_the_old_ones_marks_and_no_more_time_than_the_session(
    app: Litestar, valkey: Redis, settings: Settings, holder: Holder
) -> None:
    await pass_time(valkey, await session_of(app, holder), renewal_s(settings))
    answer = await holder.ask()
    (header,) = cookies_of(answer)
    for part in ("Path=/t/", "HttpOnly", "Secure", "SameSite=None", "Partitioned"):
        assert part in header
    assert header.count("Partitioned") == 1
    left = re.search(r"Max-Age=(\d+)", header)
    assert left is not None
    assert 0 < int(left[1]) <= settings.session_absolute_minutes * 60


async def test_requests_under_way_with_the_old_token_are_served_and_get_no_third(
    app: Litestar, valkey: Redis, settings: Settings, holder: Holder
) -> None:
    await pass_time(valkey, await session_of(app, holder), renewal_s(settings))
    other_tab = holder.again()
    assert await holder.taking()
    assert not await other_tab.taking(), "one offer at a time"
    assert not await holder.taking()
    for _ in range(3):
        assert not await other_tab.taking()
    assert await session_of(app, holder)


async def test_an_old_token_that_comes_late_ends_the_session_for_both_and_is_on_record_once(
    app: Litestar,
    valkey: Redis,
    settings: Settings,
    superuser: asyncpg.Connection,
    actor: Actor,
    holder: Holder,
) -> None:
    thief, session_id = holder.again(), await session_of(app, holder)
    await pass_time(valkey, session_id, renewal_s(settings))
    assert await holder.taking()
    assert not await holder.taking()
    await pass_time(valkey, session_id, GRACE_S + 1)
    for who in (thief, thief, holder):
        assert (await who.ask()).status_code == 401
    rows = await superuser.fetch(
        "select * from tenant_event where tenant_id = $1 and name = 'session.stolen'"
        " and subject = $2::uuid",
        actor.tenant_id,
        session_id,
    )
    assert len(rows) == 1
    assert rows[0]["person_id"] == actor.person_id
    assert rows[0]["actor_kind"] == "system"


async def test_the_thief_who_takes_the_new_token_first_is_found_by_the_owners_next_step(
    app: Litestar, valkey: Redis, settings: Settings, holder: Holder
) -> None:
    thief, session_id = holder.again(), await session_of(app, holder)
    await pass_time(valkey, session_id, renewal_s(settings))
    assert await thief.taking()
    assert not await thief.taking()
    await pass_time(valkey, session_id, GRACE_S + 1)
    assert (await holder.ask()).status_code == 401
    assert (await thief.ask()).status_code == 401


async def test_a_new_token_that_was_lost_on_the_way_is_given_again_and_signs_nobody_out(
    app: Litestar, valkey: Redis, settings: Settings, holder: Holder
) -> None:
    session_id = await session_of(app, holder)
    await pass_time(valkey, session_id, renewal_s(settings))
    lost = given(await holder.ask())
    assert lost is not None
    await pass_time(valkey, session_id, GRACE_S + 1)
    assert await holder.taking()
    assert holder.token != lost
    assert not await holder.taking()
    # Of two tokens that took the place of one, only the first that is used lives on.
    await pass_time(valkey, session_id, GRACE_S + 1)
    assert (await holder.again(lost).ask()).status_code == 401
    assert (await holder.ask()).status_code == 401


async def test_a_persons_own_session_is_renewed_and_ends_alike(
    app: Litestar,
    valkey: Redis,
    settings: Settings,
    superuser: asyncpg.Connection,
    plain: httpx.AsyncClient,
    two_tenants: Tenants,
) -> None:
    person_id = two_tenants[0].learner_id
    await sign_in_person(plain, app, person_id)
    token = next(one.value for one in plain.cookies.jar if one.name == COOKIE)
    holder = Holder(plain, "/me/sessions", str(token))
    thief, session_id = holder.again(), await session_of(app, holder)
    await pass_time(valkey, session_id, renewal_s(settings))
    assert await holder.taking()
    assert not await holder.taking()
    await pass_time(valkey, session_id, GRACE_S + 1)
    assert (await thief.ask()).status_code == 401
    assert (await holder.ask()).status_code == 401
    found = await superuser.fetchval(
        "select count(*) from person_event where person_id = $1 and name = 'session.stolen'",
        person_id,
    )
    assert found == 1


async def test_what_anyone_may_ask_for_renews_nothing(
    app: Litestar, valkey: Redis, settings: Settings, plain: httpx.AsyncClient, holder: Holder
) -> None:
    await pass_time(valkey, await session_of(app, holder), renewal_s(settings))
    public = Holder(plain, "/health", holder.token)
    assert not await public.taking()
    assert await holder.taking()


async def test_an_answer_that_ends_the_session_carries_no_new_token(
    app: Litestar, valkey: Redis, settings: Settings, holder: Holder
) -> None:
    session_id = await session_of(app, holder)
    await pass_time(valkey, session_id, renewal_s(settings))
    found = await app.state.sessions.look(holder.token, renewing=True)
    assert found.renewed is not None
    assert found.renewed.startswith(f"{COOKIE}=")
    assert await app.state.sessions.close(session_id)
    new = found.renewed.split(";", 1)[0].split("=", 1)[1]
    assert await app.state.sessions.find(new) is None, "an offer is no session of its own"


async def test_a_browser_follows_the_renewal_by_itself(
    app: Litestar, valkey: Redis, settings: Settings, two_tenants: Tenants
) -> None:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        browser = as_browser(client)
        await sign_in(browser, app, two_tenants[0], "learner")
        await csrf_headers(browser)
        path = f"/t/{two_tenants[0].slug}/learn"
        for _ in range(3):
            token = next(one.value for one in browser.cookies.jar if one.name == COOKIE)
            session_id = (await app.state.sessions.find(token)).session_id
            await pass_time(valkey, session_id, renewal_s(settings))
            assert (await browser.get(path)).status_code == 200
            held = [one.value for one in browser.cookies.jar if one.name == COOKIE]
            assert len(held) == 1
            assert held[0] != token
