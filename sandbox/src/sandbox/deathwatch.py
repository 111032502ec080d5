"""Ties a process's life to its parent's, so that nothing is left when a parent is killed without warning."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None, by: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel signal this process when the thread that made it ends.

    :param parent: the process id that the parent had before the fork. Given, a parent that died before this
        call is noticed too, which the kernel alone would not tell.
    :param by: the signal; SIGTERM for a program that has children of its own to end
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, by)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
