"""Any program with a command line of its own: the top's web services."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.process import Process


def preload() -> None:
    """Import nothing: the program is another one."""


def run(process: Process) -> None:
    """Become the program."""
    os.chdir("/")
    os.execve(process.arguments[0], process.arguments, os.environ)
