"""What fake Nova and fake Cinder have in common: tokens, microversions, routes, errors, records.

A service is a table of routes (`method, pattern, function`) over a `Server`. A function gets a `Call`
and returns a document (answered with 200), a `Response`, or raises a `Refusal`.

Paths are decoded and `..` is resolved before a route is looked for. Nova itself does not do that, but the
web servers that stand before it do, so this is what a request that slipped through would reach.
"""

import json
import posixpath
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.fakes.faults import Faults
from tests.fakes.keystone import Keystone, Token
from tests.fakes.server import Exchange, Headers, Request, Response, Server

Version = tuple[int, int]
Document = dict[str, Any]

_FAULT_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}

MAX_BODY_SIZE = 114688
"""Default of oslo.middleware's `max_request_body_size`."""


class Refusal(Exception):
    """The request is answered with an error in the service's own shape."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Call:
    """One request after token, version and route have been found."""

    request: Request
    token: Token
    version: Version
    root: str
    """Of links: scheme, host and port as the request named them."""
    project: str
    """The project id in the path with a slash before it; empty where the path has none."""
    arguments: Mapping[str, str]
    request_id: str

    @property
    def admin(self) -> bool:
        """Whether the caller may see everything."""
        return "admin" in self.token.roles

    def at_least(self, minor: int) -> bool:
        """Whether the microversion is so high."""
        return self.version[1] >= minor

    def sees(self, project_id: str) -> bool:
        """Whether resources of the project exist for the caller."""
        return self.admin or self.token.project_id == project_id

    def body(self, key: str) -> Any:
        """Take the one object that a body must have."""
        try:
            document = self.request.json()
        except ValueError:
            raise Refusal(400, "Malformed request body") from None
        if not isinstance(document, dict) or key not in document:
            raise Refusal(400, f"'{key}' is a required property")
        return document[key]


Outcome = Document | Response
Function = Callable[[Any, Call], Outcome]
Route = tuple[str, str, Function]


@dataclass(kw_only=True)
class Service:
    """A service of a site: its server, its records and its faults."""

    keystone: Keystone
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    requests: list[Request] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    server: Server = field(init=False)
    maximum: Version

    service_type: ClassVar[str]
    version_path: ClassVar[str]
    public_paths: ClassVar[frozenset[str]]
    """Paths that need no token."""
    minimum: ClassVar[Version]
    error_type: ClassVar[str]
    routes: ClassVar[Iterable[Route]]

    def __post_init__(self) -> None:
        """Make the routes ready. The server is not started."""
        self.server = Server(self._handle)
        self._routes = [(method, _pattern(path), function) for method, path, function in self.routes]

    @property
    def url(self) -> str:
        """The endpoint, as the catalogue has it."""
        return self.server.url + self.version_path

    def start(self) -> None:
        """Listen, at the same port as before."""
        self.server.start()

    def stop(self) -> None:
        """Refuse connections from now on, and cut those that are open."""
        self.server.stop()

    def received(self, method: str | None = None, path: str | None = None) -> list[Request]:
        """List the recorded requests, by method and by the end of the path as sent."""
        return [
            request
            for request in list(self.requests)
            if (method is None or request.method == method) and (path is None or request.path.endswith(path))
        ]

    def error(self, status: int, message: str) -> Response:
        """Make an error in the shape of Nova and Cinder."""
        name = _FAULT_NAMES.get(status, "computeFault")
        document = {name: {"code": status, "message": message}}
        return Response(status, json.dumps(document).encode(), (("Content-Type", self.error_type),))

    def _handle(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        fault = self.faults.take(exchange.request.method, self._operation_path(exchange.request))
        if fault is None:
            exchange.reply(self.perform(exchange))
        else:
            fault.answer(self, exchange)

    def _operation_path(self, request: Request) -> str:
        path = _clean(request.path).removeprefix(self.version_path)
        return re.sub(r"^/[0-9a-f-]{32,36}(?=/)", "", path) or "/"

    def perform(self, exchange: Exchange) -> Response:
        """Do what the request asks, and return the answer that would be right."""
        request = exchange.request
        request_id = f"req-{uuid.uuid4()}"
        response = self._respond(request, request_id)
        return response.with_headers(("x-openstack-request-id", request_id))

    def _respond(self, request: Request, request_id: str) -> Response:
        path = _clean(request.path)
        if len(request.body) > MAX_BODY_SIZE:
            return plain_error(request, 413, "Request is too large. Larger than max_request_body_size (%s).")
        if path in self.public_paths:
            return self.versions(request, path)
        token = self._authenticate(request)
        if token is None:
            return self._unauthorized()
        if path.rstrip("/") == self.version_path:
            return self.versions(request, path)
        try:
            version = self.negotiate(request)
        except Refusal as refusal:
            return self.error(refusal.status, refusal.message)
        return self._dispatch(request, path, token, version, request_id)

    def _dispatch(
        self, request: Request, path: str, token: Token, version: Version, request_id: str
    ) -> Response:
        for method, pattern, function in self._routes:
            match = pattern.match(path.removeprefix(self.version_path))
            if match is None or method != request.method:
                continue
            arguments = match.groupdict()
            project = arguments.pop("url_project")
            if project is not None and project != token.project_id:
                response = self.error(400, self.wrong_project(project, token.project_id))
                return self._named(response, version, request_id)
            call = Call(
                request,
                token,
                version,
                self.link_root(request),
                "" if project is None else f"/{project}",
                arguments,
                request_id,
            )
            try:
                _check_media_type(request)
                outcome = function(self, call)
            except Refusal as refusal:
                outcome = self.error(refusal.status, refusal.message)
            response = outcome if isinstance(outcome, Response) else Response.of_json(outcome)
            return self._named(response, version, request_id)
        return plain_error(request, 404, "The resource could not be found.")

    def _named(self, response: Response, version: Version, request_id: str) -> Response:
        """Add what only answers of the service proper have, and not those of what stands before it."""
        return response.with_headers(("x-compute-request-id", request_id), *self.version_echo(version))

    def _authenticate(self, request: Request) -> Token | None:
        token = self.keystone.find(request.header("X-Auth-Token"))
        if token is None:
            return None
        helper = self.keystone.find(request.header("X-Service-Token"))
        vouched = helper is not None and helper.valid and "service" in helper.roles
        return token if token.valid or (vouched and token.revived) else None

    def _unauthorized(self) -> Response:
        message = "The request you have made requires authentication."
        return Response.of_json(
            {"error": {"code": 401, "title": "Unauthorized", "message": message}},
            401,
            (("WWW-Authenticate", f'Keystone uri="{self.keystone.url}"'),),
        )

    def versions(self, request: Request, path: str) -> Response:
        """Answer a request for the version documents."""
        raise NotImplementedError

    def negotiate(self, request: Request) -> Version:
        """Find the microversion that a request asks for."""
        raise NotImplementedError

    def version_echo(self, version: Version) -> Headers:
        """Make the headers that name the version of an answer."""
        raise NotImplementedError

    def link_root(self, request: Request) -> str:
        """Find scheme, host and port of the links in an answer."""
        return f"http://{request.header('Host') or self.server.url.removeprefix('http://')}"

    @staticmethod
    def wrong_project(asked: str, own: str) -> str:
        """Say that the project in the path is not the token's."""
        return f"Malformed request URL: URL's project_id '{asked}' doesn't match Context's project_id '{own}'"

    def parse_version(self, text: str) -> Version:
        """Read a microversion, and check that it is one of ours."""
        if text == "latest":
            return self.maximum
        match = re.fullmatch(r"([1-9]\d*)\.(0|[1-9]\d*)", text)
        if match is None:
            raise Refusal(
                400,
                f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum.",
            )
        version = (int(match[1]), int(match[2]))
        if not self.minimum <= version <= self.maximum:
            raise Refusal(
                406,
                f"Version {text} is not supported by the API. Minimum is {dotted(self.minimum)} and maximum "
                f"is {dotted(self.maximum)}.",
            )
        return version


def _check_media_type(request: Request) -> None:
    media_type = (request.header("Content-Type") or "text/plain").partition(";")[0].strip()
    if request.body and media_type not in {"application/json", "text/plain"}:
        raise Refusal(415, "Unsupported Content-Type")


def plain_error(request: Request, status: int, message: str) -> Response:
    """Make an error as WebOb does where the service has not been reached: not in its shape, and HTML unless
    JSON is asked for."""
    title = HTTPStatus(status).phrase
    if "application/json" in (request.header("Accept") or ""):
        document = {"message": f"{message}<br /><br />\n\n\n", "code": f"{status} {title}", "title": title}
        return Response.of_json(document, status)
    page = f"<html>\n <head>\n  <title>{status} {title}</title>\n </head>\n"
    page += f" <body>\n  <h1>{status} {title}</h1>\n  {message}<br /><br />\n\n\n\n </body>\n</html>"
    return Response(status, page.encode(), (("Content-Type", "text/html; charset=UTF-8"),))


def dotted(version: Version) -> str:
    """Write a microversion."""
    return f"{version[0]}.{version[1]}"


def _clean(path: str) -> str:
    decoded = unquote(path)
    cleaned = posixpath.normpath("/" + decoded.lstrip("/"))
    return cleaned + "/" if decoded.endswith("/") and cleaned != "/" else cleaned


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return re.compile(rf"^(?:/(?P<url_project>[0-9a-f-]+))?{parts}$")
