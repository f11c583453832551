"""The Python environment: every package at its compiled version, the project itself editable."""

import sys
from pathlib import Path

from infra.problem import require_free_space
from infra.setup.places import CHECKOUT, ENVIRONMENT, program
from infra.setup.run import run, say, step
from infra.setup.stamps import Stamp
from infra.setup.tools import uv

REQUIREMENTS = CHECKOUT / "infra" / "requirements-test.txt"
NEEDED_MIB = 12_000
"""Measured on Linux x86-64: the environment 5.3 GB, and uv's cache as much where that is another
disk (on the same one they share their files)."""


def make() -> None:
    stamp = Stamp(
        "environment",
        files=(REQUIREMENTS, CHECKOUT / "pyproject.toml"),
        words=(sys.version, sys.base_prefix),
    )
    if stamp.is_current(program("python"), program("passerelle")):
        return
    tool = uv()
    if not program("torchrun").exists():
        require_free_space(ENVIRONMENT, NEEDED_MIB)
        say("The first setup downloads about 3 GB of Python packages (torch and its libraries),")
        say("180 MB of Keycloak and 80 MB of browser; later ones only what changed.")
    stamp.remove()
    if not program("python").exists():
        run(
            [tool, "venv", "--quiet", "--allow-existing", "--python", sys.executable, ENVIRONMENT],
            failing="The Python environment could not be made",
            mend="Remove the folder .venv and run `make setup` again.",
        )
    install: list[str | Path] = [tool, "pip", "install", "--python", program("python")]
    with step("Installing Python packages"):
        run(
            [*install, "--requirements", REQUIREMENTS],
            failing="Python packages could not be installed",
            shown=True,
        )
        run(
            [*install, "--quiet", "--no-deps", "--editable", CHECKOUT],
            failing="The project could not be installed into its environment",
        )
    stamp.set()
