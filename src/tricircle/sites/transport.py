"""HTTP to sites with libcurl: one connection pool a thread, kept alive; one call, or many at once.

What went wrong is told by how far the request got, as that decides what may be done about it:

    TransportError
    +-- NotSent      no byte of the request has left: another site may be tried
    +-- NoAnswer     it was sent, and no answer came back
    +-- BrokenAnswer an answer began, and is none: cut short, or too large
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pycurl
from oslo_config import cfg

# Headers that libcurl would add by itself where a request has none of the name.
_NOT_ADDED = (b"Accept:", b"Content-Type:", b"Expect:", b"User-Agent:")

# Seconds after which transfers are looked at even if nothing has happened to them.
_NAP = 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire.

    :param url: the whole URL, quoted.
    :param headers: lines `Name: value`, without line ends.
    :param deadline: seconds for all of it.
    """

    method: str
    url: str
    headers: Sequence[str]
    body: bytes | None
    deadline: float

    @property
    def is_safe(self) -> bool:
        """Say whether repeating it changes nothing (RFC 9110, section 9.2.1)."""
        return self.method in {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a site answered.

    :param headers: names in lower case, in the order they came.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def is_html(self) -> bool:
        """Say whether it is a page for people: somebody else than the site's service has answered.

        The type alone does not tell: Cinder calls the JSON of some answers HTML.
        """
        is_json = self.body.lstrip()[:1] in {b"{", b"["}
        return bool(self.body) and not is_json and "html" in (self.header("content-type") or "")

    def header(self, name: str) -> str | None:
        """Return the first header of a name, given in lower case."""
        return next((value for key, value in self.headers if key == name), None)


class TransportError(Exception):
    """A request that brought no answer; the text is for the log only."""


class NotSent(TransportError):
    """No byte of the request has left."""


class NoAnswer(TransportError):
    """The request was sent, and no answer came back."""


class BrokenAnswer(TransportError):
    """An answer began, and is none: cut short, or too large."""


class Transport(Protocol):
    """The seam at which a test can swap the wire."""

    def perform(self, request: Request) -> Answer:
        """Send one request.

        :raises TransportError: there is no answer.
        """

    def perform_all(self, requests: Sequence[Request]) -> list[Answer | TransportError]:
        """Send requests side by side; the results are in their order."""


class CurlTransport:
    """Transport over pycurl. Handles and connections belong to the thread that uses them."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf.sites
        self._mine = threading.local()

    def perform(self, request: Request) -> Answer:
        """Send one request; see Transport."""
        exchange = self._take()
        try:
            exchange.prepare(request)
            try:
                exchange.handle.perform()
            except pycurl.error as error:
                raise exchange.failure(*error.args) from None
            return exchange.answer()
        finally:
            self._free().append(exchange)

    def perform_all(self, requests: Sequence[Request]) -> list[Answer | TransportError]:
        """Send requests side by side; see Transport."""
        multi = self._multi()
        results: dict[Any, Answer | TransportError] = {}
        exchanges: list[_Exchange] = []
        try:
            for request in requests:
                exchange = self._take()
                exchange.prepare(request)
                multi.add_handle(exchange.handle)
                exchanges.append(exchange)
            by_handle = {exchange.handle: exchange for exchange in exchanges}
            until = time.monotonic() + max((request.deadline for request in requests), default=0.0) + 1.0
            while len(results) < len(exchanges) and time.monotonic() < until:
                multi.perform()
                _, done, failed = multi.info_read()
                for handle in done:
                    results[handle] = by_handle[handle].answer()
                for handle, code, message in failed:
                    results[handle] = by_handle[handle].failure(code, message)
                if len(results) < len(exchanges):
                    _wait(multi)
        finally:
            for exchange in exchanges:
                multi.remove_handle(exchange.handle)
                self._free().append(exchange)
        return [results.get(exchange.handle) or NoAnswer("deadline") for exchange in exchanges]

    def _take(self) -> "_Exchange":
        free = self._free()
        return free.pop() if free else _Exchange(self._conf)

    def _free(self) -> "list[_Exchange]":
        free: list[_Exchange] | None = getattr(self._mine, "free", None)
        if free is None:
            free = self._mine.free = []
        return free

    def _multi(self) -> Any:
        multi = getattr(self._mine, "multi", None)
        if multi is None:
            multi = self._mine.multi = pycurl.CurlMulti()
        return multi


def _wait(multi: Any) -> None:
    """Sleep until a transfer can go on, or libcurl wants to look at its own time-outs."""
    due = multi.timeout()  # milliseconds; -1 for none
    if due and multi.select(min(due / 1000, _NAP) if due > 0 else _NAP) < 0:
        time.sleep(0.001)  # nothing to wait for yet: a name is being looked up


class _Exchange:
    """A curl handle with what it receives."""

    def __init__(self, conf: Any) -> None:
        self._lines: list[bytes] = []
        self._parts: list[bytes] = []
        self.handle = handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.TCP_NODELAY, 1)
        handle.setopt(pycurl.TCP_KEEPALIVE, 1)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        handle.setopt(pycurl.PATH_AS_IS, 1)
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(conf.connect_timeout * 1000))
        if conf.cafile:
            handle.setopt(pycurl.CAINFO, conf.cafile)
        if conf.insecure:
            handle.setopt(pycurl.SSL_VERIFYPEER, 0)
            handle.setopt(pycurl.SSL_VERIFYHOST, 0)
        handle.setopt(pycurl.MAXFILESIZE_LARGE, conf.max_answer_size)

    def prepare(self, request: Request) -> None:
        """Set what differs from one request to the next."""
        self._lines, self._parts = [], []
        handle = self.handle
        # Lists' own methods, as Python code here would run once for each header.
        handle.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        handle.setopt(pycurl.WRITEFUNCTION, self._parts.append)
        handle.setopt(pycurl.URL, request.url)
        lines = [line.encode("latin-1") for line in request.headers]
        handle.setopt(pycurl.HTTPHEADER, [*lines, *_NOT_ADDED])
        handle.setopt(pycurl.TIMEOUT_MS, max(1, int(request.deadline * 1000)))
        # On a kept-alive connection that turns out to be dead, libcurl sends a request a second time by
        # itself; one that may change something must never be sent twice, so it gets a new connection.
        handle.setopt(pycurl.FRESH_CONNECT, 0 if request.is_safe else 1)
        if request.body or request.method in {"POST", "PUT", "PATCH"}:
            handle.setopt(pycurl.POST, 1)
            handle.setopt(pycurl.POSTFIELDS, request.body or b"")
        elif request.method == "HEAD":
            handle.setopt(pycurl.NOBODY, 1)
        else:
            handle.setopt(pycurl.HTTPGET, 1)
        handle.setopt(pycurl.CUSTOMREQUEST, request.method)

    def answer(self) -> Answer:
        """Return what came back."""
        headers: list[tuple[str, str]] = []
        for line in self._lines:
            if line.startswith(b"HTTP/"):
                headers.clear()  # what came before belongs to an interim answer (1xx)
                continue
            name, colon, value = line.partition(b":")
            if colon:
                headers.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))
        return Answer(self.handle.getinfo(pycurl.RESPONSE_CODE), headers, b"".join(self._parts))

    def failure(self, code: int, message: str) -> TransportError:
        """Say how far the request got."""
        text = f"{message} (curl {code})"
        if self.handle.getinfo(pycurl.REQUEST_SIZE) == 0:
            return NotSent(text)
        if (self._parts or self._lines) and code != pycurl.E_OPERATION_TIMEDOUT:
            return BrokenAnswer(text)
        return NoAnswer(text)
