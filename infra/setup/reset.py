"""`make reset`: removes the servers' data, after ending what a broken run may have left behind.

What was downloaded stays, but with ALL=1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.setup.credentials import CONTEXTS, VERIFIER
from infra.setup.places import CHECKOUT, ENVIRONMENT, MADE, STAMPS, TOOLS, WEB, program
from infra.setup.run import say

DOWNLOADED = ("keycloak-*", "chromium", TOOLS.name, STAMPS.name, "setup.lock")


def main() -> int:
    everything = bool(os.environ.get("ALL"))
    if program("python").exists() and MADE.exists():
        command: list[str | Path] = [program("python"), "-m", "infra.servers.leftovers", MADE]
        if everything:
            command.append("--all")
        if subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0:
            return 1
    for path in to_remove(everything=everything):
        say(f"Removing {path.relative_to(CHECKOUT)}")
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return 0


def to_remove(*, everything: bool) -> list[Path]:
    if everything:
        built = (WEB / "node_modules", WEB / "static" / "built")
        made = (MADE, ENVIRONMENT, *built, CONTEXTS, VERIFIER / "node_modules")
        return [path for path in made if path.exists()]
    kept = {path for pattern in DOWNLOADED for path in MADE.glob(pattern)}
    return sorted(set(MADE.glob("*")) - kept)


if __name__ == "__main__":
    sys.exit(main())
