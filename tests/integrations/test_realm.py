"""The realm as code: complete for Keycloak, and without a secret in the repository."""

import json
import stat
from pathlib import Path

import msgspec
import pytest

from infra.realm import PLACEHOLDER, TEMPLATE, RealmValues, filled, write_realm

VALUES = RealmValues(
    realm="passerelle",
    public_url="https://passerelle.example",
    web_client_id="passerelle-web",
    web_client_secret='s"e${realm}cret\\',
    admin_client_id="passerelle-admin",
    admin_client_secret="another",
    smtp_host="mail.example",
    smtp_port=2525,
    smtp_user="",
    smtp_password="",
    mail_from="no-reply@passerelle.example",
)


def test_the_file_is_its_owners_alone_and_named_as_keycloak_wants_it(tmp_path: Path) -> None:
    for _ in range(2):
        path = write_realm(tmp_path / "import", VALUES)
    assert path.name == "passerelle-realm.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert json.loads(path.read_text()) == filled(VALUES)


def test_every_placeholder_of_ours_is_filled_and_values_are_taken_as_they_are() -> None:
    realm = filled(VALUES)
    clients = {client["clientId"]: client for client in realm["clients"]}
    assert clients["passerelle-web"]["secret"] == VALUES.web_client_secret
    names = set(VALUES.placeholders())
    left = json.dumps(realm).replace(json.dumps(VALUES.web_client_secret), "")
    assert not names & {found[1] for found in PLACEHOLDER.finditer(left)}


def test_the_repository_holds_neither_a_secret_nor_an_address() -> None:
    template = TEMPLATE.read_text()
    realm = json.loads(template)
    assert all(c.get("secret", "${").startswith("${") for c in realm["clients"])
    assert "http://" not in template
    assert "https://" not in template
    assert all("credentials" not in user for user in realm["users"])


def test_a_client_is_closed_but_for_what_it_needs() -> None:
    clients = {client["clientId"]: client for client in filled(VALUES)["clients"]}
    web, administration = clients["passerelle-web"], clients["passerelle-admin"]
    assert web["redirectUris"] == ["https://passerelle.example/auth/callback"]
    assert web["attributes"]["pkce.code.challenge.method"] == "S256"
    for client in clients.values():
        assert not client.get("implicitFlowEnabled")
        assert not client["directAccessGrantsEnabled"]
        assert not any("*" in address for address in client["redirectUris"])
    assert not web["serviceAccountsEnabled"]
    assert not administration["standardFlowEnabled"]
    assert not clients["admin-cli"]["enabled"]


def test_a_password_for_mail_asks_for_tls() -> None:
    assert filled(VALUES)["smtpServer"]["starttls"] == "false"
    with_user = msgspec.structs.replace(VALUES, smtp_user="us", smtp_password="secret")
    server = filled(with_user)["smtpServer"]
    assert (server["auth"], server["starttls"]) == ("true", "true")


@pytest.mark.parametrize("locale", ["en", "fr", "ar"])
def test_the_three_languages_are_offered(locale: str) -> None:
    realm = filled(VALUES)
    assert realm["internationalizationEnabled"]
    assert locale in realm["supportedLocales"]
