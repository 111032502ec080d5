"""A client's side of the supervisor: find it, start it, tell it what to do."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sandbox.process import Process

# Set in the environment of every process of a sandbox, so that one can be told by it: it names the directory.
MARK = "SANDBOX_DIRECTORY"
# How long the supervisor may take to end what it has to, before we go without having seen it.
CLOSING_SECONDS = 15.0


class Control:
    """A connection to the supervisor of one sandbox; may be used by several threads."""

    def __init__(self, connection: socket.socket, directory: Path) -> None:
        self.connection = connection
        self.directory = directory
        self.file = connection.makefile("rb")
        self.lock = threading.Lock()

    @classmethod
    def connect(cls, directory: Path) -> Self | None:
        """Return a connection to a running supervisor, or None where there is none."""
        try:
            run = os.open(directory / "run", os.O_PATH)
        except FileNotFoundError:
            return None
        connection = socket.socket(socket.AF_UNIX)
        try:
            # Through /proc, because a socket's path may have 107 bytes and a directory's is as long as it is.
            connection.connect(f"/proc/self/fd/{run}/supervisor.sock")
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        finally:
            os.close(run)
        return cls(connection, directory)

    @classmethod
    def start(cls, directory: Path, subnet: str | None) -> Self:
        """Start a supervisor; it ends with this connection, unless something is kept."""
        ours, theirs = socket.socketpair()
        log = directory / "log" / "supervisor.log"
        (directory / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
        log.parent.mkdir(exist_ok=True)
        environment = {key: value for key, value in os.environ.items() if not is_disturbing(key)}
        environment[MARK] = str(directory)
        with log.open("wb") as output, theirs:
            subprocess.Popen(
                [
                    *(sys.executable, "-W", "ignore", "-m", "sandbox.supervisor"),
                    *(str(directory), subnet or "-", str(theirs.fileno())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,
            )
        return cls(ours, directory)

    def call(self, do: str, **arguments: Any) -> Any:
        """Have the supervisor do something, and return its answer.

        :raises SandboxError: it refused, or it is gone
        """
        with self.lock:
            try:
                self.connection.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
                line = self.file.readline()
            except ConnectionError:
                line = b""
        if not line:
            raise SandboxError("the supervisor has ended", self.directory / "log" / "supervisor.log")
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise SandboxError(answer["error"])
        return answer

    def run(self, processes: Iterable[Process]) -> list[str]:
        """Start those of the processes that do not run; return the names of the started."""
        started: list[str] = self.call("start", processes=[process.to_json() for process in processes])
        return started

    def children(self) -> dict[str, dict[str, Any]]:
        """Return what the supervisor knows of each process, by name."""
        return {child["process"]["name"]: child for child in self.call("list")["children"]}

    def down(self) -> None:
        """End everything, and return when the supervisor too has ended."""
        try:
            self.call("down")
            self.file.read()
        except (SandboxError, ConnectionError):
            pass  # it was faster than its answer

    def close(self) -> None:
        """Hang up, and return when the supervisor has ended what was started here and not kept."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(CLOSING_SECONDS)
            while self.connection.recv(65536):
                pass
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_disturbing(variable: str) -> bool:
    """Whether an environment variable of the user's could lead a service astray: other clouds, or a proxy."""
    return variable.startswith("OS_") or variable.lower().endswith("_proxy")
