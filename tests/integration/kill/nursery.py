"""A process that has the product loaded, and forks a worker for each order: none has to import anything.

    python -m tests.integration.kill.nursery FOLDER

It ends when its input does, so that it does not outlive the tests.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import msgspec
from tests.integration.conditions import BOUND, eventually
from tests.integration.kill.order import LIMIT, Order, Start
from tests.integration.sandbox import REPOSITORY, environment_without_clouds

SOCKET, START = "nursery.sock", "start.json"


class Nursery:
    """A client's side of it, for the length of a `with` block.

    :param folder: for its socket, its log, and what it does before all others.
    """

    def __init__(self, folder: Path, start: Start) -> None:
        folder.mkdir()
        self._folder = folder
        self._path = folder / SOCKET
        self._log = folder / "nursery.log"
        (folder / START).write_bytes(msgspec.json.encode(start))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(self._folder)],
                cwd=REPOSITORY,
                env=environment_without_clouds(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._is_there, f"the nursery; see {self._log}", within=LIMIT)
        except BaseException:
            self._process.kill()
            self._process.communicate()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        assert self._process is not None
        self._process.communicate()

    def _is_there(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the nursery has ended; see {self._log}"
        return self._path.exists()

    def run(self, order: Order) -> int:
        """Fork a worker, and return how it ended: its exit status, or minus the signal that killed it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LIMIT + BOUND)
            connection.connect(str(self._path))
            connection.sendall(msgspec.json.encode(order))
            connection.shutdown(socket.SHUT_WR)
            return int(_read(connection))


def _read(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def _serve(folder: Path) -> None:
    """Fork, for each connection, a process that sees to its order."""
    from tests.integration.kill.worker import Workbench  # noqa: PLC0415  # the tests do not need all that

    place = Workbench(msgspec.json.decode((folder / START).read_bytes(), type=Start), folder)
    place.warm_up()
    assert threading.active_count() == 1, "a process with threads cannot be forked"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{SOCKET}.new")
        listener.listen(64)
        Path(f"{SOCKET}.new").rename(SOCKET)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _see_to(connection, place.run)
            connection.close()


def _see_to(connection: socket.socket, run: Callable[[Order], int]) -> NoReturn:
    """Fork the worker, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    order = msgspec.json.decode(_read(connection), type=Order)
    worker = os.fork()
    if worker == 0:
        connection.close()
        os._exit(run(order))
    _, status = os.waitpid(worker, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    connection.close()
    os._exit(0)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
