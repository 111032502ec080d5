"""What happens to every request before and after its handler, as Falcon middleware.

The order is `RequestIds`, `AccessLog`, `Paths`, `Authentication`: whoever is refused is logged, under an id.
"""

import logging
import re
import time
import uuid
from typing import Any
from urllib.parse import quote

import falcon

from tricircle.errors import BadRequest
from tricircle.identity.tokens import TokenChecker

# The plain logger, not oslo.log's adapter, which costs as much again for each line.
LOG = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# Segments `.` and `..` and empty ones, backslashes and control characters.
_AMBIGUOUS = re.compile(r"/\.{0,2}(?=/)|/\.{1,2}$|[\x00-\x1f\x7f\\]")
_QUOTED_SLASH = re.compile(r"%(2f|5c)", re.IGNORECASE)


class RequestIds:
    """Gives each request an id of ours; keeps a valid one that the client sent as the global one.

    This is OpenStack's convention (oslo.middleware, "RequestId"): a service names a request by its own
    id, and `X-OpenStack-Request-ID` of an incoming request links the services' logs.
    """

    def __init__(self, service_header: str | None = None) -> None:
        self._headers = ("x-openstack-request-id", *((service_header,) if service_header else ()))

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Name the request."""
        context = req.context
        context.request_id = request_id = f"req-{uuid.uuid4()}"
        sent = req.env.get("HTTP_X_OPENSTACK_REQUEST_ID", "")
        context.global_request_id = sent if _REQUEST_ID.fullmatch(sent) else request_id
        context.identity = None
        context.site = None

    def process_response(self, req: falcon.Request, resp: falcon.Response, *_: Any) -> None:
        """Tell the client."""
        for name in self._headers:
            resp.set_header(name, req.context.request_id)


class AccessLog:
    """One line for each request.

    The query is left out, as clients put tokens there; the path is quoted, as it may hold line ends.
    """

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Start the clock."""
        req.context.started = time.perf_counter()

    def process_response(self, req: falcon.Request, resp: falcon.Response, *_: Any) -> None:
        """Write the line."""
        context = req.context
        identity = context.identity
        body = resp.data
        LOG.info(
            '%s "%s %s" status: %s len: %d time: %.4f user: %s project: %s site: %s request: %s global: %s',
            req.remote_addr,
            req.method,
            quote(req.path),
            resp.status_code,
            len(body) if body else 0,
            time.perf_counter() - context.started,
            identity.user_id if identity else "-",
            identity.project_id if identity else "-",
            context.site or "-",
            context.request_id,
            context.global_request_id,
        )


class Paths:
    """Refuses paths that two parsers could read differently.

    Servers hand the path on unquoted (PEP 3333), so a quoted slash looks like any other; those that hand
    on the path as it was sent, too, let it be told apart.
    """

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Let a path pass, or raise BadRequest."""
        env = req.env
        raw = env.get("REQUEST_URI") or env.get("RAW_URI") or ""
        if _AMBIGUOUS.search(env["PATH_INFO"]) or _QUOTED_SLASH.search(raw.partition("?")[0]):
            raise BadRequest("The path holds segments or characters that it must not hold.")


class Authentication:
    """Finds out whose token a request carries, before anything else is looked at.

    :param public: paths that need no token: version documents.
    """

    def __init__(self, checker: TokenChecker, public: frozenset[str]) -> None:
        self._checker = checker
        self._public = public

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Set `req.context.identity`, or raise Unauthorized."""
        if req.path not in self._public:
            req.context.identity = self._checker.identify(req.env.get("HTTP_X_AUTH_TOKEN"))
