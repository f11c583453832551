"""`passerelle doctor` names what is broken, and the outbox commands mend what can be mended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis

from infra.commands import outbox
from infra.commands.checks.finding import Finding
from infra.commands.context import OPERATOR_DATABASE_URL, use_settings_file
from infra.commands.doctor import examine
from infra.problem import OperatorProblem
from infra.servers.mail import MailCatcher
from infra.servers.postgres import PostgresServer
from passerelle.kernel.database import Database
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import PREFIX, Settings
from tenants.service import create_tenant

NOBODY_LISTENS = 1
EXPECTED_WARNINGS = {"keycloak", "web", "worker", "taxonomy", "model", "audit heads"}
"""What the tests neither start nor load for this module."""


@pytest.fixture(scope="module")
def mail(module_folder: Path) -> Iterator[MailCatcher]:
    with MailCatcher(module_folder) as catcher:
        yield catcher


@pytest.fixture
def variables(
    settings: Settings,
    mail: MailCatcher,
    postgres: PostgresServer,
    database_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The environment of a service that is well, but for what was not started."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    made = {
        PREFIX + name.upper(): str(getattr(settings, name))
        for name in settings.__struct_fields__
        if isinstance(getattr(settings, name), str | int | float)
    }
    made[PREFIX + "PUBLIC_URL"] = f"http://localhost:{NOBODY_LISTENS}"
    made[PREFIX + "SMTP_PORT"] = str(mail.smtp_port)
    made[OPERATOR_DATABASE_URL] = postgres.superuser_dsn(database_name)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


def by_check(findings: list[Finding], state: str) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings if finding.state == state}


async def test_a_service_that_is_well_has_no_problem(variables: dict[str, str]) -> None:
    findings = await examine()
    assert by_check(findings, "problem") == {}
    assert set(by_check(findings, "warning")) <= EXPECTED_WARNINGS
    assert {"walls", "migrations", "clock", "outbox", "mail"} <= set(by_check(findings, "ok"))


@pytest.mark.parametrize(
    ("name", "value", "check", "said"),
    [
        ("PUBLIC_URL", None, "settings", "PASSERELLE_PUBLIC_URL"),
        ("WEB_PORT", "many", "settings", "PASSERELLE_WEB_PORT"),
        ("PUBLIC_URL", "http://region.example", "public address", "http://region.example"),
        ("MASTER_KEY", "c2hvcnQ=", "settings", "PASSERELLE_MASTER_KEY"),
        ("OBJECTS_DIRECTORY", "/nowhere/at/all", "objects folder", "/nowhere/at/all"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/x", "database as web_tenant", ":1/x"),
        ("DATABASE_PASSWORD_WEB_PERSON", "wrong", "database as web_person", "web_person"),
        ("VALKEY_URL", "redis://127.0.0.1:1/0", "valkey", "does not answer"),
        ("KEYCLOAK_URL", "http://localhost:1", "keycloak", "http://localhost:1"),
        ("SMTP_PORT", "1", "mail", "127.0.0.1:1"),
        ("OPERATOR_DATABASE_URL", "postgresql://x@127.0.0.1:1/x", "migrations", "does not lead"),
    ],
)
async def test_a_broken_setting_is_named(
    variables: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
    check: str,
    said: str,
) -> None:
    if value is None:
        monkeypatch.delenv(PREFIX + name)
    else:
        monkeypatch.setenv(PREFIX + name, value)
    found = by_check(await examine(), "problem")[check]
    assert said in found.what
    assert found.why
    assert found.mend


async def test_no_secret_is_ever_shown(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "correct-horse-battery-staple"
    for name in ("DATABASE_PASSWORD_WEB_TENANT", "KEYCLOAK_CLIENT_SECRET"):
        monkeypatch.setenv(PREFIX + name, secret)
    valkey = urlsplit(variables[PREFIX + "VALKEY_URL"])
    monkeypatch.setenv(PREFIX + "VALKEY_URL", f"redis://:{secret}@127.0.0.1:{valkey.port}/0")
    findings = await examine()
    assert "valkey" in by_check(findings, "problem")
    assert secret not in repr(findings)
    monkeypatch.setenv(PREFIX + "MASTER_KEY", secret)
    findings = await examine()
    assert "settings" in by_check(findings, "problem")
    assert secret not in repr(findings)


@pytest.mark.parametrize(
    ("broken", "mended", "check", "said"),
    [
        (
            "alter table member no force row level security",
            "alter table member force row level security",
            "row-level security",
            "member",
        ),
        (
            "create policy leak on member to web_tenant using (true)",
            "drop policy leak on member",
            "policies",
            "member.leak",
        ),
        (
            "alter role web_lookup createdb",
            "alter role web_lookup nocreatedb",
            "roles",
            "web_lookup",
        ),
        (
            "delete from migration where name = '0001_kernel'",
            None,
            "migrations",
            "0001_kernel",
        ),
    ],
)
async def test_a_wall_that_is_down_is_named(
    variables: dict[str, str],
    superuser: asyncpg.Connection,
    broken: str,
    mended: str | None,
    check: str,
    said: str,
) -> None:
    kept = await superuser.fetch("select * from migration")
    await superuser.execute(broken)
    try:
        assert said in by_check(await examine(), "problem")[check].what
    finally:
        if mended is not None:
            await superuser.execute(mended)
        await superuser.executemany(
            "insert into migration values ($1, $2, $3) on conflict do nothing",
            [tuple(row.values()) for row in kept],
        )


async def test_a_broker_that_may_drop_messages_is_named(
    variables: dict[str, str], valkey: Redis
) -> None:
    await valkey.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "allkeys-lru" in by_check(await examine(), "problem")["valkey memory"].what
    finally:
        await valkey.config_set("maxmemory-policy", "noeviction")


async def test_a_dead_delivery_is_named_listed_and_tried_again(
    variables: dict[str, str], database: Database, superuser: asyncpg.Connection
) -> None:
    name = Localised("Dead", "Mort", "ميت")
    tenant_id = await create_tenant(database, "dead", name, "en", listed=False)
    await superuser.execute(
        "insert into tenant_delivery (tenant_id, event_id, listener, attempts, dead_at, last_error)"
        " select tenant_id, id, 'tests', 12, now(), 'the LMS was away' from tenant_event"
        " where tenant_id = $1 and name = 'tenant.created'",
        tenant_id,
    )
    assert "1 failed" in by_check(await examine(), "problem")["dead deliveries"].what
    state, dead = await outbox.outbox_state()
    assert (state["dead"], dead[0]["last_error"]) == (1, "the LMS was away")
    assert await outbox.replay_dead() == 1
    assert "dead deliveries" not in by_check(await examine(), "problem")


def test_the_exit_status_says_whether_there_is_a_problem(variables: dict[str, str]) -> None:
    command = [sys.executable, "-m", "infra.commands", "doctor", "--json"]
    well = subprocess.run(command, capture_output=True, check=False)
    assert well.returncode == 0, well.stdout
    assert all(finding["state"] != "problem" for finding in json.loads(well.stdout))
    ill = subprocess.run(
        command, capture_output=True, env={**os.environ, PREFIX + "SMTP_PORT": "1"}, check=False
    )
    assert ill.returncode == 1
    assert "mail" in {
        finding["check"] for finding in json.loads(ill.stdout) if finding["state"] == "problem"
    }


def test_a_line_of_the_settings_file_that_is_no_setting_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "settings.env"
    file.write_text("# ours\n\nPASSERELLE_LOG_LEVEL = debug\nPATH=/tmp\n")
    monkeypatch.setenv("PASSERELLE_LOG_LEVEL", "info")
    with pytest.raises(OperatorProblem) as caught:
        use_settings_file(file)
    assert "Line 4" in caught.value.what
    assert os.environ["PASSERELLE_LOG_LEVEL"] == "debug"
