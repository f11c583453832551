"""The one thread that starts every child process, see Spawner."""

import os
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import psutil


class Spawner:
    """Starts every child from one thread that lives as long as the process does.

    Linux sends the parent-death signal when the *thread* that started the child ends, so a
    server started from a passing worker thread would end with it.
    """

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._process_id = 0

    def popen(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: BinaryIO
    ) -> psutil.Popen:
        answer: queue.SimpleQueue[psutil.Popen | OSError] = queue.SimpleQueue()

        def start() -> None:
            try:
                child = psutil.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=dict(environment),
                    cwd=folder,
                    start_new_session=True,
                )
            except OSError as problem:
                answer.put(problem)
            else:
                answer.put(child)

        with self._lock:
            if self._process_id != os.getpid():  # a fork does not inherit threads
                self._wanted, self._process_id = queue.SimpleQueue(), os.getpid()
                threading.Thread(target=self._work, name="server-spawner", daemon=True).start()
        self._wanted.put(start)
        result = answer.get()
        if isinstance(result, OSError):
            raise result
        return result

    def _work(self) -> None:
        wanted = self._wanted
        while True:
            wanted.get()()


spawner = Spawner()
