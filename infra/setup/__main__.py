"""`python3 -m infra.setup`: makes what is missing or out of date, and says what it does."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file alone must load on an older one
    sys.exit(
        "Passerelle needs Python 3.11 or newer, and this is "
        + sys.version.split()[0]
        + ". Give another one: make setup PYTHON=/path/to/python3.11"
    )

import fcntl
import time

from infra.problem import OperatorProblem
from infra.setup import chromium, credentials, environment, keycloak, node
from infra.setup.places import MADE
from infra.setup.run import say


def main() -> int:
    begun = time.monotonic()
    try:
        MADE.mkdir(exist_ok=True)
        with (MADE / "setup.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another setup of this checkout is at work; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            for made in (environment, node, credentials, keycloak, chromium):
                made.make()
    except OperatorProblem as problem:
        say(f"\n{problem.what}\n{problem.mend}")
        return 1
    except OSError as problem:
        say(f"\nSetup could not write: {problem}.\nFree space or rights there, and try again.")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted; `make setup` goes on from here.")
        return 130
    say(f"Set up ({time.monotonic() - begun:.1f} s).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
