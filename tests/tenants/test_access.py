"""Every route declares a permission; sessions are what they were opened for and nothing else."""

import re

import httpx
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from redis.asyncio import Redis

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tenants.access.middleware import session_token
from tenants.access.roles import ROLES
from tenants.access.sessions import COOKIE, Sessions
from tests.conftest import People, csrf_headers, sign_in, sign_in_person

KNOWN = {"public", "person", "operator", "member"} | frozenset().union(*ROLES.values())
WRITING = {"POST", "PUT", "PATCH", "DELETE"}


def routes(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    return [
        (route.path, method, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in sorted(handler.http_methods - {"OPTIONS"})
    ]


def test_every_route_declares_a_permission_that_some_role_has(app: Litestar) -> None:
    declared = {
        f"{method} {path}": handler.opt.get("permission") for path, method, handler in routes(app)
    }
    assert len(declared) > 30
    assert {route for route, permission in declared.items() if permission not in KNOWN} == set()


def test_every_route_of_a_tenant_names_it_and_none_of_them_is_merely_personal(
    app: Litestar,
) -> None:
    for path, method, handler in routes(app):
        permission = handler.opt["permission"]
        if permission == "person":
            assert path.startswith("/me"), (method, path)
        elif permission == "operator":
            assert path.startswith("/api/operator/"), (method, path)
        elif permission != "public":
            assert path.startswith("/t/{slug:str}"), (method, path)


async def test_without_a_session_every_private_route_is_refused(
    app: Litestar, client: httpx.AsyncClient
) -> None:
    headers = {"accept": "application/json", **await csrf_headers(client)}
    asked = 0
    for path, method, handler in routes(app):
        if handler.opt["permission"] == "public":
            continue
        answer = await client.request(method, filled(path), headers=headers)
        assert answer.status_code in (401, 404), (method, path, answer.status_code)
        asked += 1
    assert asked > 20


def filled(path: str) -> str:
    """A route's path with plausible values for its parameters."""
    values = {"uuid": "01980000-0000-7000-8000-000000000000", "str": "retail", "int": "1"}
    values["path"] = "Users"
    return re.sub(r"\{[^:}]+:(\w+)\}", lambda match: values[match[1]], path)


def test_of_two_cookies_of_a_session_the_more_specific_paths_counts() -> None:
    assert session_token(f"{COOKIE}=own; other=x; {COOKIE}=put-there-by-a-neighbour") == "own"
    assert session_token(f'broken="; {COOKIE}=own') == "own"
    assert session_token(f"not_{COOKIE}=x; {COOKIE}s=y") == ""


async def test_a_role_without_the_permission_is_refused_and_the_refusal_is_on_record(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    two_tenants: tuple[People, People],
) -> None:
    people, _ = two_tenants
    await sign_in(client, app, people, "learner")
    answer = await client.get(
        f"/t/{people.slug}/api/requisitions", headers={"accept": "application/json"}
    )
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/problem+json")
    reader = database.tenant_reader(people.tenant_id, actors.system("tests"))
    refused = await reader.fetch_value(
        "select count(*) from tenant_event where tenant_id = $1 and name = 'access.refused'"
        " and person_id = $2",
        people.tenant_id,
        people.learner_id,
    )
    assert refused == 1


async def test_a_session_of_one_organisation_opens_nothing_of_another(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    one, other = two_tenants
    await sign_in(client, app, one, "recruiter")
    token = next(cookie.value for cookie in client.cookies.jar if cookie.name == COOKIE)
    stolen = {"cookie": f"{COOKIE}={token}", "accept": "application/json"}
    for path in (f"/t/{other.slug}/api/requisitions", "/me"):
        answer = await client.get(path, headers=stolen)
        assert answer.status_code == 401, path
    answer = await client.get(f"/t/{one.slug}/api/requisitions", headers=stolen)
    assert answer.status_code == 200


async def test_a_person_session_opens_no_organisation(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    people, _ = two_tenants
    await sign_in_person(client, app, people.learner_id)
    token = next(cookie.value for cookie in client.cookies.jar if cookie.name == COOKIE)
    answer = await client.get(
        f"/t/{people.slug}/api/requisitions",
        headers={"cookie": f"{COOKIE}={token}", "accept": "application/json"},
    )
    assert answer.status_code == 401


async def test_a_closed_session_is_over_at_once(
    app: Litestar,
    client: httpx.AsyncClient,
    two_tenants: tuple[People, People],
    settings: Settings,
    valkey: Redis,
) -> None:
    people, _ = two_tenants
    actor = await sign_in(client, app, people, "recruiter")
    path = f"/t/{people.slug}/api/requisitions"
    assert (await client.get(path)).status_code == 200
    assert actor.person_id is not None
    assert await Sessions(valkey, settings).close_of_person(actor.person_id) >= 1
    answer = await client.get(path, headers={"accept": "application/json"})
    assert answer.status_code == 401


async def test_a_session_ends_at_its_absolute_time_however_busy(
    settings: Settings, valkey: Redis, two_tenants: tuple[People, People]
) -> None:
    from tenants.access.sessions import person_actor

    short = msgspec.structs.replace(settings, session_absolute_minutes=0)
    sessions = Sessions(valkey, short)
    header = await sessions.open(person_actor(two_tenants[0].learner_id, "A", "en", {}))
    token = header.split(";", 1)[0].split("=", 1)[1]
    assert await sessions.find(token) is None


async def test_a_page_without_a_session_leads_to_the_sign_in_and_back(
    client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    answer = await client.get("/t/retail/hiring", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/t/retail/sign-in?next=%2Ft%2Fretail%2Fhiring"
    framed = await client.get(
        "/t/retail/hiring", headers={"accept": "text/html", "sec-fetch-dest": "iframe"}
    )
    assert framed.status_code == 401


async def test_the_session_cookie_is_closed_to_scripts_and_to_other_paths(
    settings: Settings, valkey: Redis, two_tenants: tuple[People, People]
) -> None:
    from tenants.access.sessions import person_actor

    header = await Sessions(valkey, settings).open(
        person_actor(two_tenants[0].learner_id, "A", "en", {})
    )
    for part in ("Path=/me", "HttpOnly", "Secure", "SameSite=None", "Partitioned"):
        assert part in header


async def test_a_writing_request_without_its_token_is_refused(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    people, _ = two_tenants
    await sign_in(client, app, people, "recruiter")
    proves_itself = {"/lti/login", "/lti/launch", "/auth/backchannel-logout"}
    asked = 0
    for path, method, handler in routes(app):
        if method not in WRITING or path in proves_itself:
            continue
        if handler.opt.get("exclude_from_csrf"):
            # Takes no session into account, so there is nothing to forge.
            assert handler.opt["permission"] in ("public", "operator"), path
            continue
        answer = await client.request(method, filled(path), json={})
        assert answer.status_code == 403, (method, path)
        asked += 1
    assert asked > 5
