"""The process that trains: `python -m ml.training_process FOLDER`, with a Job in the folder.

Each line of its output is a Progress as JSON; an error is one line on standard error. It ends when
its standard input closes, which is when the worker that started it has died: nobody is left to
take its result. The next one goes on from the checkpoint.
"""

import os
import sys
import threading
from pathlib import Path

import msgspec

from ml import artefact
from ml.training import train
from ml.training_job import Job
from ml.training_settings import Progress
from passerelle.kernel.errors import Problem

ORPHANED = 3


def main(folder: Path) -> int:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        job = Job.load(folder)
        model = train(
            job.data,
            job.settings,
            watch=_tell,
            checkpoint=folder / Job.CHECKPOINT,
            served_texts=job.served_texts,
        )
        artefact.save(model, folder / Job.MODEL)
    except (Problem, OSError) as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    return 0


def _tell(progress: Progress) -> None:
    print(msgspec.json.encode(progress).decode(), flush=True)


def _end_with_parent() -> None:
    # Not through sys.stdin: a thread that holds its lock breaks the interpreter's own end.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
