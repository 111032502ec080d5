"""What is measured: a server that is started, driven, and ended again. Loopback only."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processor import process_tree, processor_time

START_LIMIT = 30.0
"""Seconds that a server may take to answer for the first time."""

STOP_LIMIT = 10.0
"""Seconds that a server has to end by itself."""


class NotStarted(Exception):
    """A server did not come up. The text says what it wrote."""


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Contestant:
    """One server process with its descendants.

    :param name: in the table.
    :param processor: number of the core that it is kept on; None for any.
    """

    name: str
    port: int
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    processor: int | None = None
    _process: subprocess.Popen[bytes] | None = None

    def start(self, path: str, headers: Mapping[str, str]) -> bytes:
        """Start, wait for the first good answer, and return it.

        :raises NotStarted: it ended, or gave none in time.
        """
        command = self.command
        if self.processor is not None:
            command = ["taskset", "--cpu-list", str(self.processor), *command]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | dict(self.environment), stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_LIMIT
        answer = f"{self.name} does not answer"
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                status, body = self._get(path, headers)
            except OSError:
                time.sleep(0.05)
                continue
            if status == 200:
                return body
            answer = f"{self.name} answers {status}: {body[:500]!r}"
            time.sleep(0.05)
        raise NotStarted(f"{answer}\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End what was started here, and wait for it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def processor_time(self) -> float:
        """Seconds of processor that it has taken so far."""
        if self._process is None:
            return 0.0
        return processor_time(process_tree(self._process.pid))

    def _get(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
