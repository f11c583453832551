"""`passerelle tenant`, as an operator types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.commands import app
from infra.commands.context import console
from infra.servers.postgres import PostgresServer
from infra.servers.valkey import ValkeyServer
from passerelle.kernel.errors import Invalid, NotFound
from tenants.organisations.problems import ConfirmationWrong, SlugTaken
from tests.running import environment

CREATE = [
    *("tenant", "create", "by-command", "--english", "Health", "--french", "Santé"),
    *("--arabic", "الصحة", "--owner", "owner@health.example"),
]
Typed = Callable[..., str]


@pytest.fixture
def typed(
    postgres: PostgresServer,
    valkey_server: ValkeyServer,
    database_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Typed:
    """Runs a command and returns what it printed."""
    for name, value in environment(postgres, valkey_server, database_name, tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(console, "width", 200)

    def run(*words: str) -> str:
        capsys.readouterr()
        status = app(list(words), result_action="return_value")
        assert status == 0
        return capsys.readouterr().out

    return run


def test_an_organisation_from_its_making_to_its_restoration(typed: Typed) -> None:
    assert "owner@health.example is invited to own it" in typed(*CREATE)
    with pytest.raises(SlugTaken):
        typed(*CREATE)
    assert "Health" in typed("tenant", "list")
    listed = json.loads(typed("tenant", "list", "--search", "by-com", "--json"))
    assert [(one["slug"], one["status"]) for one in listed] == [("by-command", "active")]
    assert "الصحة" in typed("tenant", "show", "by-command")

    said = typed("tenant", "suspend", "by-command", "--reason", "Unpaid.")
    assert "suspended (Unpaid.)" in said
    lifted = json.loads(typed("tenant", "lift", "by-command", "--reason", "Paid.", "--json"))
    assert lifted["status"] == "active"
    with pytest.raises(Invalid):
        typed("tenant", "suspend", "by-command", "--reason", " ")

    with pytest.raises(ConfirmationWrong):
        typed("tenant", "delete", "by-command", "--reason", "Over.", "--confirm", "by-mistake")
    said = typed("tenant", "delete", "by-command", "--reason", "Over.", "--confirm", "by-command")
    assert "to be erased from" in said
    assert "active" in typed("tenant", "restore", "by-command", "--reason", "Not over.")
    with pytest.raises(NotFound):
        typed("tenant", "show", "nobody")


def test_a_command_repeated_with_its_key_makes_one(typed: Typed) -> None:
    words = ["by-key" if word == "by-command" else word for word in CREATE]
    first = json.loads(typed(*words, "--request-key", "k", "--json"))
    second = json.loads(typed(*words, "--request-key", "k", "--json"))
    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"]
