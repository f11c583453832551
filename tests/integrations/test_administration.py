"""Organizations and accounts in Keycloak: found again, never doubled, never taken over."""

import asyncio

import httpx
import msgspec
import pytest

from integrations.keycloak.administration import (
    AccountNotVerified,
    Administration,
    NewAccount,
)
from integrations.keycloak.connection import FRESH_S
from integrations.keycloak.members import NewMember, add_member
from integrations.keycloak.model import KeycloakUnavailable
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Conflict, Invalid
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tenants.service import tenant_by_slug
from tenants.store import member
from tests.integrations.conftest import PASSWORD, House


def mark() -> str:
    return new_id().hex[-10:]


def account(email: str, **changes: str | None) -> NewAccount:
    new = NewAccount(
        email=email, first_name="Ines", last_name="Test", locale="fr", password=PASSWORD
    )
    return msgspec.structs.replace(new, **changes)


async def test_an_organization_is_made_once_and_its_domain_is_its_own(
    administration: Administration,
) -> None:
    slug = f"org-{mark()}"
    made = await asyncio.gather(
        *(administration.ensure_organization(slug, slug, f"{slug}.example") for _ in range(3))
    )
    assert len(set(made)) == 1
    with pytest.raises(Conflict):
        await administration.ensure_organization(f"x{slug}", f"x{slug}", f"{slug}.example")


async def test_an_account_is_made_once_however_many_ask_at_once(
    administration: Administration,
) -> None:
    email = f"{mark()}@example.org"
    made = await asyncio.gather(*(administration.ensure_account(account(email)) for _ in range(4)))
    assert len({each.subject for each in made}) == 1
    assert sum(each.created for each in made) == 1
    again = await administration.ensure_account(account(email.upper(), first_name="Other"))
    assert again.subject == made[0].subject


async def test_an_address_that_nobody_proved_gives_no_one_an_account(
    administration: Administration,
) -> None:
    """Somebody may have registered it in advance, and be waiting."""
    email = f"{mark()}@example.org"
    await administration._admin.a_create_user(
        {"username": email, "email": email, "emailVerified": False, "enabled": True}
    )
    with pytest.raises(AccountNotVerified):
        await administration.ensure_account(account(email))


async def test_many_calls_at_once_fetch_one_token(web_settings: Settings) -> None:
    async with Administration(web_settings) as fresh:
        await asyncio.gather(
            *(fresh.ensure_account(account(f"{mark()}@example.org")) for _ in range(12))
        )
        assert fresh.connection.tokens_fetched == 1
        # A token that Keycloak no longer takes is replaced once, too.
        fresh.connection._fetched_at -= FRESH_S
        fresh.connection.add_param_headers("Authorization", "Bearer expired")
        await asyncio.gather(
            *(fresh.ensure_account(account(f"{mark()}@example.org")) for _ in range(12))
        )
        assert fresh.connection.tokens_fetched == 2


async def test_the_service_account_can_do_no_more_than_it_must(web_settings: Settings) -> None:
    realm = f"{web_settings.keycloak_url}/realms/{web_settings.keycloak_realm}"
    administered = f"{web_settings.keycloak_url}/admin/realms/{web_settings.keycloak_realm}"
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{realm}/protocol/openid-connect/token",
            data={
                "grant_type": "client_credentials",
                "client_id": web_settings.keycloak_admin_client_id,
                "client_secret": web_settings.keycloak_admin_client_secret,
            },
        )
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        assert (await client.get(f"{administered}/users?max=1")).status_code == 200
        for beyond in ("clients", "identity-provider/instances", "events", "roles"):
            assert (await client.get(f"{administered}/{beyond}")).status_code == 403, beyond
        assert (await client.put(administered, json={"displayName": "x"})).status_code == 403
        other = f"{web_settings.keycloak_url}/admin/realms/master/users"
        assert (await client.get(other)).status_code in (401, 403)


async def test_no_client_takes_a_password_directly(web_settings: Settings, house: House) -> None:
    realm = f"{web_settings.keycloak_url}/realms/{web_settings.keycloak_realm}"
    clients = {
        web_settings.keycloak_client_id: web_settings.keycloak_client_secret,
        web_settings.keycloak_admin_client_id: web_settings.keycloak_admin_client_secret,
        "admin-cli": "",
        "account": "",
    }
    async with httpx.AsyncClient() as client:
        for client_id, secret in clients.items():
            answer = await client.post(
                f"{realm}/protocol/openid-connect/token",
                data={
                    "grant_type": "password",
                    "client_id": client_id,
                    "client_secret": secret,
                    "username": house.emails["recruiter"],
                    "password": PASSWORD,
                },
            )
            assert answer.status_code in (400, 401), client_id


async def test_a_sign_in_without_pkce_or_to_another_address_is_refused_by_keycloak(
    web_settings: Settings,
) -> None:
    realm = f"{web_settings.keycloak_url}/realms/{web_settings.keycloak_realm}"
    here = f"{web_settings.public_url}/auth/callback"
    good = {
        "response_type": "code",
        "client_id": web_settings.keycloak_client_id,
        "redirect_uri": here,
        "scope": "openid",
        "state": "s",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    async with httpx.AsyncClient() as client:

        async def ask(**changes: str | None) -> httpx.Response:
            query = {name: value for name, value in (good | changes).items() if value}
            return await client.get(f"{realm}/protocol/openid-connect/auth", params=query)

        assert (await ask()).status_code == 200
        for changes in (
            {"code_challenge": None, "code_challenge_method": None},
            {"code_challenge_method": "plain"},
            {"response_type": "token"},
            {"response_type": "id_token", "nonce": "n"},
        ):
            answer = await ask(**changes)
            assert "error=" in answer.headers.get("location", ""), changes
        for address in (f"{here}/x", f"{here}?x=1", "https://evil.example", here[:-1]):
            answer = await ask(redirect_uri=address)
            assert answer.status_code == 400, address


async def test_a_member_is_added_with_an_account_once(
    web_settings: Settings, database: Database, administration: Administration, house: House
) -> None:
    tenant = await tenant_by_slug(database, house.region[1])
    operator = actors.system("tests", tenant.id)
    new = NewMember(
        email=f"{mark()}@example.org",
        first_name="Yassine",
        last_name="Alami",
        locale="ar",
        roles=["learner"],
        password=PASSWORD,
    )
    first = await add_member(database, web_settings, administration, tenant, new, operator)
    more = msgspec.structs.replace(new, roles=["recruiter"])
    again = await add_member(database, web_settings, administration, tenant, more, operator)
    assert first.person_id == again.person_id
    assert (first.account_created, again.account_created) == (True, False)
    found = await member(database.tenant_reader(tenant.id, operator), first.person_id)
    assert found is not None
    assert (found.display_name, found.roles) == ("Yassine Alami", ["learner", "recruiter"])
    with pytest.raises(Invalid):
        wrong = msgspec.structs.replace(new, roles=["sovereign"])
        await add_member(database, web_settings, administration, tenant, wrong, operator)


async def test_keycloak_away_is_said_so(web_settings: Settings) -> None:
    nowhere = msgspec.structs.replace(web_settings, keycloak_url="http://localhost:9")
    async with Administration(nowhere) as administration:
        with pytest.raises(KeycloakUnavailable):
            await administration.ensure_account(account("a@example.org"))
        with pytest.raises(KeycloakUnavailable):
            await administration.ensure_organization("a", "A", "a.example")
