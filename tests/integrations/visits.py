"""A browser's visits to our doors and to Keycloak, step by step."""

from collections.abc import Callable

import httpx

from infra.demo import sign_in as driver
from tenants.access.sessions import COOKIE
from tests.integrations.conftest import PASSWORD

Browsers = Callable[[], httpx.AsyncClient]


def session_of(client: httpx.AsyncClient, path: str) -> str | None:
    return next((c.value for c in client.cookies.jar if c.name == COOKIE and c.path == path), None)


async def to_the_callback(client: httpx.AsyncClient, start: str, email: str) -> str:
    """Signs in at Keycloak and stops at the address that it sends the browser back to."""
    client.follow_redirects = False
    page = await client.get(start)
    page = await client.get(page.headers["location"])
    while page.status_code == 200:
        form = driver.form_of(page)
        assert form is not None, page.text
        filled = {"username": email, "password": PASSWORD}
        answers = {name: filled.get(name, value) for name, value in form.fields.items()}
        page = await client.post(form.action, data=answers)
    client.follow_redirects = True
    return str(page.headers["location"])
