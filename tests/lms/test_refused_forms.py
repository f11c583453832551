"""Logins and forms that fit no connection are refused, each with a reason."""

import httpx
import pytest

from infra.demo.lms.server import LmsServer
from tests.lms.connected import Connected

LOGIN = {"login_hint": "u", "target_link_uri": "http://localhost:8000/lti/launch"}


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "login-incomplete"),
        ({"iss": "LMS", "login_hint": "u"}, "login-incomplete"),
        ({**LOGIN, "iss": "https://nowhere.example"}, "registration-unknown"),
        ({**LOGIN, "iss": "LMS", "client_id": "another"}, "registration-unknown"),
        ({**LOGIN, "iss": "LMS", "target_link_uri": "https://evil.example/"}, "target-foreign"),
        # Two organisations on one issuer, and no client id: nothing to tell them apart by.
        ({**LOGIN, "iss": "LMS"}, "registration-ambiguous"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_login_that_fits_no_connection_is_refused(
    tool: httpx.AsyncClient,
    lms: LmsServer,
    connected: Connected,
    also_connected: Connected,
    parameters: dict[str, str],
    problem: str,
    method: str,
) -> None:
    filled = {name: lms.url if value == "LMS" else value for name, value in parameters.items()}
    json = {"accept": "application/json"}
    if method == "GET":
        reply = await tool.get("/lti/login", headers=json, params=filled)
    else:
        reply = await tool.post("/lti/login", headers=json, data=filled)
    assert reply.json()["type"] == f"/problems/{problem}"
    assert (
        "set-cookie" not in reply.headers or "passerelle_launch" not in reply.headers["set-cookie"]
    )


async def test_a_login_may_come_as_a_form_and_without_deployment(
    tool: httpx.AsyncClient, lms: LmsServer, connected: Connected
) -> None:
    data = {**LOGIN, "iss": lms.url, "client_id": connected.client_id}
    reply = await tool.post("/lti/login", data=data)
    assert reply.status_code == 302
    assert reply.headers["location"].startswith(f"{lms.url}/authorize?scope=openid&")


async def test_an_error_that_the_lms_returns_is_shown(tool: httpx.AsyncClient) -> None:
    data = {"error": "login_required", "error_description": "no session", "state": "x"}
    reply = await tool.post("/lti/launch", data=data, headers={"accept": "application/json"})
    document = reply.json()
    assert document["type"] == "/problems/platform-declined"
    assert document["detail"] == "login_required: no session"


@pytest.mark.parametrize(
    "data", [{}, {"state": "x"}, {"id_token": "x"}, {"id_token": "", "state": ""}]
)
async def test_a_form_without_token_or_state_is_refused(
    tool: httpx.AsyncClient, data: dict[str, str]
) -> None:
    reply = await tool.post("/lti/launch", data=data, headers={"accept": "application/json"})
    assert (reply.status_code, reply.json()["type"]) == (400, "/problems/launch-incomplete")


async def test_a_tenants_key_set_is_public_and_holds_no_private_part(
    tool: httpx.AsyncClient, connected: Connected
) -> None:
    keys = (await tool.get("/t/region/lti/jwks.json")).json()["keys"]
    assert len(keys) == 1
    assert set(keys[0]) == {"kty", "n", "e", "kid", "alg", "use"}
    assert (await tool.get("/t/nowhere/lti/jwks.json")).status_code == 404
