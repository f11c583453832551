"""An instance: its secrets, its ports, its servers together, and what a broken run leaves."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from infra.instance import Instance, Progress
from infra.problem import ServerProblem
from infra.servers.identity import is_alive
from infra.servers.leftovers import end_leftovers
from infra.servers.process import (
    Record,
    free_port,
    read_record,
    stop_recorded,
    write_private,
)
from infra.servers.valkey import ValkeyServer
from passerelle.kernel import settings as kernel_settings


def rewrite_record(directory: Path, **changed: float) -> Record:
    record = read_record(directory)
    assert record is not None
    made = msgspec.structs.replace(record, **changed)
    write_private(directory / "process.json", msgspec.json.encode(made))
    return made


async def started(instance: Instance, *, keycloak: bool = False) -> Instance:
    return await asyncio.to_thread(instance.start, keycloak=keycloak)


async def test_an_instance_keeps_its_secrets_and_ports_and_is_used_by_one_run(folder: Path) -> None:
    done: list[Progress] = []
    instance = await started(Instance("one", made=folder, progress=done.append))
    try:
        first = instance.environment()
        settings = kernel_settings.load(first)
        assert settings.public_url == f"http://localhost:{instance.web_port}"
        for name in ("secrets.json", "settings.env"):
            assert stat.S_IMODE((instance.directory / name).stat().st_mode) == 0o600
        assert "PostgreSQL" in {progress.what for progress in done}
        with pytest.raises(ServerProblem, match="in use by another run"):
            await started(Instance("one", made=folder))
        assert instance.postgres.running
        processes = [
            psutil.Process(server.process_id)
            for server in (instance.postgres, instance.valkey, instance.mail)
        ]
    finally:
        instance.stop()
    assert not any(is_alive(process) for process in processes)
    with await started(Instance("one", made=folder)) as again:
        assert again.environment() == first
    (folder / "one" / "secrets.json").unlink()
    with pytest.raises(ServerProblem, match=r"secrets\.json is missing"):
        await started(Instance("one", made=folder))


async def test_keycloak_follows_the_instance_to_another_port(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Variables that break or open a Keycloak which inherits them.
    monkeypatch.setenv("KC_DB_URL", "")
    monkeypatch.setenv("DEBUG", "true")
    # Not the usual port: a demo on this machine may take that at any moment.
    (folder / "one").mkdir()
    (folder / "one" / "web-port").write_text(str(free_port()))
    instance = await started(Instance("one", made=folder), keycloak=True)
    try:
        first = kernel_settings.load(instance.environment())
        assert await redirect_is_known(first)
    finally:
        instance.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first.web_port))
        other.listen()
        moved = await started(Instance("one", made=folder), keycloak=True)
        try:
            second = kernel_settings.load(moved.environment())
            assert second.web_port != first.web_port
            assert second.keycloak_url == first.keycloak_url
            assert await redirect_is_known(second)
            assert not await redirect_is_known(
                msgspec.structs.replace(second, public_url=first.public_url)
            )
        finally:
            moved.stop()


async def redirect_is_known(settings: kernel_settings.Settings) -> bool:
    """Whether the realm lets the web client send people back to `settings.public_url`."""
    realm = f"{settings.keycloak_url}/realms/{settings.keycloak_realm}"
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.get(
            f"{realm}/protocol/openid-connect/auth",
            params={
                "client_id": settings.keycloak_client_id,
                "response_type": "code",
                "scope": "openid",
                "redirect_uri": f"{settings.public_url}/auth/callback",
                "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "code_challenge_method": "S256",
            },
        )
    return answer.status_code != httpx.codes.BAD_REQUEST


def test_what_a_killed_run_left_is_ended_and_a_strangers_process_never(folder: Path) -> None:
    server = ValkeyServer(folder / "valkey")
    with server:
        process = psutil.Process(server.process_id)
        with pytest.raises(ServerProblem, match=f"in use by process {os.getpid()}"):
            end_leftovers(folder)
        # The number on record now belongs to a process that began at another moment.
        record = rewrite_record(folder / "valkey", started_at=process.create_time() - 3600)
        assert not stop_recorded(folder / "valkey")
        assert is_alive(process)
        rewrite_record(
            folder / "valkey",
            started_at=record.started_at + 3600,
            owner_started_at=record.owner_started_at - 3600,
        )
        assert end_leftovers(folder) == 1
        assert not is_alive(process)


def test_a_server_whose_run_has_ended_is_taken_over(folder: Path) -> None:
    first = ValkeyServer(folder / "valkey")
    with first:
        record = read_record(folder / "valkey")
        assert record is not None
        rewrite_record(folder / "valkey", owner_started_at=record.owner_started_at - 3600)
        second = ValkeyServer(folder / "valkey").start()
        assert second.process_id == first.process_id
        process = psutil.Process(second.process_id)
        second.stop()
        assert not is_alive(process)
