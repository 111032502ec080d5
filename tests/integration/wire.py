"""HTTP as bytes on a socket, for what no well-behaved client would send."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PATIENCE = 30.0
"""Seconds for which nothing may come."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    :param headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed. Fails the test where it is no JSON."""
        return json.loads(self.body)

    @property
    def fault(self) -> tuple[str, str]:
        """Name and message of the error. Fails the test where the body is not the service's own shape."""
        ((name, error),) = self.json.items()
        assert error["code"] == self.status
        return name, error["message"]


class Wire:
    """Connections to one gateway."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self.host = host
        self.port = port
        self.token = token

    def request(
        self,
        method: str,
        target: str,
        *lines: str,
        body: bytes = b"",
        host: str | None = None,
        hang_up: bool = False,
    ) -> list[Answer]:
        """Send a request with this user's token, and its length where it has a body.

        :param lines: further header lines; one for Content-Length or Transfer-Encoding stands for the length.
        :param hang_up: send nothing more, as the server would see if the client were gone.
        """
        own = [f"Host: {host or self.host}", f"X-Auth-Token: {self.token}", "Connection: close"]
        names = {line.partition(":")[0].lower() for line in lines}
        if body and not names & {"content-length", "transfer-encoding"}:
            own.append(f"Content-Length: {len(body)}")
        if body and "content-type" not in names:
            own.append("Content-Type: application/json")
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *own, *lines, "", ""])
        return self.send(head.encode("latin-1") + body, hang_up=hang_up)

    def one(self, method: str, target: str, *lines: str, body: bytes = b"") -> Answer:
        """Send a request that is answered once."""
        (answer,) = self.request(method, target, *lines, body=body)
        return answer

    def send(self, data: bytes, *, hang_up: bool = False) -> list[Answer]:
        """Send bytes on a new connection, and return every answer that comes before it is closed."""
        with socket.create_connection((self.host, self.port), PATIENCE) as connection:
            received = b""
            try:
                connection.sendall(data)
                if hang_up:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65536):
                    received += chunk
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has seen enough
        return list(_answers(received))


def chunked(*parts: bytes) -> bytes:
    """Return a body in chunks (RFC 9112, section 7.1)."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def _answers(data: bytes) -> Any:
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator, f"half an answer: {head!r}"
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
        length = int(headers.get("content-length", 0))
        yield Answer(int(status.split()[1]), headers, data[:length])
        data = data[length:]
