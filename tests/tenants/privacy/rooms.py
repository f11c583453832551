"""Every room's entries of the map, as the running processes have them."""

import importlib

from tests.conftest import ROOT


def rooms() -> None:
    """Every module that may register: models and stores of every room."""
    for folder in ("platform/passerelle", "tenants", "integrations", "lms", "ml"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "personal_data" not in text or "node_modules" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            importlib.import_module(".".join(parts[1:] if parts[0] == "platform" else parts))
