"""A Chromium for the tests, from the npm package @sparticuz/chromium or the system's own."""

import os
import shutil
import subprocess
from pathlib import Path

from infra.problem import SetupProblem
from infra.setup import node
from infra.setup.places import MADE, WEB
from infra.setup.run import run, step
from infra.setup.stamps import Stamp

PLACE = MADE / "chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""To start it with: quiet where there is no network, and able to run as root."""

UNPACK = """
import { join } from "node:path";
import chromium, { inflate } from "@sparticuz/chromium";
await chromium.executablePath();
await inflate(join("node_modules/@sparticuz/chromium/bin", "al2023.tar.br"));
"""
"""It unpacks into TMPDIR. The second archive holds system libraries that bare machines lack."""

LAUNCHER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="$here/al2023/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/chromium" "$@"
"""


def executable() -> Path:
    """What to start: CHROMIUM, else the unpacked one. Raises SetupProblem where there is none."""
    given = os.environ.get("CHROMIUM")
    if given:
        path = Path(shutil.which(given) or given)
        if not path.exists():
            raise SetupProblem(
                f"CHROMIUM is {given}, and there is no such program.",
                "Name a Chromium that exists, or unset CHROMIUM.",
            )
        return path
    chosen = PLACE / "executable"
    if not chosen.exists():
        raise SetupProblem("There is no Chromium for the tests.", "Run `make setup`.")
    return Path(chosen.read_text())


def make() -> None:
    if os.environ.get("CHROMIUM"):
        executable()
        return
    package = WEB / "node_modules" / "@sparticuz" / "chromium" / "package.json"
    stamp = Stamp("chromium", files=(package,))
    if stamp.is_current(PLACE / "executable"):
        return
    stamp.remove()
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    with step("Unpacking Chromium"):
        run(
            [node.node(), "--input-type=module", "--eval", UNPACK],
            environment={**node.environment(), "TMPDIR": str(PLACE)},
            directory=WEB,
            failing="Chromium could not be unpacked",
            mend="Free some space (300 MB), and run `make setup` again.",
        )
        (PLACE / "launcher").write_text(LAUNCHER)
        (PLACE / "launcher").chmod(0o755)
        (PLACE / "executable").write_text(str(_working()))
    stamp.set()


def _working() -> Path:
    """The first that starts: ours, ours with the libraries it brought, the system's."""
    system = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    for path in (PLACE / "chromium", PLACE / "launcher", *(Path(name) for name in system if name)):
        if _starts(path):
            return path
    raise SetupProblem(
        "Chromium does not start on this system.",
        "Install one with the system's package manager (Debian: `apt-get install chromium`), or "
        "set CHROMIUM to one.",
    )


def _starts(path: Path) -> bool:
    """`--version` loads every library it needs; that pages work is for the tests to show."""
    try:
        outcome = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return outcome.returncode == 0
