"""What a person reads when a server cannot run: what is wrong, and how to mend it."""

import shutil
from pathlib import Path


class ServerProblem(Exception):  # noqa: N818 - it is shown to people as a problem
    """One sentence that says what is wrong and one that says how to mend it."""

    def __init__(self, what: str, mend: str) -> None:
        self.what = what
        self.mend = mend
        super().__init__(f"{what} {mend}")


def require_free_space(directory: Path, needed_mib: int) -> None:
    """Raises ServerProblem when the disk that holds `directory` has less than `needed_mib` free."""
    existing = directory
    while not existing.exists():
        existing = existing.parent
    free_mib = shutil.disk_usage(existing).free // 2**20
    if free_mib < needed_mib:
        raise ServerProblem(
            f"The disk that holds {directory} has {free_mib} MiB free, and {needed_mib} MiB "
            "are needed.",
            "Free some space there, or move the checkout to a larger disk, and try again.",
        )
