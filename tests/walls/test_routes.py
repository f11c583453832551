"""Each route with its permission: none without, none that changes unseen, none that lets in."""

import httpx
from litestar import Litestar, get
from litestar.testing import create_async_test_client

from infra.web import create_app
from passerelle.kernel.actor import MEMBER, OPERATOR, PERSON, PUBLIC
from tenants.access.guard import require_permission
from tenants.access.roles import PERMISSIONS
from tenants.access.sessions import COOKIE
from tests.conftest import People, csrf_headers, sign_in, sign_in_person
from tests.walls.routes import TABLE, any_settings, permissions, table

#: A value for each kind of a path's parameter.
FILLED = {"str": "region", "uuid": "01a20000-0000-7000-8000-000000000000", "int": "1", "path": "x"}


def test_the_committed_table_names_each_route_and_its_permission() -> None:
    now = table(create_app(any_settings())).splitlines()
    committed = TABLE.read_text(encoding="utf-8").splitlines()
    added, gone = sorted(set(now) - set(committed)), sorted(set(committed) - set(now))
    assert (added, gone) == ([], []), (
        "routes changed: look at them, then run `python -m tests.walls.routes`"
    )


def test_every_permission_is_one_that_a_role_can_hold() -> None:
    known = {*PERMISSIONS, PUBLIC, PERSON, MEMBER, OPERATOR}
    for route in permissions(create_app(any_settings())):
        assert route.permission in known, route


def test_a_route_below_an_organisation_is_open_to_its_members_alone() -> None:
    for route in permissions(create_app(any_settings())):
        if route.permission == PERSON:
            assert route.path.startswith("/me"), route
        elif route.permission == OPERATOR:
            assert route.path.startswith("/api/operator/"), route
        elif route.permission != PUBLIC:
            assert route.path.startswith("/t/{slug:str}/"), route


async def test_a_route_that_declares_no_permission_is_refused() -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "never seen"

    async with create_async_test_client([forgotten], guards=[require_permission]) as client:
        answer = await client.get("/forgotten")
        assert answer.status_code >= 400
        assert "never seen" not in answer.text


def concrete(path: str) -> str:
    parts = path.split("/")
    return "/".join(
        FILLED[part[1:-1].split(":")[1]] if part.startswith("{") else part for part in parts
    )


async def test_nobody_comes_in_without_a_session_or_with_that_of_the_other_space(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    """A person's session opens no organisation's page, a member's none of a person's own space."""
    csrf = await csrf_headers(client)
    # An operator's mistakes are limited by a rate of their own: their tests are elsewhere.
    routes = [one for one in permissions(app) if one.permission not in (PUBLIC, OPERATOR)]
    for session in ("none", "person", "member"):
        client.cookies.delete(COOKIE) if COOKIE in client.cookies else None
        if session == "person":
            await sign_in_person(client, app, two_tenants[0].learner_id)
        elif session == "member":
            await sign_in(client, app, two_tenants[0], "learner")
        token = next((one.value for one in client.cookies.jar if one.name == COOKIE), "")
        cookie = f"passerelle_csrf={client.cookies['passerelle_csrf']}; {COOKIE}={token}"
        headers = {**csrf, "accept": "application/json", "cookie": cookie}
        for route in routes:
            theirs = {"person": {PERSON}, "member": {"learn", MEMBER}}.get(session, set())
            if route.permission in theirs:
                continue
            path = concrete(route.path)
            answer = await client.request(route.method, path, headers=headers)
            assert answer.status_code in (303, 401, 403), (session, route, answer.status_code)
            assert answer.status_code != 303 or "sign-in" in answer.headers["location"], route
