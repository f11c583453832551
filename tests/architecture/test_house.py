"""The house stands as drawn: rooms, import rule, types, style."""

import importlib
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = ("passerelle", "tenants", "integrations", "lms", "ml", "infra")
SOURCES = ("platform", "tenants", "integrations", "lms", "ml", "infra", "tests")
FILE_LIMIT_LINES = 400


def run(*command: str) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / command[0]
    return subprocess.run(
        [tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def test_python_keeps_its_own_platform_module() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert platform.python_version()


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_imported_from_this_checkout(room: str) -> None:
    module = importlib.import_module(room)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)


def test_the_top_level_holds_rooms_and_nothing_else() -> None:
    allowed = {*SOURCES, "pyproject.toml", "README.md", "ARCHITECTURE.md", "Makefile", "LICENSE"}
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= allowed


def test_imports_keep_the_contracts() -> None:
    result = run("lint-imports")
    assert result.returncode == 0, result.stdout


def test_types_are_whole() -> None:
    result = run("mypy")
    assert result.returncode == 0, result.stdout


def test_style_is_clean() -> None:
    for arguments in (("check",), ("format", "--check")):
        result = run("ruff", *arguments)
        assert result.returncode == 0, result.stdout


def test_files_are_one_idea_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LIMIT_LINES
    }
    assert long == {}


def test_the_web_process_loads_no_torch() -> None:
    code = "import sys; import infra.web; print('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert result.stdout.strip() == "False", result.stderr


def test_no_lock_file_carries_a_registrys_host() -> None:
    hosts = ("pypi.org", "pythonhosted.org", "registry.npmjs", "resolved")
    for path in tracked("*requirements*.txt", "*package-lock.json"):
        text = path.read_text(encoding="utf-8")
        assert not [host for host in hosts if f"{host}" in text], path
    assert not tracked("uv.lock", "*/uv.lock", "poetry.lock")
