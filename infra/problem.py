"""What an operator reads when something cannot run: what is wrong, and how to mend it.

Standard library only: `make setup` uses it before anything is installed.
"""

import shutil
from pathlib import Path


class OperatorProblem(Exception):
    """One sentence that says what is wrong and one that says how to mend it."""

    def __init__(self, what: str, mend: str) -> None:
        self.what = what
        self.mend = mend
        super().__init__(f"{what} {mend}")


class ServerProblem(OperatorProblem):
    """An embedded server cannot start or does not answer."""


class SetupProblem(OperatorProblem):
    """`make setup` cannot go on."""


def require_free_space(directory: Path, needed_mib: int) -> None:
    """Raises OperatorProblem when the disk that holds `directory` has less than that free."""
    existing = directory.absolute()
    while not existing.exists():
        existing = existing.parent
    free_mib = shutil.disk_usage(existing).free // 2**20
    if free_mib < needed_mib:
        raise OperatorProblem(
            f"The disk that holds {directory} has {free_mib} MiB free, and {needed_mib} MiB "
            "are needed.",
            "Free some space there, or move the checkout to a larger disk, and try again.",
        )
