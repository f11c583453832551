"""The face that every embedded server has."""

import signal
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from infra.servers.process import ServerProcess


class Server(ABC):
    """One server in `directory`; `start` again finds the same data, and the same ports if free."""

    name: ClassVar[str]
    stop_steps: ClassVar[tuple[tuple[signal.Signals, float], ...]]
    """Signals to end it with, and how many seconds each is given; SIGKILL follows."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process = ServerProcess(self.name, directory)

    @abstractmethod
    def start(self) -> Self:
        """Starts, or joins the server of this directory that already runs and is healthy.

        Returns itself. Raises ServerProblem, which says what is wrong and how to mend it.
        """

    def stop(self) -> None:
        """Ends the server if this object (or an ended process before it) started it."""
        if self._process.owned:
            self._process.stop(*self.stop_steps)
        else:
            self._process.leave()

    def kill(self) -> None:
        """SIGKILL to the server and all its processes, as a power cut would."""
        self._process.kill()

    @property
    def process_id(self) -> int:
        return self._process.process_id

    @property
    def running(self) -> bool:
        return self._process.running

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
