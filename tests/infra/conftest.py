"""A folder for servers of a test's own, ended and removed after it whatever happened."""

import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.servers import postgres_place
from infra.servers.process import stop_recorded


@pytest.fixture
def folder(test_directory: Path) -> Iterator[Path]:
    yield from _folder(test_directory)


@pytest.fixture(scope="module")
def module_folder(test_directory: Path) -> Iterator[Path]:
    yield from _folder(test_directory)


def _folder(test_directory: Path) -> Iterator[Path]:
    made = test_directory / "infra" / secrets.token_hex(4)
    made.mkdir(parents=True)
    yield made
    for record in made.rglob("process.json"):
        stop_recorded(record.parent, (signal.SIGINT, 20))
        postgres_place.remove(record.parent)
    shutil.rmtree(made)
