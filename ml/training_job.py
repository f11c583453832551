"""What the training process is given, as a file. No torch: the worker writes it."""

from pathlib import Path
from typing import ClassVar

import msgspec

from ml.data import TrainingData, checked
from ml.problems import TrainingDataInvalid
from ml.training_settings import TrainingSettings


class Job(msgspec.Struct, frozen=True):
    """A folder holds one, as JOB; the process writes CHECKPOINT on the way and MODEL at the end."""

    data: TrainingData
    settings: TrainingSettings
    served_texts: list[str] | None = None

    JOB: ClassVar[str] = "job.msgpack"
    CHECKPOINT: ClassVar[str] = "checkpoint.pt"
    MODEL: ClassVar[str] = "model.npz"

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.JOB).write_bytes(msgspec.msgpack.encode(self))

    @classmethod
    def load(cls, folder: Path) -> "Job":
        """Raises TrainingDataInvalid, which names the file and what is wrong with it."""
        path = folder / cls.JOB
        try:
            job = msgspec.msgpack.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise TrainingDataInvalid(f"{path.name}: {error}") from error
        checked(job.data)
        if job.served_texts is not None and len(job.served_texts) != len(job.data.texts):
            raise TrainingDataInvalid(f"{path.name}: names for another number of skills")
        return job
