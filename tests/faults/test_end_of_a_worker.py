"""A worker's processes end with their parent, however it ended."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.servers.application import WorkerServer
from infra.servers.postgres import PostgresServer
from infra.servers.valkey import ValkeyServer
from tests.running import environment

ENDED_WITHIN_S = 5.0


@pytest.fixture
def worker(
    postgres: PostgresServer,
    valkey_server: ValkeyServer,
    database_name: str,
    tmp_path: Path,
) -> Iterator[WorkerServer]:
    variables = environment(postgres, valkey_server, database_name, tmp_path)
    server = WorkerServer(tmp_path / "worker", variables)
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_of_a_worker_outlives_its_parent(
    worker: WorkerServer, end: signal.Signals
) -> None:
    parent = psutil.Process(worker.process_id)
    children = parent.children(recursive=True)
    assert children
    try:
        parent.send_signal(end)
        parent.wait(ENDED_WITHIN_S + 5)
        deadline = time.monotonic() + ENDED_WITHIN_S
        while left := [child for child in children if lives(child)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
    finally:
        for child in filter(lives, children):
            child.kill()


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
