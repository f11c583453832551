"""Sign-ins under way are one browser's, once; and nobody is sent to a stranger's site."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from integrations.keycloak import flow
from integrations.keycloak.model import SignIn, SignInExpired

BELOW, HOME = "/t/region", "/t/region/learn"


@pytest.mark.parametrize(
    "wanted",
    ["/t/region", "/t/region/learn", "/t/region/hiring/1?stage=2&sort=name", "/t/region/a.b_c~d-e"],
)
def test_a_path_of_the_tenants_own_is_kept(wanted: str) -> None:
    assert flow.own_path(wanted, BELOW, HOME) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "https://evil.example/t/region",
        "//evil.example/t/region",
        "/\\evil.example",
        "\\\\evil.example",
        "/t/region\\..\\..\\evil",
        "/t/region//evil.example",
        "/t/region/../../evil",
        "/t/region/%2e%2e/%2e%2e/evil",
        "/t/region/%0d%0aLocation:%20https://evil.example",
        "/t/region/\r\nset-cookie: a=b",
        "/t/region\t/x",
        " /t/region",
        "/t/region-other/learn",
        "/t/regional",
        "/t/retail/hiring",
        "/me",
        "t/region",
        "javascript:alert(1)",
        "/t/region/" + "x" * 600,
        "/t/region/@evil.example:x",
        "/t/region/#https://evil.example",
    ],
)
def test_any_other_address_leads_home(wanted: str | None) -> None:
    assert flow.own_path(wanted, BELOW, HOME) == HOME


@given(st.text(max_size=80))
def test_no_text_at_all_leads_out(text: str) -> None:
    for wanted in (text, "/t/region" + text, "/" + text):
        kept = flow.own_path(wanted, BELOW, HOME)
        assert kept == BELOW or kept.startswith((BELOW + "/", BELOW + "?"))
        assert kept.isascii()
        assert kept.isprintable()
        assert "\\" not in kept


def test_the_challenge_is_the_one_of_rfc_7636() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert flow.code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize("cookie", [None, "", "short", "x" * 44, "x" * 42 + "*", "x" * 5000])
def test_a_cookie_that_we_did_not_make_is_replaced(cookie: str | None) -> None:
    secret = flow.browser_secret(cookie)
    assert flow.TOKEN.fullmatch(secret)
    assert secret != cookie


SIGN_IN = SignIn(into="person", next="/me", nonce="n" * 43, code_verifier="v" * 43)


async def test_a_record_is_found_once_and_by_its_browser_alone(valkey: Redis) -> None:
    browser, other = flow.new_token(), flow.new_token()
    ticket = await flow.keep(valkey, "sign-in", SIGN_IN, browser)
    for wrong in (other, None, "", browser[:-1]):
        with pytest.raises(SignInExpired):
            await flow.take(valkey, "sign-in", SignIn, ticket, wrong)
    with pytest.raises(SignInExpired):
        await flow.take(valkey, "link", SignIn, ticket, browser)
    assert await flow.take(valkey, "sign-in", SignIn, ticket, browser) == SIGN_IN
    with pytest.raises(SignInExpired):
        await flow.take(valkey, "sign-in", SignIn, ticket, browser)


async def test_a_record_ends_by_itself_and_names_no_one_in_its_key(valkey: Redis) -> None:
    browser = flow.new_token()
    ticket = await flow.keep(valkey, "sign-in", SIGN_IN, browser)
    keys = [key.decode() async for key in valkey.scan_iter("keycloak:sign-in:*")]
    assert keys
    assert not any(ticket in key or browser in key for key in keys)
    for key in keys:
        assert 0 < await valkey.ttl(key) <= flow.SIGN_IN_S
    assert msgspec.json.encode(SIGN_IN)


@given(st.text(max_size=60))
async def test_no_made_up_ticket_is_found(valkey: Redis, text: str) -> None:
    with pytest.raises(SignInExpired):
        await flow.take(valkey, "sign-in", SignIn, text, flow.new_token())
