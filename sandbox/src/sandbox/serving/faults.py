"""WSGI middleware that makes a site misbehave on demand, as seen from outside it.

The rules are a JSON list in the site's control file (written by ``sandbox fault``); the first rule that
matches a request decides. OpenStack's own code is as it was::

    [{"type": "compute", "path": "/v2.1/servers", "kind": "delay", "value": 3.0}]
"""

from __future__ import annotations

import json
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from sandbox.process import Process

    Rule = dict[str, Any]

# How old the middleware's knowledge of the control file may be, in seconds.
FRESHNESS = 0.1

HTML = b"<html><body><h1>502 Bad Gateway</h1>The proxy server received an invalid response.</body></html>\n"

# Nova's and Cinder's names for the statuses that a client is likely to tell apart.
FAULT_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
    429: "overLimit",
    503: "serviceUnavailable",
}


class FaultInjection:
    """Wraps a service's application in the faults of its site."""

    def __init__(self, application: WSGIApplication, process: Process) -> None:
        self.application = application
        self.type = process.type
        self.file = Path(process.faults)
        self.looked = 0.0
        self.modified: int | None = None
        self.rules: list[Rule] = []
        self.kinds: dict[str, Callable[[Rule, WSGIEnvironment, StartResponse], Iterable[bytes]]] = {
            "delay": self.delay,
            "slow": self.slow,
            "hang": self.hang,
            "status": self.status,
            "html": self.html,
            "half": self.half,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request, well or badly."""
        rule = self.rule(environ)
        if rule is None:
            return self.application(environ, start_response)
        return self.kinds[rule["kind"]](rule, environ, start_response)

    def rule(self, environ: WSGIEnvironment) -> Rule | None:
        """Return the rule that applies to a request, if any."""
        now = time.monotonic()
        if now - self.looked > FRESHNESS:
            self.look()
            self.looked = now  # not before: a request beside this one would go by the old rules
        if not self.rules:
            return None
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        for rule in self.rules:
            if rule["type"] in (None, self.type) and path.startswith(rule["path"]):
                return rule
        return None

    def look(self) -> None:
        """Read the control file, if it has changed."""
        try:
            modified = self.file.stat().st_mtime_ns
        except FileNotFoundError:
            self.modified, self.rules = None, []
            return
        if modified != self.modified:
            self.rules = json.loads(self.file.read_text())
            self.modified = modified

    def delay(self, rule: Rule, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the request, later."""
        threading.Event().wait(rule["value"])
        return self.application(environ, start_response)

    def slow(self, rule: Rule, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the request as a processor does that is so many times as slow, and leave ours to others.

        What the request waits for, as other services or its turn at the database, takes as long as it takes.
        """
        began = time.thread_time()
        answer = self.application(environ, start_response)
        threading.Event().wait((rule["value"] - 1) * (time.thread_time() - began))
        return answer

    def hang(self, rule: Rule, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Never serve the request: hold it for as long as the fault lasts, and then refuse it."""
        while self.rule(environ) == rule:
            threading.Event().wait(FRESHNESS)
        return self.refuse(503, "the injected fault is over, and this request was not served", start_response)

    def status(self, rule: Rule, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with an error of the service's own shape, without serving the request."""
        return self.refuse(rule["value"], "injected fault", start_response)

    def html(self, _rule: Rule, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a load balancer does that lost its server."""
        headers = [("Content-Type", "text/html"), ("Content-Length", str(len(HTML)))]
        start_response("502 Bad Gateway", headers)
        return [HTML]

    def half(self, _rule: Rule, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the request, and lose the connection in the middle of the answer."""
        body = b"".join(self.application(environ, start_response))
        # The server closes the connection when there is less than Content-Length has promised.
        return [body[: len(body) // 2]]

    def refuse(self, code: int, message: str, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the error body of this type of service."""
        body = json.dumps(error_body(self.type, code, message)).encode()
        phrase = HTTPStatus(code).phrase if code in HTTPStatus._value2member_map_ else "Unknown"
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{code} {phrase}", headers)
        return [body]


def error_body(type_: str, code: int, message: str) -> dict[str, Any]:
    """Return an error as a service of that type words it."""
    if type_ == "network":
        return {"NeutronError": {"type": "InjectedFault", "message": message, "detail": ""}}
    if type_ == "placement":
        return {"errors": [{"status": code, "title": "Injected fault", "detail": message}]}
    return {FAULT_NAMES.get(code, "computeFault"): {"code": code, "message": message}}
