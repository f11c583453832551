"""`python -m infra.servers.leftovers FOLDER [--all]`: ends servers that outlived their run.

Part of `make reset`. A server whose run still goes on is left alone, and named.
"""

import signal
import sys
from pathlib import Path

from infra.problem import ServerProblem
from infra.servers import postgres_place
from infra.servers.identity import find
from infra.servers.process import read_record, stop_recorded

# SIGINT is PostgreSQL's fast shutdown, and ends the others as well as SIGTERM does.
STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGTERM, 15.0))


def end_leftovers(folder: Path) -> int:
    """Ends them and returns how many there were; then what PostgreSQL keeps elsewhere is removed.

    Raises ServerProblem, before anything is ended, where a run still uses one of them.
    """
    directories = sorted(record.parent for record in folder.rglob("process.json"))
    for directory in directories:
        _refuse_if_in_use(directory)
    # Last started, first ended: the applications before the servers that they use.
    directories.sort(key=_started_at, reverse=True)
    ended = sum(stop_recorded(directory, *STOP_STEPS) for directory in directories)
    for directory in directories:
        postgres_place.remove(directory)
    return ended


def _refuse_if_in_use(directory: Path) -> None:
    record = read_record(directory)
    if record is None or find(record.process_id, record.started_at) is None:
        return
    if find(record.owner_id, record.owner_started_at) is not None:
        raise ServerProblem(
            f"The server in {directory} is in use by process {record.owner_id}.",
            "End that run first (Ctrl-C where it was started).",
        )


def _started_at(directory: Path) -> float:
    record = read_record(directory)
    return record.started_at if record else 0.0


if __name__ == "__main__":
    try:
        end_leftovers(Path(sys.argv[1]))
        if "--all" in sys.argv:
            postgres_place.remove_programs()
    except ServerProblem as problem:
        sys.exit(f"{problem.what} {problem.mend}")
