"""The Falcon application that each of the three web services begins with."""

from collections.abc import Callable, Iterable
from typing import Any

import falcon
from oslo_config import cfg
from oslo_log import log
from oslo_middleware import healthcheck

from tricircle.errors import TricircleError, Unauthorized, Unavailable
from tricircle.identity.tokens import TokenChecker
from tricircle.web.faults import Fault
from tricircle.web.middleware import AccessLog, Authentication, Paths, RequestIds

LOG = log.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application (PEP 3333)."""

HEALTH_PATH = "/healthcheck"


def make_app(
    fault: Fault,
    checker: TokenChecker,
    challenge: str,
    *,
    public: frozenset[str],
    request_id_header: str | None = None,
) -> falcon.App[falcon.Request, falcon.Response]:
    """Make an application without routes.

    :param fault: the shape of its error bodies.
    :param challenge: what a 401 says in WWW-Authenticate.
    :param public: paths that need no token.
    :param request_id_header: the service's own name for X-OpenStack-Request-ID.
    """
    # Falcon's middleware type wants one exact request type, which ours do not name.
    middleware: list[Any] = [
        RequestIds(request_id_header),
        AccessLog(),
        Paths(),
        Authentication(checker, public),
    ]
    app = falcon.App(media_type=falcon.MEDIA_JSON, middleware=middleware, independent_middleware=True)
    app.req_options.strip_url_path_trailing_slash = True
    errors = _Errors(fault, challenge)
    app.add_error_handler(Exception, errors.unexpected)
    app.add_error_handler(falcon.HTTPError, errors.of_falcon)
    app.add_error_handler(TricircleError, errors.of_ours)
    return app


def with_health(app: Application, conf: cfg.ConfigOpts) -> Application:
    """Answer `/healthcheck` (oslo.middleware's, with its options), and leave the rest to `app`."""
    health = healthcheck.Healthcheck(None, conf)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == HEALTH_PATH:
            answer: Iterable[bytes] = health(environ, start_response)
            return answer
        return app(environ, start_response)

    return application


class _Errors:
    """Turns exceptions into answers."""

    def __init__(self, fault: Fault, challenge: str) -> None:
        self._fault = fault
        self._challenge = challenge

    def of_ours(
        self, req: falcon.Request, resp: falcon.Response, error: TricircleError, _: dict[str, Any]
    ) -> None:
        """Say what one of our own errors says."""
        self._answer(resp, error.status, error.message)
        req.context.site = error.site or req.context.site
        if isinstance(error, Unauthorized):
            resp.set_header("WWW-Authenticate", self._challenge)
        if isinstance(error, Unavailable):
            resp.set_header("Retry-After", str(error.retry_after))

    def of_falcon(
        self, _req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _: dict[str, Any]
    ) -> None:
        """Say what Falcon found: no such path, no such method."""
        resp.set_headers(error.headers or {})
        message = {
            404: "The resource could not be found.",
            405: "The method is not allowed for this resource.",
        }.get(error.status_code)
        self._answer(resp, error.status_code, message or error.description or error.title)

    def unexpected(
        self, req: falcon.Request, resp: falcon.Response, _error: Exception, _: dict[str, Any]
    ) -> None:
        """Log a defect of ours, and tell the client no more than where to look."""
        LOG.exception("Unexpected error in request %s", req.context.request_id)
        self._answer(resp, 500, f"Unexpected error. Its request id is {req.context.request_id}.")

    def _answer(self, resp: falcon.Response, status: int, message: str) -> None:
        resp.status = status
        resp.content_type = falcon.MEDIA_JSON
        resp.data = self._fault(status, message)
