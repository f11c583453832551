"""A process that ends with the one that started it, even where that one was killed (Linux).

A worker's process without its parent would go on unseen: nobody stops it, and its log has no
reader. What it was doing is done again by the next worker, as after any crash.
"""

import ctypes
import multiprocessing
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>: the signal a process gets when the one that started it ends."""

ORPHANED = 4


def end_with_parent() -> None:
    """Asks the kernel for SIGKILL at the parent's end; elsewhere than on Linux nothing happens.

    Call it in the main thread of a process that `multiprocessing` started.
    """
    parent = multiprocessing.parent_process()
    if sys.platform != "linux" or parent is None:
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # A parent that ended before the call sends no signal any more.
    if os.getppid() != parent.pid:
        os._exit(ORPHANED)
