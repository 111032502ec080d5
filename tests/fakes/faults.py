"""What can go wrong at a site, as objects: each knows how to spoil one exchange.

Set with `service.faults.put(fault, under="/servers")`; the last one that fits wins. A site that refuses
connections is no fault of an answer but a stopped server: `service.stop()`, then `service.start()`.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.fakes.server import Exchange, Headers, Response

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Site(Protocol):
    """What a fault may ask of the service that it spoils."""

    def perform(self, exchange: Exchange) -> Response:
        """Do what the request asks, and return the answer that would be right."""

    def error(self, status: int, message: str) -> Response:
        """Make an error in the service's own shape."""


class Fault(Protocol):
    """One way to spoil an exchange."""

    def answer(self, site: Site, exchange: Exchange) -> None:
        """Answer, or do not."""

    def release(self) -> None:
        """Let go whoever is being held."""


@dataclass
class _Holding:
    released: threading.Event = field(default_factory=threading.Event, init=False)

    def release(self) -> None:
        self.released.set()


@dataclass
class Silence(_Holding):
    """Takes the request and never answers. Held until released, or until one of the two sides ends."""

    performed: bool = False
    """Whether the request is carried out all the same."""

    def answer(self, site: Site, exchange: Exchange) -> None:
        if self.performed:
            site.perform(exchange)
        exchange.hold(None, self.released)
        exchange.hang_up()


@dataclass
class Delay(_Holding):
    """Answers rightly, but late."""

    seconds: float

    def answer(self, site: Site, exchange: Exchange) -> None:
        if exchange.hold(self.seconds, self.released):
            exchange.reply(site.perform(exchange))


@dataclass
class Trickle(_Holding):
    """Answers rightly, one byte at a time: something always moves, nothing ever arrives."""

    seconds: float = 0.1

    def answer(self, site: Site, exchange: Exchange) -> None:
        response = site.perform(exchange)
        for byte in response.head() + response.body:
            if not exchange.hold(self.seconds, self.released):
                return
            exchange.send(bytes([byte]))


@dataclass
class _Instant:
    def release(self) -> None:
        """Nobody is held."""


@dataclass
class Meanwhile(_Instant):
    """Answers rightly, after something else was done."""

    do: Callable[[], object]

    def answer(self, site: Site, exchange: Exchange) -> None:
        self.do()
        exchange.reply(site.perform(exchange))


@dataclass
class Status(_Instant):
    """Answers with a status, and an error in the service's own shape."""

    status: int
    message: str = "The server has either erred or is incapable of performing the requested operation."

    def answer(self, site: Site, exchange: Exchange) -> None:
        exchange.reply(site.error(self.status, self.message))


@dataclass
class Answer(_Instant):
    """Answers with exactly this."""

    status: int = 200
    body: bytes = b""
    headers: Headers = (("Content-Type", "application/json"),)

    def answer(self, site: Site, exchange: Exchange) -> None:
        exchange.reply(Response(self.status, self.body, self.headers))


def bad_gateway() -> Answer:
    """The HTML page of a proxy before a site whose service is gone."""
    return Answer(502, HTML, (("Content-Type", "text/html"), ("Server", "nginx")))


def garbage() -> Answer:
    """200, said to be JSON, and is none."""
    return Answer(200, b'{"servers": [{"id": "' + b"\xff\xfe" * 8)


@dataclass
class HalfBody(_Instant):
    """Performs the request, promises the whole answer, sends half of it and closes."""

    def answer(self, site: Site, exchange: Exchange) -> None:
        response = site.perform(exchange)
        exchange.send(response.head() + response.body[: len(response.body) // 2])
        exchange.hang_up()


@dataclass
class HangUp(_Instant):
    """Reads the request and closes without a word."""

    performed: bool = False
    """Whether the request is carried out before."""

    def answer(self, site: Site, exchange: Exchange) -> None:
        if self.performed:
            site.perform(exchange)
        exchange.hang_up()


@dataclass
class HugeBody(_Instant):
    """200 with valid JSON of at least so many bytes."""

    size: int
    head: bytes = b'{"servers": ['
    item: bytes = b'{"id": "00000000-0000-4000-8000-000000000000", "links": [], "name": "huge"}'
    tail: bytes = b"]}"

    def answer(self, site: Site, exchange: Exchange) -> None:
        items = 1 + self.size // (len(self.item) + 1)
        length = len(self.head) + items * (len(self.item) + 1) - 1 + len(self.tail)
        block = 1000
        exchange.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length
        )
        exchange.send(self.head)
        for first in range(0, items, block):
            data = b",".join([self.item] * min(block, items - first))
            exchange.send(data if first == 0 else b"," + data)
        exchange.send(self.tail)


@dataclass
class _Rule:
    fault: Fault
    under: str
    method: str | None
    left: int | None

    def fits(self, method: str, path: str) -> bool:
        if self.left == 0 or self.method not in {None, method}:
            return False
        return path == self.under or path.startswith(self.under.rstrip("/") + "/")


class Faults:
    """The faults of one service."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def put(
        self, fault: Fault, under: str = "/", method: str | None = None, times: int | None = None
    ) -> Fault:
        """Spoil requests from now on.

        :param under: path below the API's version and the project id, as `/servers/detail`.
        :param method: only this HTTP method.
        :param times: only so many requests; None for ever.
        """
        with self._lock:
            self._rules.append(_Rule(fault, under, method, times))
        return fault

    def clear(self) -> None:
        """Take all faults away, and let go whoever is held."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            rule.fault.release()

    def take(self, method: str, path: str) -> Fault | None:
        """Find the fault for a request."""
        with self._lock:
            for rule in reversed(self._rules):
                if rule.fits(method, path):
                    if rule.left is not None:
                        rule.left -= 1
                    return rule.fault
        return None
