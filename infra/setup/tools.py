"""uv, which makes the environment: installed beside the checkout's data, not into the system."""

import importlib.util
import shutil
import sys
from pathlib import Path

from infra.problem import SetupProblem
from infra.setup.places import TOOLS
from infra.setup.run import run, step
from infra.setup.stamps import Stamp

UV_VERSION = "0.13.9"


def uv() -> Path:
    """The path of uv, installed where it is not yet."""
    stamp = Stamp("uv", words=(UV_VERSION,))
    place = _place()
    if place is not None and stamp.is_current(place):
        return place
    stamp.remove()
    shutil.rmtree(TOOLS, ignore_errors=True)
    with step(f"Installing uv {UV_VERSION} (20 MB)"):
        _install()
    place = _place()
    if place is None:
        raise SetupProblem("pip installed uv without its program.", "Run `make reset ALL=1`.")
    stamp.set()
    return place


def _install() -> None:
    """Into a virtual environment, or beside one where this Python can make none (Debian's)."""
    requirement, failing = f"uv=={UV_VERSION}", "uv could not be installed"
    pip = ("install", "--quiet", "--disable-pip-version-check")
    if has_module("venv") and has_module("ensurepip"):
        run([sys.executable, "-m", "venv", TOOLS], failing=failing)
        inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        run([TOOLS / inside, "-m", "pip", *pip, requirement], failing=failing)
    elif has_module("pip"):
        run([sys.executable, "-m", "pip", *pip, "--target", TOOLS, requirement], failing=failing)
    else:
        raise SetupProblem(
            f"This Python ({sys.executable}) has neither venv nor pip.",
            "Install them (Debian and Ubuntu: the packages python3-venv and python3-pip), or give "
            "another Python: `make setup PYTHON=/path/to/python3`.",
        )


def _place() -> Path | None:
    for name in ("bin/uv", "Scripts/uv.exe"):
        if (TOOLS / name).exists():
            return TOOLS / name
    return None


def has_module(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
