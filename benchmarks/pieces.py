"""The parts of a request, each by itself in this process: where the gateway's processor time goes.

Every part is the product's own code with warm caches, run by one thread and timed by that thread's own
clock, so "log line" and "token" are in the figures of the framework and of the whole too. A part alone
finds its code and data in the processor's caches; in the whole they have been pushed out by the time that
the site's answer comes, and the same code takes half as long again or more. Under the server come the
interpreter's lock and the hand-over of requests between threads.
"""

import gc
import io
import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import falcon
import orjson
from oslo_log import log

from benchmarks.scenario import PREFIX, SITE, SITE_ZONE, ZONE, Scenario
from tricircle.gateway.compute.application import make_application
from tricircle.gateway.compute.resources import SERVER
from tricircle.identity.identity import Identity
from tricircle.identity.tokens import make_token_checker
from tricircle.routing.cache import RouteCache
from tricircle.routing.route import Route
from tricircle.sites.transport import CurlTransport, Request
from tricircle.web.application import make_app
from tricircle.web.faults import compute_fault
from tricircle.web.middleware import AccessLog

CALLS = 500

Piece = Callable[[], object]


def pieces(scenario: Scenario, document: bytes) -> Mapping[str, Piece]:
    """Make the parts, by what the table calls them."""
    conf = scenario.cloud.configuration
    log.setup(conf, "tricircle")
    checker, challenge = make_token_checker(conf)
    shuffled = random.Random(2)  # noqa: S311  # the same order in every run
    tokens = itertools.cycle(shuffled.sample(scenario.tokens, len(scenario.tokens)))
    ids = itertools.cycle(shuffled.sample(scenario.ids, len(scenario.ids)))
    upstream = f"http://127.0.0.1:{scenario.upstream}{PREFIX}"
    transport = CurlTransport(conf)
    routes = _routes(scenario.ids)
    application = make_application(conf)
    gc.collect()
    gc.freeze()  # as the real processes do
    framework = _framework(checker, challenge, document)

    def hop() -> object:
        headers = [f"X-Auth-Token: {next(tokens)}", "Accept: application/json", "User-Agent: benchmark"]
        return transport.perform(Request("GET", upstream + next(ids), headers, None, 5.0))

    def rewrite() -> object:
        body = orjson.loads(document)
        SERVER.rewrite(body["server"], "http://top", "http://top/v2.1", {SITE_ZONE: ZONE}.__getitem__)
        return orjson.dumps(body)

    return {
        "token: SHA-256 and cache": lambda: checker.identify(next(tokens)),
        "route: cache": lambda: routes.get("server", next(ids)),
        "JSON: parse, rewrite, serialise": rewrite,
        "log line": _log_line(),
        "hop: libcurl, headers, body": hop,
        "Falcon, token, request id, log line": lambda: _call(framework, next(ids), next(tokens)),
        "the whole application": lambda: _call(application, next(ids), next(tokens)),
    }


def microseconds(piece: Piece, calls: int = CALLS) -> float:
    """Time a part: processor time of one call."""
    start = time.thread_time_ns()
    for _ in range(calls):
        piece()
    return (time.thread_time_ns() - start) / calls / 1000


def _routes(ids: Sequence[str]) -> RouteCache:
    cache = RouteCache(len(ids), 3600)
    for identifier in ids:
        cache.put(Route(identifier, "server", "site", identifier, "project", None))
    return cache


def _framework(checker: Any, challenge: str, document: bytes) -> Any:
    """Make an application of the product's own kind whose handler does nothing."""

    class Handler:
        def on_get(self, _req: falcon.Request, resp: falcon.Response, **_: str) -> None:
            resp.data = document

    app = make_app(compute_fault, checker, challenge, public=frozenset())
    app.add_route(PREFIX + "{server_id}", Handler())
    return app


def _log_line() -> Piece:
    """Write an access log line, to a file, in oslo.log's default form."""
    identity = Identity("user", "project", frozenset({"member"}), 0.0)
    known = {"identity": identity, "site": SITE, "request_id": "req-1", "global_request_id": "req-2"}
    context = SimpleNamespace(started=time.perf_counter(), **known)
    req = SimpleNamespace(remote_addr="127.0.0.1", method="GET", path=PREFIX, context=context)
    resp = SimpleNamespace(data=b"", status_code=200)
    middleware = AccessLog()
    return lambda: middleware.process_response(req, resp)  # type: ignore[arg-type]  # all that it reads


def _call(application: Any, identifier: str, token: str) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": PREFIX + identifier,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8774",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8774",
        "HTTP_ACCEPT": "application/json",
        "HTTP_USER_AGENT": "benchmark",
        "HTTP_X_AUTH_TOKEN": token,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    statuses: list[str] = []
    b"".join(application(environ, lambda status, _headers, _info=None: statuses.append(status)))
    if not statuses[0].startswith("200"):
        raise RuntimeError(f"The application answers {statuses[0]}")
