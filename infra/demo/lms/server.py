"""The LMS's process, as the demo and the tests start it, and what they ask of it."""

import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from infra.demo.lms.app import Connection
from infra.demo.lms.book import Cell, Content, Link, NewTool, Outcome, User
from infra.problem import ServerProblem
from infra.servers.process import ServerProcess, free_port, locked, read_record

START_DEADLINE_S = 30.0
STOP_STEPS = ((signal.SIGTERM, 5.0),)
START_TRIES = 4


class LmsServer:
    """An LMS on loopback. `host` is the name by which browsers reach it."""

    def __init__(self, directory: Path, *, host: str = "localhost", port: int | None = None):
        self.directory, self.host = directory, host
        self._preferred_port = port
        self._process = ServerProcess("The LMS", directory)

    @property
    def port(self) -> int:
        return self._process.ports["http"]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def address(self) -> str:
        """host:port, for the setting `allowed_private_addresses`."""
        return f"{self.host}:{self.port}"

    def start(self) -> Self:
        """Starts, or joins the one of this directory that already runs. Returns itself."""
        with locked(self.directory):
            if self._process.adopt():
                return self
            record = read_record(self.directory)
            kept = self._preferred_port or (record.ports.get("http") if record else None)
            for attempt in range(START_TRIES):
                self._start(free_port(kept if attempt == 0 else None))
                try:
                    self._process.wait_until(self._answers, START_DEADLINE_S)
                except ServerProblem:
                    said = self._process.log_since_start()
                    self.stop()
                    if "address already in use" not in said or attempt == START_TRIES - 1:
                        raise
                else:
                    break
        return self

    def _start(self, port: int) -> None:
        command = [
            *(sys.executable, "-m", "infra.demo.lms", "--port", str(port)),
            *("--directory", str(self.directory), "--host", self.host),
        ]
        root = Path(__file__).parents[3]
        self._process.start(command, ports={"http": port}, working_directory=root)

    def stop(self) -> None:
        if self._process.owned:
            self._process.stop(*STOP_STEPS)
        else:
            self._process.leave()

    def add_tool(self, tool: NewTool) -> Connection:
        """Sets the tool up in the LMS; returns what its administrator copies from there."""
        return msgspec.convert(self._post("tools", tool), Connection)

    def add_user(self, user: User) -> None:
        self._post("users", user)

    def add_link(self, link: Link) -> None:
        self._post("links", link)

    def plan(self, outcomes: Sequence[Outcome], user_id: str = "*") -> None:
        """What becomes of the next scores of this user (of anyone), in turn."""
        self._post(f"plan/{user_id}", list(outcomes))

    def book(self) -> Content:
        reply = httpx.get(f"{self._local}/admin/book", trust_env=False)
        return msgspec.json.decode(reply.raise_for_status().content, type=Content)

    def grade(self, link_id: str, user_id: str) -> Cell | None:
        """What the grade book shows."""
        return self.book().grades.get(link_id, {}).get(user_id)

    @property
    def _local(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _post(self, what: str, value: object) -> Any:
        reply = httpx.post(
            f"{self._local}/admin/{what}",
            content=msgspec.json.encode(value),
            headers={"content-type": "application/json"},
            trust_env=False,
        )
        return reply.raise_for_status().json()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self._local}/health", trust_env=False).status_code == 200
        return False
