"""A server as a child process: started, known again by a later run, and ended by its own id.

Nothing here waits for a clock: a server is ready when its own health says so, within a deadline.
A server that we started ends when we do, even when we are killed (Linux), and nothing is ever
signalled that is not provably ours: the id *and* the moment it started must be those on record.
"""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import psutil

from infra.problem import ServerProblem
from infra.servers.identity import POLL_S, end, ended_within, find, is_alive
from infra.servers.spawner import spawner

LOG_LIMIT_BYTES = 10 * 2**20
LAUNCH = Path(__file__).with_name("launch.py")


class Record(msgspec.Struct):
    """What `process.json` in a server's directory says; times are Unix seconds."""

    process_id: int
    started_at: float
    owner_id: int
    owner_started_at: float
    ports: dict[str, int]


class User(msgspec.Struct, frozen=True):
    """The system's user that a server runs as, where it must not be ours."""

    name: str
    user_id: int
    group_id: int


class ServerProcess:
    """One server and its directory: `process.json` (who runs), `server.log` (what it said)."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.ports: dict[str, int] = {}
        self.owned = False
        self._process: psutil.Process | None = None
        self._log_start = 0

    @property
    def log_path(self) -> Path:
        return self.directory / "server.log"

    @property
    def process_id(self) -> int:
        if self._process is None:
            raise ServerProblem(f"{self.name} is not running.", "Start it first.")
        return int(self._process.pid)

    @property
    def running(self) -> bool:
        return self._process is not None and is_alive(self._process)

    def start(
        self,
        command: Sequence[str | Path],
        *,
        ports: Mapping[str, int],
        environment: Mapping[str, str] | None = None,
        user: User | None = None,
        death_signal: signal.Signals = signal.SIGTERM,
        working_directory: Path | None = None,
    ) -> None:
        """Starts `command` in a process group of its own, its output added to `server.log`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_LIMIT_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.old"))
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            child = spawner.popen(
                [
                    *(sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid())),
                    *(str(int(death_signal)), _user_and_group(user)),
                    *(str(part) for part in command),
                ],
                os.environ if environment is None else environment,
                working_directory or self.directory,
                log,
            )
        self._process, self.owned, self.ports = child, True, dict(ports)
        self._write_record()

    def adopt(self) -> bool:
        """Whether the server on record still runs; if so this object now stands for it.

        It is ours to stop when the process that started it has ended, and a guest's otherwise.
        """
        if self.running:
            return True
        record = read_record(self.directory)
        process = None if record is None else find(record.process_id, record.started_at)
        if record is None or process is None:
            return False
        self._process, self.ports = process, dict(record.ports)
        self.owned = find(record.owner_id, record.owner_started_at) is None
        if self.owned:
            self._write_record()
        return True

    def wait_until(self, healthy: Callable[[], bool], deadline_s: float) -> None:
        """Returns when `healthy`; raises ServerProblem if the server ends or time runs out."""
        give_up_at = time.monotonic() + deadline_s
        while not healthy():
            if not self.running:
                raise ServerProblem(
                    f"{self.name} ended while starting: {self.last_words()}",
                    f"Its log is {self.log_path}.",
                )
            if time.monotonic() > give_up_at:
                raise ServerProblem(
                    f"{self.name} was not ready within {deadline_s:.0f} s: {self.last_words()}",
                    f"Its log is {self.log_path}; if the machine is only busy, try again.",
                )
            time.sleep(POLL_S)

    def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Sends each signal in turn, waiting up to its seconds for the end; SIGKILL at last."""
        process = self._process
        if process is not None:
            end(process, *steps)
        self._forget()

    def kill(self) -> None:
        """SIGKILL to the server and then to every process it had started, as in a power cut."""
        process = self._process
        if process is None:
            return
        family = [process]
        with contextlib.suppress(psutil.NoSuchProcess):
            family += process.children(recursive=True)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        for member in family:
            ended_within(member, 10)
        self._forget()

    def leave(self) -> None:
        """Lets go of a server that someone else owns, without ending it."""
        self._process = None

    def log_since_start(self) -> str:
        """What the server wrote since this object started it, at most the last 64 KiB."""
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as log:
            end_of_log = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end_of_log - 2**16))
            return log.read().decode(errors="replace")
        return ""

    def last_words(self) -> str:
        """The last line that says something, for a message."""
        lines = [line.strip() for line in self.log_since_start().splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"

    def _write_record(self) -> None:
        process, owner = self._process, psutil.Process()
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            record = Record(
                process.pid, process.create_time(), owner.pid, owner.create_time(), self.ports
            )
            write_private(self.directory / "process.json", msgspec.json.encode(record))

    def _forget(self) -> None:
        self._process = None
        # The record stays: its ports are asked for again, and its process is known to be gone.


def read_record(directory: Path) -> Record | None:
    try:
        return msgspec.json.decode((directory / "process.json").read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def stop_recorded(directory: Path, *steps: tuple[signal.Signals, float]) -> bool:
    """Ends the server on record in `directory` if it is still that process; whether there was."""
    record = read_record(directory)
    process = None if record is None else find(record.process_id, record.started_at)
    if process is None:
        return False
    end(process, *steps)
    return True


def free_port(*preferred: int | None, but_not: Sequence[int] = ()) -> int:
    """The first of `preferred` where nothing listens on loopback, else any free port."""
    for wanted in (*preferred, *(0,) * 8):
        if wanted is None or wanted in but_not:
            continue
        port = _bound("127.0.0.1", wanted)
        # `localhost` may mean either: a stranger on ::1 would answer in our place.
        if port and port not in but_not and (_bound("::1", port) or not _has_loopback_6()):
            return port
    raise ServerProblem(
        "No port is free on 127.0.0.1.", "End some of the programs that hold them, and try again."
    )


def _bound(address: str, port: int) -> int | None:
    """The port that could be bound for a moment, else None."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return int(probe.getsockname()[1])
    return None


def _has_loopback_6() -> bool:
    return socket.has_ipv6 and _bound("::1", 0) is not None


def hold_lock(directory: Path) -> BinaryIO | None:
    """An open lock of the directory for as long as this process lives, or None: another has it."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory / "run.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One process at a time may start or mend the server of `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_private(path: Path, content: bytes) -> None:
    """Replaces the file in one step, readable by its owner only."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)


def _user_and_group(user: User | None) -> str:
    return "-" if user is None else f"{user.user_id}:{user.group_id}"
