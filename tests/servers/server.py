"""What the servers have in common: a directory, a port, and that they can be stopped and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.servers.port import free_port
from tests.servers.process import Process, as_account

HOST = "127.0.0.1"

START_LIMIT = 90.0
"""Seconds that a server may take to start, on a machine that is busy."""

STOP_LIMIT = 60.0

MEMORY = Path("/dev/shm")  # noqa: S108  # directories in it are made by mkdtemp
ENOUGH_MEMORY = 2**30
"""Bytes that must be free in `MEMORY` for data to be put there."""

_SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin"))


class Server(ABC):
    """A server of this machine's own, which no other test run shares.

    It has no data that survives it. What a client has been told is kept, is kept when the process is killed,
    but not when the machine is.
    """

    PACKAGE: ClassVar[str]
    """The Debian package that brings it."""
    ACCOUNT: ClassVar[str]
    """The user that the package makes for it."""
    READY: ClassVar[bytes]
    """What it says when clients can connect."""
    STOP: ClassVar[signal.Signals] = signal.SIGTERM
    KILL: ClassVar[signal.Signals] = signal.SIGKILL
    """Ends it without farewell, together with its children."""

    def __init__(self) -> None:
        in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY
        self.directory = Path(tempfile.mkdtemp(prefix="tricircle-", dir=MEMORY if in_memory else None))
        if os.geteuid() == 0:
            shutil.chown(self.directory, self.ACCOUNT, self.ACCOUNT)
        self.port = free_port()
        self._process: Process | None = None
        self._is_prepared = False

    @classmethod
    @abstractmethod
    def find_program(cls) -> str | None:
        """Say where the server's program is; None where the package is not installed."""

    @property
    @abstractmethod
    def url(self) -> str:
        """What a client is configured with."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data directory."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Give the server's command line."""

    @property
    def is_running(self) -> bool:
        """Whether it has been started, and not been stopped."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process id of a server that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, always on the same port, with the data that it had; does nothing where it runs.

        :raises RuntimeError: it does not start; tells the end of its log.
        """
        if self._process is not None:
            return
        if not self._is_prepared:
            self._prepare()
            self._is_prepared = True
        process = self._launch(self._command(), "log", self.KILL)
        try:
            process.await_words(self.READY, START_LIMIT)
        except BaseException:
            process.end(self.KILL, STOP_LIMIT)
            raise
        self._process = process

    def stop(self) -> None:
        """Stop it as an operator does; does nothing where it does not run. Its clients are cut off."""
        self._end(self.STOP)

    def kill(self) -> None:
        """End it as a crash does; does nothing where it does not run."""
        self._end(self.KILL)

    def remove(self) -> None:
        """End it, and remove its data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.end(how, STOP_LIMIT)
            self._process = None

    def _launch(self, command: Sequence[str], log: str, parting: signal.Signals) -> Process:
        return Process(
            command,
            account=self.ACCOUNT,
            environment=self._environment(),
            directory=self.directory,
            log=self.directory / log,
            parting=parting,
        )

    def _run(self, *command: str) -> None:
        """Run a program of the server's package to its end.

        :raises RuntimeError: it failed; tells what it said.
        """
        done = subprocess.run(
            as_account(self.ACCOUNT, command),
            check=False,
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=START_LIMIT,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command} failed:\n{done.stdout[-4000:]}")

    def _environment(self) -> dict[str, str]:
        return {"PATH": _SEARCH_PATH, "HOME": str(self.directory), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def which(program: str) -> str | None:
    """Find a program also where only root looks for it."""
    return shutil.which(program, path=_SEARCH_PATH)
