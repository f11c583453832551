"""Where things that are made, and not written, lie in a checkout."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
MADE = CHECKOUT / ".passerelle"
"""Tools, downloads and the data of the embedded servers; git ignores it."""
TOOLS = MADE / "tools"
STAMPS = MADE / "stamps"
ENVIRONMENT = CHECKOUT / ".venv"
WEB = CHECKOUT / "platform" / "passerelle" / "web"


def program(name: str) -> Path:
    """A program of the project's environment."""
    folder, suffix = ("Scripts", ".exe") if sys.platform == "win32" else ("bin", "")
    return ENVIRONMENT / folder / f"{name}{suffix}"


def packages() -> Path:
    """The environment's site-packages."""
    if sys.platform == "win32":
        return ENVIRONMENT / "Lib" / "site-packages"
    return next((ENVIRONMENT / "lib").glob("python3.*")) / "site-packages"
