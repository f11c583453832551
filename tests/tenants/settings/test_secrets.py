"""A secret that is set goes where it was meant to go."""

import httpx

from tests.conftest import People, csrf_headers
from tests.tenants.settings.conftest import send, version_of

MAIL = {
    "host": "mail.example.org",
    "port": "587",
    "security": "starttls",
    "user": "passerelle",
    "password": "a secret of ours",
    "from_address": "academy@example.org",
    "from_name": "The academy",
}


async def test_a_secret_does_not_go_along_to_another_server(
    admin: httpx.AsyncClient, people: People
) -> None:
    """Whoever doesn't know a password would get it sent to a server of their own."""
    address = f"/t/{people.slug}/settings/mail"
    assert (await send(admin, address, MAIL)).status_code == 303
    for moved in ({"host": "mail.evil.example"}, {"port": "2525"}, {"security": "tls"}):
        wanted = {**MAIL, **moved, "password": ""}
        answer = await send(admin, address, wanted)
        assert answer.status_code == 400
        assert "it would now be sent to another place" in answer.text
        version = int(await version_of(admin, address))
        asked = {"value": {**wanted, "port": int(wanted["port"])}, "version": version}
        api = address.replace("/settings", "/api/settings")
        answer = await admin.put(api, json=asked, headers=await csrf_headers(admin))
        assert answer.json()["errors"].keys() == {"password"}
    again = {**MAIL, "host": "mail.elsewhere.example", "password": "the other server's"}
    assert (await send(admin, address, again)).status_code == 303
