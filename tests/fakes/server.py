"""A small HTTP/1.1 server for the fakes, with a thread for each connection.

Ready-made servers take care to answer well. A fake must also be able to answer badly: promise more
bytes than it sends, fall silent, hang up. So a handler here gets an `Exchange`, which is the request
and the connection itself, and not only a function that returns an answer.

A failure of a handler is kept in `Server.failures`; who started the server looks there at the end.
"""

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

Headers = Sequence[tuple[str, str]]

PATIENCE = 5.0
"""Seconds within which every thread must have ended after `Server.stop`."""

GLANCE = 0.02
"""Seconds between looks at whether a held exchange may go on."""


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path as sent: nothing decoded, no query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as sent, without the question mark."""
        return self.target.partition("?")[2]

    @cached_property
    def parameters(self) -> list[tuple[str, str]]:
        """The query, decoded, in order."""
        return parse_qsl(self.query, keep_blank_values=True)

    def parameter(self, name: str) -> str | None:
        """Value of a query parameter, the last one where it was repeated, as WebOb takes it."""
        return dict(self.parameters).get(name)

    def header(self, name: str) -> str | None:
        """Value of a header; joined by commas where it was repeated."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ",".join(values) if values else None

    def json(self) -> Any:
        """Parse the body. Raises ValueError where it is no JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """An answer that keeps the rules: the length is added when it is sent."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    @classmethod
    def of_json(cls, document: object, status: int = 200, headers: Headers = ()) -> "Response":
        """Answer with a document, serialised with the standard library as OpenStack does it."""
        return cls(status, json.dumps(document).encode(), (("Content-Type", "application/json"), *headers))

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        """The same with more headers."""
        return Response(self.status, self.body, (*self.headers, *headers))

    def head(self) -> bytes:
        """Status line and headers."""
        reason = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.status not in {204, 304}:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Disconnected(Exception):
    """The other side has gone, or has sent what is no HTTP. Ends the connection, harms nobody."""


@dataclass
class Exchange:
    """One request and the connection that it came on."""

    request: Request
    connection: socket.socket
    stopping: threading.Event
    closed: bool = False

    def reply(self, response: Response) -> None:
        """Answer as one should."""
        body = b"" if self.request.method == "HEAD" else response.body
        self.send(response.head() + body)

    def send(self, data: bytes) -> None:
        """Put bytes on the wire."""
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise Disconnected from error

    def hang_up(self) -> None:
        """Close the connection once the handler has returned."""
        self.closed = True

    def hold(self, seconds: float | None, released: threading.Event) -> bool:
        """Wait, but never longer than the client or the server lives.

        :param seconds: how long; None for ever.
        :param released: ends the wait early.
        :returns: whether there is still somebody to answer.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while not self.stopping.is_set():
            if self._client_has_gone():
                return False
            if released.is_set() or (end is not None and time.monotonic() >= end):
                return True
            released.wait(GLANCE if end is None else max(0.0, min(GLANCE, end - time.monotonic())))
        return False

    def _client_has_gone(self) -> bool:
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True


Handler = Callable[[Exchange], None]


@dataclass
class Server:
    """Listens on a loopback port, which it keeps over a stop and a new start."""

    handler: Handler
    port: int = 0
    failures: list[BaseException] = field(default_factory=list)
    _listener: socket.socket | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connections: dict[socket.socket, threading.Thread] = field(default_factory=dict)
    _acceptor: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Root of the server, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen. Raises OSError when another program took the port meanwhile."""
        self._stopping = threading.Event()
        listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener, self._stopping), daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Refuse new connections, cut the open ones, and wait for the threads. May be called twice."""
        if self._listener is None:
            return
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        if self._acceptor is not None:
            self._acceptor.join(PATIENCE)
        with self._lock:
            threads = list(self._connections.values())
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(PATIENCE)

    def _accept(self, listener: socket.socket, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection, stopping), daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, stopping: threading.Event) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as stream:
                while not stopping.is_set():
                    exchange = Exchange(_read_request(stream, connection), connection, stopping)
                    self._answer(exchange)
                    if exchange.closed or exchange.request.header("Connection") == "close":
                        return
        except (Disconnected, OSError):
            return
        finally:
            with self._lock:
                self._connections.pop(connection, None)

    def _answer(self, exchange: Exchange) -> None:
        try:
            self.handler(exchange)
        except Disconnected:
            raise
        except Exception as error:
            self.failures.append(error)
            exchange.reply(Response(500, repr(error).encode()))
            raise Disconnected from error


def _read_request(stream: BinaryIO, connection: socket.socket) -> Request:
    line = stream.readline(1 << 16)
    parts = line.decode("latin-1").split()
    if len(parts) != 3:
        raise Disconnected
    headers = []
    while (line := stream.readline(1 << 16)) not in {b"\r\n", b"\n"}:
        name, separator, value = line.decode("latin-1").partition(":")
        if not separator:
            raise Disconnected
        headers.append((name, value.strip()))
    bare = Request(parts[0], parts[1], headers)
    if (bare.header("Expect") or "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(bare.method, bare.target, headers, _read_body(stream, bare))


def _read_body(stream: BinaryIO, request: Request) -> bytes:
    if (request.header("Transfer-Encoding") or "").lower() != "chunked":
        return _read_exactly(stream, int(request.header("Content-Length") or 0))
    chunks = []
    while size := int(stream.readline(64).split(b";")[0] or b"0", 16):
        chunks.append(_read_exactly(stream, size))
        stream.readline(8)
    stream.readline(8)
    return b"".join(chunks)


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise Disconnected
    return data
