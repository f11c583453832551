"""The pages of provisioning: a directory is connected, and an officer reads its log."""

import re

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from tenants.access.roles import permissions_of
from tenants.access.sessions import COOKIE
from tests.conftest import csrf_headers
from tests.integrations.scim.conftest import MEDIA, Directory, create_directory
from tests.integrations.scim.payloads import user

TOKEN = re.compile(r"scim_[A-Za-z0-9_-]{43}")


def administrator(directory: Directory, role: str = "tenant_admin", locale: str = "en") -> Actor:
    return Actor(
        kind="person",
        display_name="Amina Benali",
        person_id=new_id(),
        tenant_id=directory.tenant_id,
        tenant_slug=directory.slug,
        tenant_name=Localised("Agency", "Agence", "الوكالة"),
        permissions=permissions_of([role]),
        locale=locale,  # type: ignore[arg-type]
        origin="keycloak",
    )


@pytest.fixture
async def admin(
    client: httpx.AsyncClient, app: Litestar, directory: Directory
) -> httpx.AsyncClient:
    return await as_role(client, app, directory, "tenant_admin")


async def as_role(
    client: httpx.AsyncClient, app: Litestar, directory: Directory, role: str
) -> httpx.AsyncClient:
    header = await app.state.sessions.open(administrator(directory, role))
    token = header.split(";", 1)[0].split("=", 1)[1]
    client.cookies.set(COOKIE, token, domain="localhost.local", path=f"/t/{directory.slug}")
    client.headers.update(await csrf_headers(client))
    return client


def page(directory: Directory, below: str = "") -> str:
    return f"/t/{directory.slug}/settings/provisioning{below}"


async def test_a_token_is_shown_once_and_opens_this_organisation(
    admin: httpx.AsyncClient, directory: Directory, superuser: asyncpg.Connection
) -> None:
    made = await admin.post(page(directory), data={"name": " Entra  ID ", "kind": "entra"})
    assert made.status_code == 200, made.text
    assert made.headers["cache-control"] == "no-store"
    (token,) = set(TOKEN.findall(made.text))
    headers = {"authorization": f"Bearer {token}", "content-type": MEDIA}
    answer = await admin.get(f"/t/{directory.slug}/scim/v2/Users", headers=headers)
    assert answer.status_code == 200
    listed = await admin.get(page(directory))
    assert "Entra ID" in listed.text
    assert f"http://localhost:8000/t/{directory.slug}/scim/v2" in listed.text
    client_id = await superuser.fetchval("select id from scim_client where name = 'Entra ID'")
    shown = await admin.get(page(directory, f"/{client_id}"))
    assert token[-4:] in shown.text
    assert not TOKEN.search(listed.text + shown.text)
    held = await superuser.fetchval(
        "select string_agg(one::text, ' ') from (select to_jsonb(t) from scim_token t"
        " union all select to_jsonb(e) from tenant_event e) as one"
    )
    assert token not in held


async def test_what_is_wrong_with_a_connection_is_said_beside_its_field(
    admin: httpx.AsyncClient, directory: Directory
) -> None:
    for name, kind, said in (
        ("", "entra", "Give a name"),
        ("n" * 81, "entra", "Give a name"),
        ("x", "nothing", "Choose which directory"),
    ):
        answer = await admin.post(page(directory), data={"name": name, "kind": kind})
        assert answer.status_code == 400
        assert said in answer.text
    for number in range(9):
        await admin.post(page(directory), data={"name": f"n{number}", "kind": "other"})
    answer = await admin.post(page(directory), data={"name": "one more", "kind": "other"})
    assert (answer.status_code, "There are 10 clients already" in answer.text) == (400, True)


async def test_a_connection_is_tested_rotated_and_revoked(
    admin: httpx.AsyncClient, directory: Directory, superuser: asyncpg.Connection
) -> None:
    here = page(directory, f"/{directory.client_id}")
    base = f"/t/{directory.slug}/scim/v2/Users"
    tested = await admin.post(f"{here}/test", follow_redirects=True)
    assert "has not asked yet. Check the address" in tested.text
    await admin.get(base, headers=directory.headers)
    tested = await admin.post(f"{here}/test", follow_redirects=True)
    assert "the address answers and a token counts" in tested.text
    rotated = await admin.post(f"{here}/rotate")
    (token,) = set(TOKEN.findall(rotated.text))
    assert "goes on for 7 days" in rotated.text
    old = await superuser.fetchval(
        "select id from scim_token where client_id = $1 order by created_at", directory.client_id
    )
    revoked = await admin.post(f"{here}/tokens/{old}/revoke", follow_redirects=True)
    assert "counts for nothing from now on" in revoked.text
    assert (await admin.get(base, headers=directory.headers)).status_code == 401
    newer = {**directory.headers, "authorization": f"Bearer {token}"}
    assert (await admin.get(base, headers=newer)).status_code == 200
    assert (await admin.post(f"{here}/tokens/{old}/revoke")).status_code == 404
    assert "Revoke it" in (await admin.get(f"{here}/revoke")).text
    await admin.post(f"{here}/revoke", follow_redirects=True)
    assert (await admin.get(base, headers=newer)).status_code == 401
    for below in ("/test", "/rotate", "/revoke"):
        assert (await admin.post(here + below)).status_code == 404
    names = await superuser.fetch(
        "select name from tenant_event where tenant_id = $1 and name like 'scim.%'"
        " and name <> 'scim.refused'",
        directory.tenant_id,
    )
    assert sorted(row["name"] for row in names) == [
        "scim.client_made",
        "scim.client_revoked",
        "scim.tested",
        "scim.tested",
        "scim.token_made",
        "scim.token_made",
        "scim.token_revoked",
    ]


async def test_nobody_touches_a_connection_of_another_organisation(
    admin: httpx.AsyncClient, directory: Directory, database: Database
) -> None:
    theirs = await create_directory(database, "theirs")
    for below in ("", "/revoke"):
        answer = await admin.get(page(directory, f"/{theirs.client_id}{below}"))
        assert answer.status_code == 404
    for below in ("/test", "/rotate", "/revoke"):
        answer = await admin.post(page(directory, f"/{theirs.client_id}{below}"))
        assert answer.status_code == 404
    answer = await admin.get(
        f"/t/{directory.slug}/provisioning-log", params={"client": str(theirs.client_id)}
    )
    assert "Nothing in the log matches" in answer.text


async def test_an_officer_reads_the_log_filters_it_and_takes_it_along(
    client: httpx.AsyncClient, app: Litestar, directory: Directory
) -> None:
    base = f"/t/{directory.slug}/scim/v2/Users"
    formula = user("amal", userName="=cmd|x")
    for body in (user("amal"), user("Amal"), formula):
        await client.post(base, json=body, headers=directory.headers)
    officer = await as_role(client, app, directory, "auditor")
    log = f"/t/{directory.slug}/provisioning-log"
    whole = (await officer.get(log)).text
    assert "kept for 180 days" in whole
    assert ("amal@agency.example" in whole, "This userName is taken" in whole) == (True, True)
    refused = (await officer.get(log, params={"outcome": "refused"})).text
    assert "This userName is taken" in refused
    assert "=cmd|x" not in refused
    found = (await officer.get(log, params={"name": "AMAL@", "action": "create"})).text
    assert "=cmd|x" not in found
    sheet = (await officer.get(f"{log}.csv")).text
    assert "'=cmd|x" in sheet
    assert (await officer.get(log, params={"client": "x", "name": "\0"})).status_code == 200
    learner = await as_role(client, app, directory, "learner")
    assert (await learner.get(log)).status_code == 403
    assert (await learner.get(page(directory))).status_code == 403


async def test_the_log_walks_back_page_by_page(
    admin: httpx.AsyncClient, directory: Directory
) -> None:
    base = f"/t/{directory.slug}/scim/v2/Users"
    for number in range(60):
        await admin.post(base, json=user(f"n{number}"), headers=directory.headers)
    log = f"/t/{directory.slug}/provisioning-log"
    first = (await admin.get(log)).text
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = (await admin.get(following.replace("&amp;", "&"))).text
    names = [set(re.findall(r"n\d+@agency", text)) for text in (first, second)]
    assert (len(names[0]), len(names[1]), names[0] & names[1]) == (50, 10, set())
