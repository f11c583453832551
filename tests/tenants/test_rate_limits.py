"""Rate limits: what is refused, to whom, for how long; and nobody else is slower for it."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from redis.asyncio import Redis

from infra.demo.sign_in import as_browser
from infra.web import behind_proxies, create_app, opened
from passerelle.kernel.settings import Settings, SettingsError
from tenants.access.rate_limits import CHARGE_ONE, DOORS, doors_of, network_of
from tests.conftest import People, sign_in

FORWARDING = (
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-forwarded",
    "forwarded-for",
    "via",
)
CHECK = "/api/verify/00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Limits as an operator has them, smaller where a test has to come to their end."""
    return msgspec.structs.replace(
        settings,
        rate_limit_scale=1,
        rate_limits=frozenset({"verify=0.2/5", "sign-in=0.2/3", "download=0.2/2"}),
        session_requests_per_s=2,
        session_requests_burst=10,
        tenant_burst_s=2,
    )


@pytest.fixture(autouse=True)
async def full_buckets(valkey: Redis) -> None:
    found = [name async for name in valkey.scan_iter("rate:*")]
    if found:
        await valkey.delete(*found)


def from_address(app: object, settings: Settings, address: str = "192.0.2.7") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(address, 50_000))  # type: ignore[arg-type]
    return as_browser(httpx.AsyncClient(transport=transport, base_url=settings.public_url))


@pytest.fixture
async def visitor(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with from_address(app, settings) as client:
        yield client


async def statuses(client: httpx.AsyncClient, path: str, times: int, **headers: str) -> list[int]:
    return [(await client.get(path, headers=headers)).status_code for _ in range(times)]


async def test_a_door_refuses_what_comes_too_fast_and_says_when_to_come_back(
    visitor: httpx.AsyncClient,
) -> None:
    assert await statuses(visitor, CHECK, 5) == [404] * 5
    refused = await visitor.get(CHECK)
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert refused.json()["type"] == "/problems/too-many"
    assert refused.json()["limit"] == "verify"
    wait_s = int(refused.headers["retry-after"])
    assert 1 <= wait_s == refused.json()["retry_after_s"] <= 5
    assert refused.headers["ratelimit-policy"] == '"verify";q=5;w=25'
    assert re.fullmatch(r'"verify";r=0;t=2[0-5]', refused.headers["ratelimit"])


async def test_an_answer_within_limits_says_what_is_left(visitor: httpx.AsyncClient) -> None:
    for left in (4, 3):
        answer = await visitor.get(CHECK)
        assert answer.headers["ratelimit"].startswith(f'"verify";r={left};t=')
        assert "retry-after" not in answer.headers


async def test_a_person_sees_a_page(visitor: httpx.AsyncClient) -> None:
    await statuses(visitor, CHECK, 5)
    page = await visitor.get(CHECK.removeprefix("/api"), headers={"accept": "text/html"})
    assert page.status_code == 429
    assert "Too many requests came from you at once" in page.text


async def test_no_forwarding_header_makes_another_client(
    visitor: httpx.AsyncClient,
) -> None:
    await statuses(visitor, CHECK, 5)
    for number, name in enumerate(FORWARDING):
        value = f"for=198.51.100.{number}" if name == "forwarded" else f"198.51.100.{number}"
        assert await statuses(visitor, CHECK, 1, **{name: value}) == [429], name


async def test_a_named_proxy_is_believed_and_only_for_what_it_added(
    app: Litestar, settings: Settings
) -> None:
    named = msgspec.structs.replace(settings, trusted_proxies=frozenset({"10.0.0.0/8"}))
    behind = behind_proxies(app, named)
    async with from_address(behind, settings, "10.1.2.3") as proxy:
        for number in range(6):
            # What the client wrote itself stands before what the proxy appended.
            said = f"198.51.100.{number}, 203.0.113.1"
            last = await statuses(proxy, CHECK, 1, **{"x-forwarded-for": said})
        assert last == [429]
        assert await statuses(proxy, CHECK, 1, **{"x-forwarded-for": "203.0.113.2"}) == [404]
    async with from_address(behind, settings, "192.0.2.7") as elsewhere:
        assert await statuses(elsewhere, CHECK, 1, **{"x-forwarded-for": "203.0.113.9"}) == [404]
        await statuses(elsewhere, CHECK, 4)
        assert await statuses(elsewhere, CHECK, 1, **{"x-forwarded-for": "203.0.113.8"}) == [429]


def test_an_ipv6_network_is_one_client_and_a_mapped_address_its_ipv4() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert network_of("not an address") == network_of("") == "unknown"


async def test_a_session_at_its_limit_waits_and_its_colleagues_do_not(
    app: Litestar, settings: Settings, two_tenants: tuple[People, People]
) -> None:
    path = f"/t/{two_tenants[0].slug}/learn"
    async with from_address(app, settings) as hasty, from_address(app, settings) as colleague:
        await sign_in(hasty, app, two_tenants[0], "learner")
        await sign_in(colleague, app, two_tenants[0], "learner")
        together = await asyncio.gather(*(hasty.get(path) for _ in range(30)))
        allowed = [one.status_code for one in together].count(200)
        assert 10 <= allowed < 30
        assert {one.status_code for one in together} == {200, 429}
        answer = await colleague.get(path)
        assert answer.status_code == 200
        assert answer.headers["ratelimit"].startswith('"session";r=9;t=1')


async def test_an_organisation_at_its_limit_slows_no_other(
    app: Litestar,
    settings: Settings,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    """Its plan allows a request a second, two at once; each of its members is within their own."""
    noisy, quiet = two_tenants
    await app.state.sessions.remember_plan(noisy.tenant_id, 1)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(from_address(app, settings)) for _ in range(8)]
        for client in clients:
            await sign_in(client, app, noisy, "learner")
        answers = await asyncio.gather(
            *(client.get(f"/t/{noisy.slug}/learn") for client in clients)
        )
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 1 <= len(refused) <= 6
    assert '"organisation";q=2;w=2' in refused[0].headers["ratelimit-policy"]
    assert int(refused[0].headers["retry-after"]) >= 1
    async with from_address(app, settings) as client:
        await sign_in(client, app, quiet, "learner")
        assert await statuses(client, f"/t/{quiet.slug}/learn", 3) == [200] * 3


async def test_the_plan_is_read_once_and_then_stands_beside_the_bucket(
    app: Litestar, settings: Settings, valkey: Redis, two_tenants: tuple[People, People]
) -> None:
    async with from_address(app, settings) as client:
        await sign_in(client, app, two_tenants[1], "learner")
        first = await client.get(f"/t/{two_tenants[1].slug}/learn")
        second = await client.get(f"/t/{two_tenants[1].slug}/learn")
    assert "organisation" not in first.headers["ratelimit"]
    plan = int(await valkey.get(f"rate:plan:{two_tenants[1].tenant_id.hex}") or 0)
    assert plan == await app.state.plans.requests_per_s(two_tenants[1].tenant_id)
    assert f'"organisation";q={2 * plan};w=2' in second.headers["ratelimit-policy"]


async def test_nobody_spends_an_organisations_requests_without_its_session(
    app: Litestar, settings: Settings, valkey: Redis, two_tenants: tuple[People, People]
) -> None:
    noisy, quiet = two_tenants
    await app.state.sessions.remember_plan(quiet.tenant_id, 1)
    async with from_address(app, settings) as stranger:
        assert await statuses(stranger, f"/t/{quiet.slug}/learn", 5) == [401] * 5
        await sign_in(stranger, app, noisy, "learner")
        token = stranger.cookies["passerelle_session"]
        stranger.cookies.clear()
        cookie = f"passerelle_session={token}"
        assert await statuses(stranger, f"/t/{quiet.slug}/learn", 5, cookie=cookie) == [401] * 5
    assert not await valkey.exists(f"rate:tenant:{quiet.tenant_id.hex}")


async def test_a_normal_request_asks_valkey_once(
    app: Litestar, settings: Settings, valkey: Redis, two_tenants: tuple[People, People]
) -> None:
    async with from_address(app, settings) as client:
        await sign_in(client, app, two_tenants[0], "learner")
        path = f"/t/{two_tenants[0].slug}/learn"
        await client.get(path)
        before = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
        await client.get(path)
        after = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert after - before == 1


async def test_the_bucket_lets_through_what_it_says_and_no_more(valkey: Redis) -> None:
    """Eight clients at once against 50 a second and 200 at once, for most of a second."""
    charge = valkey.register_script(CHARGE_ONE)
    started = time.perf_counter()
    first_answer, last_refused = started, started

    async def ask() -> int:
        nonlocal first_answer, last_refused
        allowed = 0
        while (asked := time.perf_counter()) - started < 0.8:
            passed = (await charge(keys=["rate:test"], args=[50, 200]))[0]
            allowed += passed
            if first_answer == started:
                first_answer = time.perf_counter()
            if not passed:
                last_refused = max(last_refused, asked)
        return allowed

    allowed = sum(await asyncio.gather(*(ask() for _ in range(8))))
    elapsed_s = time.perf_counter() - started
    # Whoever was refused came when all was spent: a slow machine asks for less and is owed less.
    assert last_refused > first_answer
    assert 200 + 50 * (last_refused - first_answer) - 1 <= allowed <= 200 + 50 * elapsed_s + 1


async def test_without_valkey_what_can_be_guessed_stays_shut_and_checks_go_on(
    settings: Settings,
) -> None:
    nowhere = msgspec.structs.replace(settings, valkey_url="redis://127.0.0.1:1/0")
    alone = create_app(nowhere)
    async with opened(nowhere)(alone), from_address(alone, settings) as client:
        assert (await client.get(CHECK)).status_code == 404
        shut = await client.get("/auth/start?space=me")
        assert (shut.status_code, "retry-after" in shut.headers) == (503, False)
        client.cookies.set("passerelle_session", "x" * 43)
        assert (await client.get("/me", headers={"accept": "text/html"})).status_code == 503


async def test_every_declared_door_is_a_limit_and_every_limit_has_a_door(app: Litestar) -> None:
    declared = {
        handler.opt[name]
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for name in ("limit", "limit_of_refusals")
        if isinstance(handler, HTTPRouteHandler) and name in handler.opt
    }
    assert declared == set(DOORS)


@pytest.mark.parametrize(
    "change", ["verify", "verify=5", "verify=0/5", "verify=5/0", "verify=nan/5", "door=5/50"]
)
def test_a_limit_that_cannot_be_meant_is_refused_with_the_mend(
    settings: Settings, change: str
) -> None:
    with pytest.raises(SettingsError, match="write name=requests a second/burst"):
        doors_of(msgspec.structs.replace(settings, rate_limits=frozenset({change})))
