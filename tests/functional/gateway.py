"""Gateways for tests: one in the test's own process, and one behind a real server."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit
from wsgiref.validate import validator

from oslo_config import cfg
from tests.fakes.cloud import Cloud
from tests.fakes.keystone import Token

from tricircle.config import CONFIG_FILES_VARIABLE

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

START_LIMIT = 30.0
"""Seconds that a served gateway may take to answer for the first time."""


def compute_application(conf: cfg.ConfigOpts) -> Application:
    """Make the compute gateway."""
    from tricircle.gateway.compute.application import make_application  # noqa: PLC0415  # slow to import

    return make_application(conf)


def volume_application(conf: cfg.ConfigOpts) -> Application:
    """Make the block storage gateway."""
    from tricircle.gateway.volume.application import make_application  # noqa: PLC0415  # slow to import

    return make_application(conf)


@dataclass(frozen=True)
class Reply:
    """What a gateway answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed. Fails the test where it is no JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Value of a header; joined by commas where it was repeated."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def fault(self) -> tuple[str, str]:
        """Name and message of the error. Fails the test where the body is not Nova's or Cinder's shape."""
        ((name, error),) = self.json.items()
        assert error["code"] == self.status
        return name, error["message"]


class Gateway:
    """A gateway in the test's own process, made when it is asked for the first time."""

    def __init__(self, cloud: Cloud, make: Callable[[cfg.ConfigOpts], Application]) -> None:
        self._cloud = cloud
        self._make = make

    @cached_property
    def application(self) -> Application:
        """The application, which is held to PEP 3333 by every request."""
        return validator(self._make(self._cloud.configuration))

    def restart(self) -> None:
        """Forget the application with all that it keeps in memory: a new process over the same database."""
        self.__dict__.pop("application", None)


@dataclass
class GatewayClient:
    """Somebody who talks to a gateway."""

    gateway: Gateway
    token: Token | None
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_(self, token: Token | None) -> "GatewayClient":
        """Be somebody else."""
        return GatewayClient(self.gateway, token, self.headers)

    def at(self, version: str) -> "GatewayClient":
        """Ask for a microversion from now on: `compute 2.79`."""
        return GatewayClient(self.gateway, self.token, {**self.headers, "OpenStack-API-Version": version})

    def get(self, url: str, **headers: str) -> Reply:
        """GET a path, or a link as an answer had it."""
        return self.request("GET", url, headers=headers)

    def post(self, url: str, body: object) -> Reply:
        """POST a document."""
        return self.request("POST", url, json.dumps(body).encode())

    def put(self, url: str, body: object) -> Reply:
        """PUT a document."""
        return self.request("PUT", url, json.dumps(body).encode())

    def delete(self, url: str) -> Reply:
        """DELETE a path."""
        return self.request("DELETE", url)

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: str | None = None,
    ) -> Reply:
        """Send a request.

        :param headers: beside the token, the content type of a body, and this client's own.
        :param query: in place of the URL's, where it holds what no URL may hold.
        """
        sent = {"Accept": "application/json", **self.headers, **(headers or {})}
        if self.token is not None:
            sent.setdefault("X-Auth-Token", self.token.id)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            sent.setdefault("Content-Length", str(len(body)))
        environ = _environ(method, url, sent, body or b"")
        if query is not None:
            environ["QUERY_STRING"] = query
        return _call(self.gateway.application, environ)


def _environ(method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    parts = urlsplit(url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8774",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "gateway.example.net:8774",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        variable = name.upper().replace("-", "_")
        environ[variable if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{variable}"] = value
    return environ


def _call(application: Application, environ: dict[str, Any]) -> Reply:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda data: None

    answer = application(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return Reply(int(status.split()[0]), headers, body)


class Served:
    """A gateway behind granian, in a process of its own."""

    def __init__(self, cloud: Cloud, application: str) -> None:
        self._cloud = cloud
        self._application = application
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.port = _free_port()
        options = f"--interface wsgi --workers 1 --blocking-threads 4 --host 127.0.0.1 --port {self.port}"
        command = [sys.executable, "-m", "granian", *options.split(), "--log-level", "warning"]
        environment = os.environ | {CONFIG_FILES_VARIABLE: str(self._cloud.configuration_file)}
        self._process = subprocess.Popen([*command, self._application], env=environment)
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            assert self._process.poll() is None, "the gateway ended at once"
            assert time.monotonic() < deadline, "the gateway does not answer"
            threading.Event().wait(0.05)

    def stop(self) -> None:
        """Stop, and wait for the end."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def send(self, data: bytes, patience: float = 10.0, *, finish: bool = False) -> bytes:
        """Send bytes on a new connection, and read until the other side closes it.

        :param patience: seconds for which nothing may come.
        :param finish: say that nothing more will be sent.
        """
        with socket.create_connection(("127.0.0.1", self.port), patience) as connection:
            received = b""
            with contextlib.suppress(OSError):  # it may be closed, or cut, at any of these points
                connection.sendall(data)
                if finish:
                    connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while chunk := connection.recv(65536):
                    received += chunk
            return received

    def _answers(self) -> bool:
        try:
            return self.send(b"GET /healthcheck HTTP/1.0\r\nHost: gateway\r\n\r\n", 2.0).startswith(b"HTTP/")
        except OSError:
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
