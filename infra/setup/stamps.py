"""Doing again only what has changed: a stamp holds the hash of what a step was made from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from infra.setup.places import CHECKOUT, STAMPS


class Stamp:
    """The mark that the step `name` was completed from these files and words."""

    def __init__(self, name: str, *, files: Iterable[Path] = (), words: Iterable[str] = ()) -> None:
        self._path = STAMPS / name
        self._hash = _hash(files, words)

    def is_current(self, *made: Path) -> bool:
        """Whether the step was completed from the same inputs, and all that it made is there."""
        return (
            self._path.exists()
            and self._path.read_text() == self._hash
            and all(path.exists() for path in made)
        )

    def remove(self) -> None:
        """Before a step begins, so that one that is interrupted begins again."""
        self._path.unlink(missing_ok=True)

    def set(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(self._hash)


def _hash(files: Iterable[Path], words: Iterable[str]) -> str:
    whole = hashlib.sha256()
    # The place too: an environment that was moved or copied no longer works.
    for word in (str(CHECKOUT), *words):
        whole.update(word.encode() + b"\0")
    for file in sorted(files):
        whole.update(str(file.relative_to(CHECKOUT)).encode() + b"\0")
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()
