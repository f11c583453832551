"""Ending a sign-in: here, at Keycloak, and by Keycloak's notice, which can't be forged."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode

import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from infra.demo import sign_in as driver
from infra.realm import values_of
from infra.realm.reconcile import Operator, reconcile
from infra.servers.keycloak import KeycloakServer
from integrations.keycloak import login
from integrations.keycloak.administration import Administration
from passerelle.kernel.settings import Settings
from tenants.access.sessions import COOKIE, Sessions
from tests.conftest import eventually
from tests.integrations import forgery
from tests.integrations.conftest import House
from tests.integrations.visits import session_of, to_the_callback

Browsers = Callable[[], httpx.AsyncClient]
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def signed_in(client: httpx.AsyncClient, house: House, who: str, *, own: bool = False) -> str:
    """Signs in to the retailer, or to the person's own space; returns the session's token."""
    slug = house.retail[1]
    start = "/auth/start" if own else f"/auth/start?{urlencode({'tenant': slug})}"
    callback = await to_the_callback(client, start, house.emails[who])
    assert (await client.get(callback, follow_redirects=False)).status_code == 303
    token = session_of(client, "/me" if own else f"/t/{slug}")
    assert token
    return token


async def silent_start(client: httpx.AsyncClient, slug: str) -> httpx.Response:
    """The way to Keycloak and, if it still knows the person, straight back."""
    return await client.get(f"/auth/start?{urlencode({'tenant': slug})}")


async def test_signing_out_ends_the_session_here_and_the_sign_in_at_keycloak(
    person_browser: Browsers, house: House, served: Litestar
) -> None:
    client, slug = person_browser(), house.retail[1]
    sessions: Sessions = served.state.sessions
    token = await signed_in(client, house, "recruiter")
    own = await signed_in_again(client)
    page = await client.post(
        f"/t/{slug}/sign-out", data={"_csrf_token": client.cookies["passerelle_csrf"]}
    )
    assert page.url.path == "/auth/signed-out"
    assert driver.link_to(page, f"/t/{slug}/sign-in")
    assert session_of(client, f"/t/{slug}") is None
    assert await sessions.find(token) is None
    # The person's own space was opened by the same sign-in, and ends with it.
    assert await sessions.find(own) is None
    asked = await silent_start(client, slug)
    assert driver.form_of(asked) is not None


async def signed_in_again(client: httpx.AsyncClient) -> str:
    """Keycloak knows the browser: the person's own space opens without a form."""
    page = await client.get("/auth/start", follow_redirects=False)
    page = await client.get(page.headers["location"], follow_redirects=False)
    assert (await client.get(page.headers["location"], follow_redirects=False)).status_code == 303
    token = session_of(client, "/me")
    assert token
    return token


async def test_nobody_is_signed_out_by_a_strangers_form(
    person_browser: Browsers, house: House, served: Litestar
) -> None:
    client, slug = person_browser(), house.retail[1]
    token = await signed_in(client, house, "recruiter")
    assert (await client.post(f"/t/{slug}/sign-out")).status_code == 403
    assert (await client.get(f"/t/{slug}/sign-out")).status_code in (404, 405)
    assert await served.state.sessions.find(token) is not None


async def test_a_sign_out_without_a_session_leads_to_the_sign_in(
    person_browser: Browsers, house: House
) -> None:
    client, slug = person_browser(), house.retail[1]
    await client.get(f"/t/{slug}/sign-in")
    csrf = {"_csrf_token": client.cookies["passerelle_csrf"]}
    page = await client.post(f"/t/{slug}/sign-out", data=csrf, follow_redirects=False)
    assert page.headers["location"] == f"/t/{slug}/sign-in"
    page = await client.post("/t/x%2F%2Fevil.example/sign-out", data=csrf, follow_redirects=False)
    assert "evil" not in page.headers.get("location", "")


@pytest.mark.parametrize("state", ["", "t.", "me", "https://evil.example", "again.//evil", "t.X"])
async def test_the_page_after_the_sign_out_leads_nowhere_else(
    person_browser: Browsers, state: str
) -> None:
    page = await person_browser().get(f"/auth/signed-out?{urlencode({'state': state})}")
    assert page.status_code == 200
    assert "evil" not in page.text.split("<main")[1].split("</main")[0]


async def test_when_keycloak_ends_a_sign_in_its_sessions_end_here(
    person_browser: Browsers, house: House, served: Litestar, administration: Administration
) -> None:
    client, other = person_browser(), person_browser()
    sessions: Sessions = served.state.sessions
    tokens = [await signed_in(client, house, "recruiter"), await signed_in_again(client)]
    bystander = await signed_in(other, house, "stranger", own=True)
    await administration.end_sessions(house.subjects["recruiter"])

    async def all_ended() -> bool:
        return not any([await sessions.find(token) for token in tokens])

    await eventually(all_ended, seconds=10)
    assert await sessions.find(bystander) is not None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"logout_token": ""},
        {"logout_token": "a.b.c"},
        {"logout_token": "x" * 100_000},
        {"logout_token": forgery.sign(forgery.logout_claims())},
        {"logout_token": forgery.unsigned(forgery.logout_claims())},
    ],
)
async def test_a_forged_notice_ends_nothing(
    person_browser: Browsers,
    house: House,
    served: Litestar,
    content: dict[str, str],
) -> None:
    client = person_browser()
    token = await signed_in(client, house, "recruiter")
    answer = await person_browser().post("/auth/backchannel-logout", data=content)
    assert answer.status_code == 400
    assert await served.state.sessions.find(token) is not None


async def test_a_sign_in_that_ended_meanwhile_opens_no_session(
    person_browser: Browsers, house: House, served: Litestar, valkey: Redis
) -> None:
    client, slug = person_browser(), house.retail[1]
    token = await signed_in(client, house, "recruiter")
    sessions: Sessions = served.state.sessions
    actor = await sessions.find(token)
    assert actor is not None
    await login.end_sign_in(sessions, valkey, actor.attributes["sid"])
    assert await sessions.find(token) is None
    # Keycloak, which was not asked here, still gives tokens of that same sign-in.
    late = await silent_start(client, slug)
    assert late.status_code == 400
    held = session_of(client, f"/t/{slug}")
    assert held is None or await sessions.find(held) is None


async def test_the_cookie_is_gone_after_the_sign_out(
    person_browser: Browsers, house: House
) -> None:
    client, slug = person_browser(), house.retail[1]
    await signed_in(client, house, "recruiter")
    page = await client.post(
        f"/t/{slug}/sign-out",
        data={"_csrf_token": client.cookies["passerelle_csrf"]},
        follow_redirects=False,
    )
    cleared = next(c for c in page.headers.get_list("set-cookie") if c.startswith(COOKIE))
    assert "Max-Age=0" in cleared
    assert f"Path=/t/{slug}" in cleared


async def test_a_notice_counts_once(
    person_browser: Browsers,
    house: House,
    served: Litestar,
    administration: Administration,
    keycloak: KeycloakServer,
    web_settings: Settings,
) -> None:
    """Keycloak's own notice, caught on its way, then played to us twice."""
    operator = Operator(keycloak.admin_client_id, keycloak.admin_client_secret)
    async with catching() as (address, caught):
        aside = msgspec.structs.replace(web_settings, public_url=address)
        client = person_browser()
        token = await signed_in(client, house, "recruiter")
        actor = await served.state.sessions.find(token)
        await reconcile(keycloak.url, operator, values_of(aside))
        try:
            await administration.end_sessions(house.subjects["recruiter"])
            async with asyncio.timeout(15):
                while sid_of(notice := await caught.get()) != actor.attributes["sid"]:
                    pass  # of another browser's sign-in, in an earlier test
        finally:
            await reconcile(keycloak.url, operator, values_of(web_settings))
    sessions: Sessions = served.state.sessions
    assert await sessions.find(token) is not None
    stranger = person_browser()
    first = await stranger.post("/auth/backchannel-logout", content=notice, headers=FORM)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-store"
    assert await sessions.find(token) is None
    again = await stranger.post("/auth/backchannel-logout", content=notice, headers=FORM)
    assert again.status_code == 400
    form = parse_qs(notice.decode())
    head, body, signature = form["logout_token"][0].split(".")
    for tampered in (f"{head}.{body}.{signature[::-1]}", f"{head}.{body[:-4]}AAAA.{signature}"):
        answer = await stranger.post("/auth/backchannel-logout", data={"logout_token": tampered})
        assert answer.status_code == 400


def sid_of(notice: bytes) -> str:
    """Whose sign-in a notice is about, by its claims, unverified."""
    claims = parse_qs(notice.decode())["logout_token"][0].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"])


@asynccontextmanager
async def catching() -> AsyncIterator[tuple[str, asyncio.Queue[bytes]]]:
    """A server that takes any POST and keeps its body."""
    caught: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        caught.put_nowait(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield f"http://localhost:{server.sockets[0].getsockname()[1]}", caught
    server.close()
