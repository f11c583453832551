"""Ending a sign-in: here, at Keycloak, and by Keycloak's notice, which can't be forged."""

from collections.abc import Callable
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from infra.demo import sign_in as driver
from integrations.keycloak import login
from integrations.keycloak.administration import Administration
from tenants.access.sessions import COOKIE, Sessions
from tests.conftest import eventually
from tests.integrations import forgery
from tests.integrations.conftest import House
from tests.integrations.test_sign_in import session_of, to_the_callback

Browsers = Callable[[], httpx.AsyncClient]


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
