"""Trivial WSGI applications under the same server: what a gateway cannot be cheaper than.

Started by granian as `benchmarks.floors:nothing` and `benchmarks.floors:hop`; both need
`BENCHMARK_DOCUMENT` (a file) and `BENCHMARK_UPSTREAM` (a URL) in the environment.
"""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pycurl

_DOCUMENT = Path(os.environ["BENCHMARK_DOCUMENT"]).read_bytes()
_UPSTREAM = os.environ["BENCHMARK_UPSTREAM"]
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_DOCUMENT)))]
_MINE = threading.local()


def nothing(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer from memory: the price of the server itself."""
    start_response("200 OK", list(_HEADERS))
    return [_DOCUMENT]


def hop(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Fetch the answer from the site, and look at nothing: the price of being a proxy in Python at all."""
    handle = getattr(_MINE, "handle", None)
    if handle is None:
        handle = _MINE.handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.TCP_NODELAY, 1)
    body: list[bytes] = []
    handle.setopt(pycurl.URL, _UPSTREAM + environ["PATH_INFO"])
    handle.setopt(pycurl.HTTPHEADER, [f"X-Auth-Token: {environ.get('HTTP_X_AUTH_TOKEN', '')}"])
    handle.setopt(pycurl.WRITEFUNCTION, body.append)
    handle.perform()
    start_response("200 OK", list(_HEADERS))
    return body
