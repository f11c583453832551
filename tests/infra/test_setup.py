"""Setup does again only what changed, and says in words what it lacks."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.problem import OperatorProblem, SetupProblem, require_free_space
from infra.setup import chromium, java, reset, stamps, tools
from infra.setup.places import CHECKOUT
from infra.setup.run import run
from infra.setup.stamps import Stamp

OLD_PYTHON = (3, 7)


@pytest.fixture
def stamp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stamps, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(stamps, "CHECKOUT", tmp_path)
    return tmp_path


def test_a_step_is_done_again_only_when_something_changed(stamp_folder: Path) -> None:
    source, made = stamp_folder / "source", stamp_folder / "made"
    source.write_text("one")
    made.touch()

    def stamp(word: str = "1.0") -> Stamp:
        return Stamp("step", files=[source], words=[word])

    assert not stamp().is_current(made)
    stamp().set()
    assert stamp().is_current(made)
    assert not stamp("1.1").is_current(made)
    source.write_text("two")
    assert not stamp().is_current(made)
    source.write_text("one")
    made.unlink()
    assert not stamp().is_current(made)
    made.touch()
    stamp().remove()
    assert not stamp().is_current(made)


def test_setup_again_does_nothing() -> None:
    command = [sys.executable, "-m", "infra.setup"]
    subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True)
    again = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert again.stderr.startswith("Set up (")
    assert len(again.stderr.splitlines()) == 1


def test_a_missing_java_is_said_with_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(java, "packages", lambda: tmp_path)
    with pytest.raises(SetupProblem) as caught:
        java.java_home()
    assert "Java 17" in caught.value.what
    assert "is Java 11" in caught.value.what
    assert "make setup" in caught.value.mend


def test_the_packages_java_serves_where_the_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (java.java_home() / "bin" / "java").exists()


def test_a_python_without_venv_and_pip_is_told_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, stamp_folder: Path
) -> None:
    monkeypatch.setattr(tools, "TOOLS", stamp_folder / "tools")
    monkeypatch.setattr(tools, "has_module", lambda name: False)
    with pytest.raises(SetupProblem) as caught:
        tools.uv()
    assert "neither venv nor pip" in caught.value.what
    assert "python3-venv" in caught.value.mend


def test_an_older_python_can_read_the_file_that_turns_it_away() -> None:
    for name in ("infra/__init__.py", "infra/setup/__init__.py", "infra/setup/__main__.py"):
        ast.parse((CHECKOUT / name).read_text(), feature_version=OLD_PYTHON)


def test_a_failing_program_is_said_by_its_own_error_and_the_mend() -> None:
    script = "print('much'); print('error: no such host'); print('done'); raise SystemExit(3)"
    with pytest.raises(SetupProblem) as caught:
        run([sys.executable, "-c", script], failing="It could not be fetched")
    assert caught.value.what == "It could not be fetched: error: no such host."
    assert "network" in caught.value.mend


def test_a_disk_with_too_little_space_is_named_with_its_figures(tmp_path: Path) -> None:
    with pytest.raises(OperatorProblem) as caught:
        require_free_space(tmp_path / "not" / "there" / "yet", 2**40)
    assert f"{2**40} MiB" in caught.value.what
    assert "Free some space" in caught.value.mend


def test_a_chromium_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(SetupProblem) as caught:
        chromium.executable()
    assert "/nowhere/chromium" in caught.value.what


def test_reset_removes_data_and_keeps_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reset, "MADE", tmp_path)
    data = [tmp_path / name for name in ("demo", "test")]
    for name in ("keycloak-26.7.0", "chromium", "tools", "stamps", "demo", "test"):
        (tmp_path / name).mkdir()
    assert reset.to_remove(everything=False) == data
    assert tmp_path in reset.to_remove(everything=True)


def test_the_compiled_requirements_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    asked = [*project["project"]["dependencies"], *groups["local"], *groups["test"]]
    pinned = dict(pins(CHECKOUT / "infra" / "requirements-test.txt"))
    runtime = dict(pins(CHECKOUT / "infra" / "requirements.txt"))
    for requirement in (Requirement(text) for text in asked if isinstance(text, str)):
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name}: run `make lock`"
        assert requirement.specifier.contains(pinned[name]), f"{requirement}: run `make lock`"
    assert runtime.items() <= pinned.items()


def pins(path: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each line; no line names a registry."""
    for line in path.read_text().splitlines():
        requirement = Requirement(line)
        (exact,) = requirement.specifier
        assert exact.operator == "=="
        assert requirement.url is None
        yield canonicalize_name(requirement.name), exact.version
