"""Signing in, as a browser does it, through the real Keycloak."""

from urllib.parse import urlencode

import asyncpg
import pytest

from infra.demo import sign_in as driver
from infra.demo.sign_in import sign_in
from passerelle.kernel.database import Database
from tenants.access.operator import operator
from tenants.access.sessions import COOKIE
from tenants.organisations import store
from tests.integrations.conftest import PASSWORD, House
from tests.integrations.visits import Browsers, session_of, to_the_callback

EVENTS_OF = "select name, payload from tenant_event where tenant_id = $1 and name = $2"


async def test_a_member_signs_in_and_stands_in_their_organisation(
    person_browser: Browsers, house: House, superuser: asyncpg.Connection
) -> None:
    client, (tenant_id, slug) = person_browser(), house.retail
    before = len(await superuser.fetch(EVENTS_OF, tenant_id, "member.signed_in"))
    page = await client.get(f"/t/{slug}/sign-in")
    assert page.status_code == 200
    assert "Sign in to Retailer" in page.text
    arrived = await sign_in(client, f"/t/{slug}/sign-in", house.emails["recruiter"], PASSWORD)
    assert arrived.url.path.startswith(f"/t/{slug}/")
    assert session_of(client, f"/t/{slug}")
    again = await client.get(f"/t/{slug}/sign-in", follow_redirects=False)
    assert again.status_code == 303
    events = await superuser.fetch(EVENTS_OF, tenant_id, "member.signed_in")
    assert len(events) == before + 1
    assert house.emails["recruiter"] not in str(events)


async def test_the_way_leads_on_to_the_page_that_was_wanted(
    person_browser: Browsers, house: House
) -> None:
    client, (_, slug) = person_browser(), house.retail
    wanted = f"/t/{slug}/hiring?stage=2"
    callback = await to_the_callback(
        client,
        f"/auth/start?{urlencode({'tenant': slug, 'next': wanted})}",
        house.emails["recruiter"],
    )
    arrived = await client.get(callback, follow_redirects=False)
    assert arrived.headers["location"] == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/t/another-tenant/hiring",
        "/me",
        "/t/{slug}/../../evil",
        "/t/{slug}\r\nset-cookie: a=b",
    ],
)
async def test_no_wanted_address_leads_out_of_the_tenant(
    person_browser: Browsers, house: House, wanted: str
) -> None:
    client, (_, slug) = person_browser(), house.retail
    query = urlencode({"tenant": slug, "next": wanted.replace("{slug}", slug)})
    callback = await to_the_callback(client, f"/auth/start?{query}", house.emails["recruiter"])
    arrived = await client.get(callback, follow_redirects=False)
    assert arrived.status_code == 303
    assert arrived.headers["location"].startswith(f"/t/{slug}/")
    assert "evil" not in arrived.headers["location"]
    assert "another" not in arrived.headers["location"]


async def test_an_unknown_organisation_is_a_clear_page(person_browser: Browsers) -> None:
    client = person_browser()
    for address in ("/t/nobody/sign-in", "/auth/start?tenant=nobody", "/auth/start?tenant=No%20"):
        page = await client.get(address, headers={"accept": "text/html"})
        assert page.status_code == 404
        assert "No organisation has this address" in page.text


@pytest.mark.parametrize(
    ("who", "tenant", "words", "reason"),
    [
        ("stranger", "retail", "not a member of the organisation", "not-a-member"),
        ("admin", "retail", "not a member of the organisation", "not-a-member"),
        ("suspended", "retail", "suspended", "suspended"),
        ("outside", "region", "through its own sign-in", "outside-the-organization"),
    ],
)
async def test_who_may_not_come_in_is_told_why_and_it_is_on_record(
    person_browser: Browsers,
    house: House,
    superuser: asyncpg.Connection,
    who: str,
    tenant: str,
    words: str,
    reason: str,
) -> None:
    tenant_id, slug = getattr(house, tenant)
    counts = "select (select count(*) from person), (select count(*) from identity)"
    before = await superuser.fetchrow(counts)
    client = person_browser()
    callback = await to_the_callback(
        client, f"/auth/start?{urlencode({'tenant': slug})}", house.emails[who]
    )
    page = await client.get(callback)
    assert page.status_code == 403
    assert words in page.text
    assert house.emails[who] in page.text
    assert session_of(client, f"/t/{slug}") is None
    assert await superuser.fetchrow(counts) == before
    refusals = await superuser.fetch(EVENTS_OF, tenant_id, "sign_in.refused")
    of_this = [r for r in refusals if house.subjects[who] in r["payload"]]
    assert len(of_this) == 1
    assert reason in of_this[0]["payload"]
    assert house.emails[who] not in str(of_this)
    # Keycloak would hand over the same account again: the page offers to leave it.
    another = driver.link_to(page, "/auth/another-account")
    assert another is not None
    back = await client.get(another.replace("&amp;", "&"))
    assert back.url.path == f"/t/{slug}/sign-in"
    restart = await client.get(f"/auth/start?{urlencode({'tenant': slug})}")
    assert driver.form_of(restart) is not None


async def test_whoever_comes_back_from_keycloak_to_a_suspended_organisation_is_on_record(
    person_browser: Browsers, house: House, database: Database, superuser: asyncpg.Connection
) -> None:
    """It was suspended while they typed their password."""
    tenant_id, slug = house.retail
    for _ in range(2):
        client = person_browser()
        callback = await to_the_callback(
            client, f"/auth/start?{urlencode({'tenant': slug})}", house.emails["recruiter"]
        )
        async with database.operator(tenant_id, operator()) as tx:
            assert await store.suspend(tx, "Unpaid.")
        try:
            page = await client.get(callback)
        finally:
            async with database.operator(tenant_id, operator()) as tx:
                assert await store.lift(tx)
        assert page.status_code == 403
        assert session_of(client, f"/t/{slug}") is None
    refusals = await superuser.fetch(EVENTS_OF, tenant_id, "sign_in.refused")
    of_this = [r for r in refusals if house.subjects["recruiter"] in r["payload"]]
    assert len(of_this) == 1
    assert "organisation-suspended" in of_this[0]["payload"]


async def test_a_member_comes_in_through_the_organization_that_the_tenant_demands(
    person_browser: Browsers, house: House
) -> None:
    client, (_, slug) = person_browser(), house.region
    await sign_in(client, f"/t/{slug}/sign-in", house.emails["admin"], PASSWORD)
    assert session_of(client, f"/t/{slug}")


async def test_a_person_without_anything_gets_a_space_of_their_own_once(
    person_browser: Browsers, house: House, superuser: asyncpg.Connection
) -> None:
    count = "select count(*) from identity where subject = $1"
    for _ in range(2):
        client = person_browser()
        await sign_in(client, "/me/sign-in", house.emails["stranger"], PASSWORD)
        assert session_of(client, "/me")
        assert await superuser.fetchval(count, house.subjects["stranger"]) == 1
    assert session_of(client, f"/t/{house.retail[1]}") is None


async def test_cookies_are_closed_to_scripts_and_to_plain_http(
    person_browser: Browsers, house: House
) -> None:
    client, slug = person_browser(), house.retail[1]
    started = await client.get("/auth/start", follow_redirects=False)
    cookie = started.headers["set-cookie"].lower()
    assert cookie.startswith("__host-passerelle_sign_in=")
    for part in ("httponly", "secure", "samesite=lax", "path=/"):
        assert part in cookie
    assert "domain=" not in cookie
    start = f"/auth/start?{urlencode({'tenant': slug})}"
    callback = await to_the_callback(client, start, house.emails["recruiter"])
    arrived = await client.get(callback, follow_redirects=False)
    session = next(c for c in arrived.headers.get_list("set-cookie") if c.startswith(COOKIE))
    for part in ("HttpOnly", "Secure", "SameSite=None", "Partitioned", f"Path=/t/{slug}"):
        assert part in session
    assert arrived.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("locale", "direction"), [("en", "ltr"), ("fr", "ltr"), ("ar", "rtl")])
async def test_both_sides_speak_the_persons_language(
    person_browser: Browsers, house: House, locale: str, direction: str
) -> None:
    client = person_browser()
    page = await client.get(f"/t/{house.region[1]}/sign-in?lang={locale}")
    assert f'lang="{locale}" dir="{direction}"' in page.text
    keycloaks = await client.get(f"/auth/start?{urlencode({'tenant': house.retail[1]})}")
    assert f'lang="{locale}"' in keycloaks.text
    assert f'dir="{direction}"' in keycloaks.text
