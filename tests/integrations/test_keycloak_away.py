"""Keycloak stops, comes back, and changes its keys: whoever is signed in goes on working."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlencode

import httpx
from keycloak import KeycloakAdmin

from infra.demo import sign_in as driver
from infra.demo.sign_in import sign_in
from infra.servers.keycloak import KeycloakServer
from integrations.keycloak.connection import OneRefreshConnection
from passerelle.kernel.settings import Settings
from tests.conftest import eventually
from tests.integrations import forgery
from tests.integrations.conftest import PASSWORD, House
from tests.integrations.visits import session_of, to_the_callback

Browsers = Callable[[], httpx.AsyncClient]


async def test_a_stop_of_keycloak_keeps_no_one_from_work_and_heals(
    person_browser: Browsers, house: House, keycloak: KeycloakServer
) -> None:
    slug, email = house.retail[1], house.emails["recruiter"]
    start = f"/auth/start?{urlencode({'tenant': slug})}"
    working, leaving, returning, fresh = (person_browser() for _ in range(4))
    for client in (working, leaving):
        await sign_in(client, f"/t/{slug}/sign-in", email, PASSWORD)
    callback = await to_the_callback(returning, start, email)

    await asyncio.to_thread(keycloak.stop)
    try:

        async def page_says_so() -> bool:
            page = await fresh.get(f"/t/{slug}/sign-in")
            return "Sign-in is not answering at the moment" in page.text

        await eventually(page_says_so, seconds=10)
        assert driver.link_to(await fresh.get(f"/t/{slug}/sign-in"), "/auth/start") is None

        assert (await working.get(f"/t/{slug}/hiring")).status_code == 200
        back = await returning.get(callback)
        assert back.status_code == 503
        assert "The sign-in service is not answering" in back.text
        assert session_of(returning, f"/t/{slug}") is None
        notice = {"logout_token": forgery.sign(forgery.logout_claims(), kid="unknown")}
        assert (await fresh.post("/auth/backchannel-logout", data=notice)).status_code in (400, 503)

        token = {"_csrf_token": leaving.cookies["passerelle_csrf"]}
        out = await leaving.post(f"/t/{slug}/sign-out", data=token)
        assert out.url.path == "/auth/signed-out"
        assert session_of(leaving, f"/t/{slug}") is None
    finally:
        await asyncio.to_thread(keycloak.start)

    async def page_offers_it() -> bool:
        page = await fresh.get(f"/t/{slug}/sign-in")
        return driver.link_to(page, "/auth/start") is not None

    await eventually(page_offers_it, seconds=10)
    await sign_in(fresh, f"/t/{slug}/sign-in", email, PASSWORD)
    assert session_of(fresh, f"/t/{slug}")
    assert (await working.get(f"/t/{slug}/hiring")).status_code == 200


async def test_new_signing_keys_are_noticed_by_no_one(
    person_browser: Browsers, house: House, keycloak: KeycloakServer, web_settings: Settings
) -> None:
    slug, email = house.retail[1], house.emails["recruiter"]
    before = person_browser()
    await sign_in(before, f"/t/{slug}/sign-in", email, PASSWORD)
    # Past the pause between two requests for keys.
    await asyncio.sleep(5.1)
    connection = OneRefreshConnection(
        server_url=keycloak.url,
        realm=web_settings.keycloak_realm,
        token_realm="master",
        client_id=keycloak.admin_client_id,
        client_secret=keycloak.admin_client_secret,
    )
    admin = KeycloakAdmin(connection=connection)
    await admin.a_create_component(
        {
            "name": "rsa-of-the-test",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": ["200"], "keySize": ["2048"], "algorithm": ["RS256"]},
        }
    )
    try:
        after = person_browser()
        await sign_in(after, f"/t/{slug}/sign-in", email, PASSWORD)
        assert session_of(after, f"/t/{slug}")
        assert (await before.get(f"/t/{slug}/hiring")).status_code == 200
    finally:
        components = await admin.a_get_components({"name": "rsa-of-the-test"})
        for component in components:
            await admin.a_delete_component(component["id"])
        await connection.aclose()
