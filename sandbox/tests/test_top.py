"""What tells that the top can do its work."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox import processes, top
from sandbox.control import Control
from sandbox.layout import Layout

(WORKERS,) = processes.network_worker_processes(Layout(Path("/srv/sandbox"), "127.77.5", profile="full"))

# As cotyledon does: the one that forks is not the main thread.
FORKS_IN_A_THREAD = """
import os, sys, threading
def fork():
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)
    print("forked", flush=True)
    sys.stdin.read()
print("begun", flush=True)
sys.stdin.readline()
threading.Thread(target=fork).start()
"""


@dataclasses.dataclass
class Known:
    """A supervisor's knowledge of one process."""

    pid: int | None

    def children(self) -> dict[str, dict[str, Any]]:
        """Return what is known."""
        return {WORKERS.name: {"pid": self.pid}}


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    """A program that has begun, and forks when it is given a line."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS_IN_A_THREAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout
        assert program.stdout.readline() == "begun\n"
        yield program
        assert program.stdin
        program.stdin.close()


def test_networks_workers_are_ready_when_one_is_forked(program: subprocess.Popen[str]) -> None:
    ready = top.has_worker(WORKERS, cast("Control", Known(program.pid)))
    assert ready() == "top-network-workers to begin"
    assert program.stdin
    assert program.stdout
    program.stdin.write("\n")
    program.stdin.flush()
    assert program.stdout.readline() == "forked\n"
    assert ready() is None


def test_networks_workers_are_not_ready_before_they_are_started() -> None:
    assert top.has_worker(WORKERS, cast("Control", Known(None)))() == "top-network-workers to begin"
