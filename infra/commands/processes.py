"""`passerelle web` and `passerelle worker`: the two processes of the service."""

import os
import sys
from pathlib import Path

from infra.commands.context import settings


def web(*, processes: int = 1) -> None:
    """Answer people's requests, until SIGTERM.

    Parameters
    ----------
    processes
        How many processes share the port; one a core.
    """
    own = settings()
    _become(
        "uvicorn",
        *("infra.web:application", "--factory", "--no-access-log", "--no-server-header"),
        # What a proxy says of the client is believed nowhere: addresses come from settings.
        "--no-proxy-headers",
        *("--host", own.web_host, "--port", str(own.web_port), "--workers", str(processes)),
        *("--log-level", own.log_level),
    )


def worker(*, processes: int = 1) -> None:
    """Carry out what events ask for (credentials, grades, mail, the model), until SIGTERM.

    Parameters
    ----------
    processes
        How many processes; each has PASSERELLE_WORKER_THREADS threads.
    """
    own = settings()
    _become(
        "dramatiq",
        *("infra.worker", "--processes", str(processes), "--threads", str(own.worker_threads)),
    )


def _become(module: str, *arguments: str) -> None:
    """Replaces this process, so that a supervisor's signals reach the program itself."""
    sys.stdout.flush()
    python = str(Path(sys.executable))
    os.execv(python, [python, "-m", module, *arguments])  # noqa: S606 - no shell is wanted
