"""Someone without any account makes one of their own, and proves the address it stands under."""

import re
from collections.abc import Callable
from urllib.parse import urlencode, urljoin

import asyncpg
import httpx
import msgspec
import pytest

from infra.demo import sign_in as driver
from infra.demo.sign_in import sign_in
from infra.realm import values_of
from infra.realm.reconcile import Operator, reconcile
from infra.servers.keycloak import KeycloakServer
from infra.servers.mail import MailCatcher
from integrations.keycloak.administration import Administration
from integrations.keycloak.members import NewMember, add_member
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tenants.service import tenant_by_slug
from tests.conftest import eventually
from tests.integrations.conftest import PASSWORD, House
from tests.integrations.visits import session_of

Browsers = Callable[[], httpx.AsyncClient]
LINK = re.compile(r"https?://\S+action-token\S+")


@pytest.fixture(scope="module")
async def with_mail(
    web_settings: Settings, keycloak: KeycloakServer, catcher: MailCatcher
) -> Settings:
    """Keycloak's mail goes to the catcher."""
    here = msgspec.structs.replace(web_settings, smtp_port=catcher.smtp_port)
    operator = Operator(keycloak.admin_client_id, keycloak.admin_client_secret)
    await reconcile(keycloak.url, operator, values_of(here))
    return here


async def register(client: httpx.AsyncClient, start: str, email: str) -> httpx.Response:
    """From our door to Keycloak's page that says: look into your mail."""
    page = await client.get(start)
    link = next(each for each in driver.links_of(page) if "/login-actions/registration" in each)
    page = await client.get(urljoin(str(page.url), link))
    form = driver.form_of(page)
    assert form is not None
    names = {"email": email, "firstName": "Amal", "lastName": "Idrissi"}
    return await client.post(form.action, data=form.fields | names)


async def proof_of(catcher: MailCatcher, email: str) -> str:
    """The address in the mail that Keycloak sent."""

    async def arrived() -> bool:
        return any(mail.recipients == (email,) for mail in catcher.messages())

    await eventually(arrived, seconds=15)
    mail = next(mail for mail in catcher.messages() if mail.recipients == (email,))
    found = LINK.search(mail.text)
    assert found is not None, mail.text
    return found[0]


async def test_a_new_person_gets_in_after_proving_the_address_and_not_before(
    with_mail: Settings,
    catcher: MailCatcher,
    person_browser: Browsers,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    client, email = person_browser(), f"{new_id().hex[-12:]}@home.example"
    waiting = await register(client, "/auth/start", email)
    assert email in waiting.text
    assert session_of(client, "/me") is None
    persons = "select count(*) from person where email = $1"
    assert await superuser.fetchval(persons, email) == 0

    page = await client.get(await proof_of(catcher, email))
    form = driver.form_of(page)
    assert form is not None
    assert "password-new" in form.fields, page.text
    chosen = {"password-new": PASSWORD, "password-confirm": PASSWORD}
    arrived = await client.post(form.action, data=form.fields | chosen)
    assert arrived.url.path == "/me"
    assert session_of(client, "/me")
    assert await superuser.fetchval(persons, email) == 1


async def test_a_weak_password_is_refused(
    with_mail: Settings, catcher: MailCatcher, person_browser: Browsers
) -> None:
    client, email = person_browser(), f"{new_id().hex[-12:]}@home.example"
    await register(client, "/auth/start", email)
    page = await client.get(await proof_of(catcher, email))
    for weak in ("short", email):
        form = driver.form_of(page)
        assert form is not None
        chosen = {"password-new": weak, "password-confirm": weak}
        page = await client.post(form.action, data=form.fields | chosen)
        assert session_of(client, "/me") is None


async def test_an_address_under_an_organizations_domain_makes_no_one_a_member(
    with_mail: Settings,
    catcher: MailCatcher,
    person_browser: Browsers,
    house: House,
) -> None:
    slug = house.region[1]
    client, email = person_browser(), f"{new_id().hex[-12:]}@{slug}.example"
    await register(client, f"/auth/start?{urlencode({'tenant': slug})}", email)
    page = await client.get(await proof_of(catcher, email))
    form = driver.form_of(page)
    if form is not None and "password-new" in form.fields:
        chosen = {"password-new": PASSWORD, "password-confirm": PASSWORD}
        page = await client.post(form.action, data=form.fields | chosen)
    assert page.status_code == 403
    assert "not a member of the organisation" in page.text
    assert session_of(client, f"/t/{slug}") is None


async def test_an_invited_member_chooses_a_password_and_comes_in(
    with_mail: Settings,
    catcher: MailCatcher,
    person_browser: Browsers,
    database: Database,
    house: House,
) -> None:
    slug, email = house.retail[1], f"{new_id().hex[-12:]}@example.org"
    invited = NewMember(
        email=email, first_name="Omar", last_name="Test", locale="en", roles=["recruiter"]
    )
    tenant = await tenant_by_slug(database, slug)
    operator = actors.system("tests", tenant.id)
    async with Administration(with_mail) as administration:
        added = await add_member(database, with_mail, administration, tenant, invited, operator)
    assert added.account_created
    client = person_browser()
    page = await client.get(await proof_of(catcher, email))
    link = next(link for link in driver.links_of(page) if "action-token" in link)
    page = await client.get(link)
    form = driver.form_of(page)
    assert form is not None
    chosen = {"password-new": PASSWORD, "password-confirm": PASSWORD}
    await client.post(form.action, data=form.fields | chosen)
    fresh = person_browser()
    await sign_in(fresh, f"/t/{slug}/sign-in", email, PASSWORD)
    assert session_of(fresh, f"/t/{slug}")
