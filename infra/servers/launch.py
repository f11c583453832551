"""Becomes another program that cannot outlive the process that asked for it.

Run as a script by `infra.servers.process`, never imported by it: what happens between fork and
exec then happens in a fresh interpreter of one thread, where it is safe. Standard library only.

    python -I -S launch.py PARENT SIGNAL USER:GROUP|- COMMAND...
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>: the signal a process gets when the one that started it ends."""


def main(parent: int, death_signal: int, user_and_group: str, command: list[str]) -> None:
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
    if user_and_group != "-":
        user, group = (int(part) for part in user_and_group.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    # After the change of user, which would clear it; before the look at the parent, so that a
    # parent that ends in between is noticed one way or the other.
    if prctl is not None and prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the process that asked for this one has ended")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
