"""Attacks on the way to Keycloak and back: replay, theft, tampering, guessing."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from redis.asyncio import Redis

from infra.demo.sign_in import SignInFailed, sign_in
from integrations.keycloak import flow
from integrations.keycloak.administration import Administration, NewAccount
from passerelle.kernel.identifiers import new_id
from tenants.access.sessions import COOKIE
from tests.integrations.conftest import PASSWORD, House
from tests.integrations.visits import Browsers, session_of, to_the_callback


async def test_a_return_counts_once_and_in_the_browser_that_left(
    person_browser: Browsers, house: House
) -> None:
    slug, email = house.retail[1], house.emails["recruiter"]
    client, thief = person_browser(), person_browser()
    callback = await to_the_callback(client, f"/auth/start?{urlencode({'tenant': slug})}", email)
    # Another browser, without the cookie and with one of its own.
    assert (await thief.get(callback)).status_code == 400
    await thief.get("/auth/start", follow_redirects=False)
    assert (await thief.get(callback)).status_code == 400
    assert session_of(thief, f"/t/{slug}") is None
    # The theft spoiled nothing; the second use does.
    assert (await client.get(callback, follow_redirects=False)).status_code == 303
    replayed = await client.get(callback, follow_redirects=False)
    assert replayed.status_code == 400
    assert "set-cookie" not in replayed.headers or COOKIE not in replayed.headers["set-cookie"]


def changed(address: str, **changes: str | None) -> str:
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    kept = {name: value for name, value in (query | changes).items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "https://evil.example/realms/passerelle"},
        {"state": None},
        {"state": "x" * 43},
        {"code": None},
        {"code": "a.b.c"},
        {"code": "x" * 5000},
        {"error": "access_denied"},
        {"error": "invalid_scope"},
    ],
)
async def test_a_return_that_was_tampered_with_signs_no_one_in(
    person_browser: Browsers, house: House, changes: dict[str, str | None]
) -> None:
    client, slug = person_browser(), house.retail[1]
    start = f"/auth/start?{urlencode({'tenant': slug})}"
    callback = await to_the_callback(client, start, house.emails["recruiter"])
    page = await client.get(changed(callback, **changes), headers={"accept": "text/html"})
    assert page.status_code == 400
    assert session_of(client, f"/t/{slug}") is None


async def test_the_code_of_one_sign_in_is_worthless_in_another(
    person_browser: Browsers, house: House
) -> None:
    slug = house.retail[1]
    start = f"/auth/start?{urlencode({'tenant': slug})}"
    victim, attacker = person_browser(), person_browser()
    stolen = await to_the_callback(victim, start, house.emails["recruiter"])
    own = await to_the_callback(attacker, start, house.emails["stranger"])
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    # The code is bound to the victim's verifier (PKCE): the attacker's does not open it.
    page = await attacker.get(changed(own, code=code))
    assert page.status_code == 400
    assert session_of(attacker, f"/t/{slug}") is None


async def test_a_token_that_answers_another_nonce_is_refused(
    person_browser: Browsers, house: House, valkey: Redis
) -> None:
    client, slug = person_browser(), house.retail[1]
    start = f"/auth/start?{urlencode({'tenant': slug})}"
    callback = await to_the_callback(client, start, house.emails["recruiter"])
    state = parse_qs(urlsplit(callback).query)["state"][0]
    browser = next(c.value for c in client.cookies.jar if c.name == flow.COOKIE)
    key = flow._key("sign-in", state, browser or "")
    record = await valkey.get(key)
    assert isinstance(record, bytes)
    nonce = b'"nonce":"'
    at = record.index(nonce) + len(nonce)
    await valkey.set(key, record[:at] + b"x" * 43 + record[at + 43 :], ex=60)
    page = await client.get(callback)
    assert page.status_code == 400
    assert "could not be verified" in page.text


async def test_a_session_planted_before_the_sign_in_is_not_the_one_after_it(
    person_browser: Browsers, house: House
) -> None:
    client, slug = person_browser(), house.retail[1]
    client.cookies.set(COOKIE, "p" * 43, domain="localhost.local", path=f"/t/{slug}")
    await sign_in(client, f"/t/{slug}/sign-in", house.emails["recruiter"], PASSWORD)
    first = session_of(client, f"/t/{slug}")
    assert first not in (None, "p" * 43)
    await client.get(f"/auth/start?{urlencode({'tenant': slug})}")
    second = session_of(client, f"/t/{slug}")
    assert second not in (None, first)


async def test_a_password_can_not_be_tried_for_ever(
    person_browser: Browsers, administration: Administration
) -> None:
    email = f"{new_id().hex[-12:]}@example.org"
    await administration.ensure_account(
        NewAccount(email=email, first_name="Ines", last_name="Test", locale="en", password=PASSWORD)
    )
    for attempt in range(12):
        with pytest.raises(SignInFailed, match="Keycloak refused"):
            await sign_in(person_browser(), "/me/sign-in", email, f"wrong {attempt} wrong wrong")
    with pytest.raises(SignInFailed, match="Keycloak refused"):
        await sign_in(person_browser(), "/me/sign-in", email, PASSWORD)
