"""Our own two processes, started as an operator would: the web, and the worker."""

import contextlib
import os
import signal
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

from redis import Redis
from redis.exceptions import RedisError

from infra.database import LOGIN_ROLES
from infra.problem import ServerProblem
from infra.servers.process import ServerProcess, free_port, locked
from passerelle.kernel.database import ROLES, Process
from passerelle.kernel.relay import HEARTBEAT_KEY

START_DEADLINE_S = 90.0
STOP_STEPS = ((signal.SIGTERM, 20.0),)


def own_passwords(environment: Mapping[str, str], process: Process) -> dict[str, str]:
    """Without the passwords of database roles that this kind of process never works as."""
    foreign = {
        f"PASSERELLE_DATABASE_PASSWORD_{role.upper()}"
        for role in LOGIN_ROLES
        if role not in ROLES[process]
    }
    return {name: value for name, value in environment.items() if name not in foreign}


class WebServer:
    """One uvicorn process; `environment` holds the PASSERELLE_ variables."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._environment = own_passwords({**os.environ, **environment}, "web")
        self._process = ServerProcess("The web process", directory)

    @property
    def url(self) -> str:
        return self._environment["PASSERELLE_PUBLIC_URL"]

    @property
    def process_id(self) -> int:
        return self._process.process_id

    @property
    def log_path(self) -> Path:
        return self._process.log_path

    def start(self) -> None:
        port = int(self._environment["PASSERELLE_WEB_PORT"])
        with locked(self._process.directory):
            _end_left_over(self._process)
            if free_port(port) != port:
                raise ServerProblem(
                    f"Port {port} on 127.0.0.1 was taken in the meantime.", "Try again."
                )
            self._process.start(
                [
                    *(sys.executable, "-m", "uvicorn", "infra.web:application", "--factory"),
                    *("--host", "127.0.0.1", "--port", str(port), "--no-access-log"),
                    *("--no-server-header", "--no-proxy-headers", "--log-level", "warning"),
                ],
                ports={"web": port},
                environment=self._environment,
            )
            self._process.wait_until(self._answers, START_DEADLINE_S)

    def stop(self) -> None:
        self._process.stop(*STOP_STEPS)

    def kill(self) -> None:
        self._process.kill()

    def _answers(self) -> bool:
        address = f"http://127.0.0.1:{self._environment['PASSERELLE_WEB_PORT']}/health"
        with contextlib.suppress(URLError, OSError), urllib.request.urlopen(address, timeout=2):
            return True
        return False


class WorkerServer:
    """One Dramatiq worker of one process and several threads, with the relay inside."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], module: str = "infra.worker"
    ) -> None:
        self._module = module
        self._environment = own_passwords({**os.environ, **environment}, "worker")
        self._process = ServerProcess("The worker", directory)

    @property
    def process_id(self) -> int:
        return self._process.process_id

    @property
    def log_path(self) -> Path:
        return self._process.log_path

    def start(self) -> None:
        with locked(self._process.directory):
            _end_left_over(self._process)
            self._valkey().delete(HEARTBEAT_KEY)
            self._process.start(
                [
                    *(sys.executable, "-m", "dramatiq", self._module, "--processes", "1"),
                    *("--threads", self._environment.get("PASSERELLE_WORKER_THREADS", "8")),
                ],
                ports={},
                environment=self._environment,
            )
            self._process.wait_until(self._beats, START_DEADLINE_S)

    def stop(self) -> None:
        self._process.stop(*STOP_STEPS)

    def kill(self) -> None:
        """SIGKILL to the worker and the processes it forked."""
        self._process.kill()

    def _valkey(self) -> Redis:
        return Redis.from_url(self._environment["PASSERELLE_VALKEY_URL"])

    def _beats(self) -> bool:
        with contextlib.suppress(RedisError), contextlib.closing(self._valkey()) as valkey:
            return bool(valkey.exists(HEARTBEAT_KEY))
        return False


def _end_left_over(process: ServerProcess) -> None:
    """A process that a killed run left behind is ended; a living run's is not touched."""
    if process.adopt():
        if not process.owned:
            raise ServerProblem(
                f"{process.name} of {process.directory} runs already.",
                "End that run (Ctrl-C in its window), and try again.",
            )
        process.stop(*STOP_STEPS)
