"""Which process is which: ended only where its id and the moment it started are those on record."""

import contextlib
import signal
import time

import psutil

POLL_S = 0.02
SAME_MOMENT_S = 5.0
"""Two readings of one process's start may differ, since the clock is set now and then."""


def find(process_id: int, started_at: float) -> psutil.Process | None:
    """The living process with this id that started at this moment, else None."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(process_id)
        if abs(process.create_time() - started_at) < SAME_MOMENT_S and is_alive(process):
            return process
    return None


def find_by_command(process_id: int, *parts: str) -> psutil.Process | None:
    """The living process with this id whose command line contains every one of `parts`."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(process_id)
        command = "\0".join(process.cmdline())
        if all(part in command for part in parts):
            return process
    return None


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a child of ours that has ended is reaped here.

    A zombie has ended once its other threads have: until then they may hold its ports.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        if process.is_running():
            if process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1:
                return True
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(timeout=0)
    return False


def end(process: psutil.Process, *steps: tuple[signal.Signals, float]) -> None:
    for to_send, patience_s in (*steps, (signal.SIGKILL, 10.0)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(to_send)
        if ended_within(process, patience_s):
            return


def ended_within(process: psutil.Process, patience_s: float) -> bool:
    """Whether it ended in time. A zombie that its parent has yet to reap has ended."""
    give_up_at = time.monotonic() + patience_s
    while is_alive(process):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(POLL_S)
    return True
