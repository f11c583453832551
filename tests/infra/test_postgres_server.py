"""PostgreSQL's lifecycle: killed, stopped, broken, in the way of another, asked twice."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from infra.problem import ServerProblem
from infra.servers import postgres_place
from infra.servers.identity import find, is_alive
from infra.servers.postgres import PostgresServer, explained
from infra.servers.process import read_record

ROOT = Path(__file__).parents[2]
WAIT_LIMIT_S = 30.0


async def ask(server: PostgresServer, sql: str) -> object:
    connection = await asyncpg.connect(server.superuser_dsn())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def data_of(server: PostgresServer) -> Path:
    return postgres_place.data_directory(server.directory, postgres_place.server_user())


@pytest.fixture(scope="module")
def server(module_folder: Path) -> Iterator[PostgresServer]:
    """One cluster for the tests that leave it as they found it."""
    with PostgresServer(module_folder) as started:
        yield started


async def test_a_server_that_was_killed_finds_what_it_acknowledged(server: PostgresServer) -> None:
    with server:
        await ask(server, "create table kept (value int)")
        await ask(server, "insert into kept values (7)")
        port, process_id = server.port, server.process_id
        family = psutil.Process(process_id).children(recursive=True)
        server.kill()
        assert not any(is_alive(member) for member in family)
        server.start()
        assert server.port == port
        assert server.process_id != process_id
        assert await ask(server, "select value from kept") == 7


async def test_it_is_durable_closed_and_speaks_utf_8(server: PostgresServer) -> None:
    with server:
        for name, wanted in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "max_connections": "200",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "data_checksums": "on",
        }.items():
            assert await ask(server, f"show {name}") == wanted, name
        assert await ask(server, "select datlocale from pg_database limit 1") == "C.UTF-8"
        assert await ask(server, "select lower('ÉTÉ')") == "été"
        assert (server.directory / "superuser-password").stat().st_mode & 0o777 == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.superuser_dsn().replace(server.password, "guess"))


async def test_two_servers_run_side_by_side(server: PostgresServer, folder: Path) -> None:
    with server, PostgresServer(folder) as other:
        assert server.port != other.port
        await ask(server, "create table only_here ()")
        with pytest.raises(asyncpg.UndefinedTableError):
            await ask(other, "select * from only_here")


async def test_a_second_start_joins_the_running_server_and_leaves_it_running(
    server: PostgresServer,
) -> None:
    with server:
        second = PostgresServer(server.directory).start()
        assert second.process_id == server.process_id
        second.stop()
        assert await ask(server, "select 1") == 1
        assert server.start().process_id == server.process_id
    assert not server.running


async def test_a_port_that_someone_took_is_left_to_them(server: PostgresServer) -> None:
    with server:
        port = server.port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with server:
            assert server.port != port
            assert await ask(server, "select 1") == 1


async def test_a_lock_of_a_process_that_is_no_more_is_forgotten(server: PostgresServer) -> None:
    with server:
        lock = data_of(server) / "postmaster.pid"
        left = lock.read_text()
        server.kill()
        # Another process has the number now: this one.
        lock.write_text(left.replace(left.splitlines()[0], str(os.getpid()), 1))
        server.start()
        assert await ask(server, "select 1") == 1


def test_a_creation_that_was_interrupted_begins_again(folder: Path) -> None:
    user = postgres_place.server_user()
    half_made = postgres_place.data_directory(folder, user).with_name("data.new")
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")
    with PostgresServer(folder) as server:
        assert server.running
    assert not half_made.exists()


@pytest.mark.parametrize(
    ("broken", "content", "said"),
    [
        ("global/pg_control", None, "pg_control"),
        ("global/pg_control", b"\0" * 8192, "incompatible with server"),
        ("PG_VERSION", None, "PG_VERSION is missing"),
        ("PG_VERSION", b"15\n", "written by PostgreSQL 15"),
    ],
)
def test_broken_data_is_said_with_the_way_to_mend_it(
    server: PostgresServer, broken: str, content: bytes | None, said: str
) -> None:
    server.stop()
    file = data_of(server) / broken
    aside = file.with_name("aside")
    file.rename(aside)
    if content is not None:
        shutil.copy2(aside, file)
        shutil.chown(file, aside.stat().st_uid, aside.stat().st_gid)
        file.write_bytes(content)
    with pytest.raises(ServerProblem) as caught:
        server.start()
    assert said in caught.value.what
    assert str(data_of(server)) in caught.value.what
    assert "make reset" in caught.value.mend
    aside.replace(file)
    with server:
        assert server.running


@pytest.mark.parametrize(
    ("said", "what", "mend"),
    [
        (
            "postgres: error while loading shared libraries: libz.so.1: cannot open shared object",
            "libz.so.1",
            "Install it",
        ),
        ("PANIC: could not write to file: No space left on device", "is full", "Free some space"),
        ("OSError: setgroups: Operation not permitted", "This root", "ordinary user"),
    ],
)
def test_what_the_system_lacks_is_said_in_words(said: str, what: str, mend: str) -> None:
    problem = explained(said, Path("data"))
    assert what in problem.what
    assert mend in problem.mend


def test_a_server_ends_with_the_process_that_started_it(folder: Path) -> None:
    script = (
        "import sys, pathlib; from infra.servers.postgres import PostgresServer;"
        "PostgresServer(pathlib.Path(sys.argv[1])).start(); print('up', flush=True);"
        "sys.stdin.read()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert starter.stdout is not None
    assert starter.stdin is not None
    assert starter.stdout.readline() == b"up\n"
    record = read_record(folder)
    assert record is not None
    starter.kill()
    starter.wait()
    give_up_at = time.monotonic() + WAIT_LIMIT_S
    while find(record.process_id, record.started_at) is not None:
        assert time.monotonic() < give_up_at, "PostgreSQL outlived the process that started it"
        time.sleep(0.05)
    starter.stdin.close()
    starter.stdout.close()


async def test_a_server_outlives_the_thread_that_started_it(server: PostgresServer) -> None:
    server.stop()
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    with server:
        assert await ask(server, "select 1") == 1


async def test_data_lies_where_the_servers_user_can_reach_it(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    as_root = os.geteuid() == 0
    with PostgresServer(closed / "postgres") as server:
        place = data_of(server)
        assert psutil.Process(server.process_id).uids().real != 0
        assert place.is_relative_to(closed) != as_root
        assert await ask(server, "select 1") == 1
    postgres_place.remove(closed / "postgres")
    assert place.exists() != as_root
