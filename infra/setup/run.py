"""Running another program for a step, and telling a person how far it is."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.problem import SetupProblem

HEARTBEAT_S = 10.0
ONLINE = "Check the network (and the proxy and certificate variables, where one is used): "
ONLINE += "packages come from PyPI, npm and Maven Central. Then run `make setup` again."


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str, measure: Callable[[], str] | None = None) -> Iterator[None]:
    """Prints the title, a sign of life every HEARTBEAT_S, and how long it took."""
    say(f"· {title} …")
    begun, ended = time.monotonic(), threading.Event()

    def tell() -> None:
        while not ended.wait(HEARTBEAT_S):
            so_far = f", {measure()}" if measure else ""
            say(f"    still at it after {time.monotonic() - begun:.0f} s{so_far}")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
    say(f"  {title}: {time.monotonic() - begun:.1f} s")


def run(
    command: Sequence[str | Path],
    *,
    failing: str,
    mend: str = ONLINE,
    environment: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    directory: Path | None = None,
    shown: bool = False,
) -> str:
    """What the program printed. Raises SetupProblem with `failing`, its last line, and `mend`.

    `shown` leaves standard error to the person (a download's own progress). The environment is
    ours `without` some beginnings of names and with `environment` added: clearing it would lose
    proxies and certificates.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(without)}
    outcome = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=kept | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if outcome.returncode != 0:
        raise SetupProblem(f"{failing}: {_reason(outcome.stdout)}", mend)
    return outcome.stdout


def _reason(said: str) -> str:
    """The line that says most: the last with `error` in it, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "No space left" in line]
    return (telling or lines or ["see above"])[-1][:400].rstrip(".") + "."
