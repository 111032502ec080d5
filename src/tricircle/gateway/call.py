"""A request on its way through the gateway, and the answer to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import falcon
import orjson

from tricircle.errors import BadRequest, LengthRequired, PayloadTooLarge, UnsupportedMediaType
from tricircle.gateway import microversion
from tricircle.identity.identity import Identity
from tricircle.sites.client import REQUEST_ID, SiteRequest
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

if TYPE_CHECKING:
    from tricircle.gateway.engine import Engine
    from tricircle.gateway.operation import Operation

JSON = falcon.MEDIA_JSON

OPEN_ENDED = "{rest}"
"""Ends the path of a row that stands for whatever there is below a resource."""

# What a client may say to a site. Everything else stays here: it is the connection's business (RFC 9110,
# section 7.6.1), or a header by which services tell each other who somebody is. Microversions and request
# ids are dealt with apart.
_PASSED_ON = tuple(
    ("HTTP_" + name.upper().replace("-", "_") if name != "Content-Type" else "CONTENT_TYPE", name)
    for name in (
        "Accept",
        "Accept-Language",
        "Content-Type",
        "Traceparent",
        "Tracestate",
        "User-Agent",
        "X-Auth-Token",
    )
)

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_QUERY = re.compile(r"[\x21-\x7e]*", re.ASCII)


@dataclass(slots=True)
class Reply:
    """What the client gets.

    :param headers: those of the operation itself; request ids are added for every answer.
    """

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


def json_reply(document: object, status: int = 200) -> Reply:
    """Make a reply of a document."""
    return Reply(status, orjson.dumps(document), [("Content-Type", JSON)])


class Call:
    """A request: what it asks, who asks it, and with what it is served.

    :param params: the path's parameters, decoded: `{"server_id": ...}`.
    """

    __slots__ = (
        "_body",
        "_req",
        "_root",
        "engine",
        "identity",
        "operation",
        "params",
        "project_in_path",
        "token",
    )

    def __init__(
        self, engine: "Engine", operation: "Operation", req: falcon.Request, params: dict[str, str]
    ) -> None:
        self.engine = engine
        self.operation = operation
        self.params = params
        self.project_in_path: str | None = params.pop("project_id_in_path", None)
        self.identity: Identity = req.context.identity
        self.token: str = req.env["HTTP_X_AUTH_TOKEN"]
        self._req = req
        self._root: str | None = None
        self._body: bytes | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self._req.method

    @property
    def request_id(self) -> str:
        """The global id of the request, by which every log names it."""
        found: str = self._req.context.global_request_id
        return found

    @property
    def query(self) -> str:
        """The query, quoted as the client sent it.

        :raises BadRequest: it holds what no URL may hold.
        """
        query: str = self._req.env.get("QUERY_STRING", "")
        if not _QUERY.fullmatch(query):
            raise BadRequest("The query string holds characters that must be quoted.")
        return query

    @property
    def version(self) -> str | None:
        """The microversion asked for, as the client wrote it."""
        return self.engine.service.microversions.asked(self._req.env)

    @property
    def version_number(self) -> microversion.Version:
        """The microversion asked for, as a number; none is the lowest, and `latest` above all."""
        asked = self.version
        if asked == "latest":
            return (1 << 16, 0)
        return microversion.parse(asked or "") or (0, 0)

    def path(self, **changes: str) -> str:
        """Return the operation's path without the version, quoted.

        :param changes: of the path's parameters.
        """
        return self.operation.path.format_map(_Quoted(self.params | changes))

    def target(self, path: str | None = None, query: str | None = None) -> str:
        """Return path and query at a site.

        Made of the table's own path and of parameters that are quoted anew, so that the site's parser
        cannot read anything else than ours did.
        """
        if path is None:
            path = self.path()
        if query is None:
            query = self.query
        version = self.engine.service.version_path
        prefix = f"{version}/{quote(self.project_in_path, '')}" if self.project_in_path else version
        return f"{prefix}{path}?{query}" if query else prefix + path

    def headers(self, version: str | None = None) -> list[str]:
        """Return the header lines that the site gets.

        :param version: the microversion to ask for in place of the client's.
        :raises BadRequest: a header holds control characters.
        """
        environ: Mapping[str, str] = self._req.env
        lines = []
        for variable, name in _PASSED_ON:
            value = environ.get(variable)
            if value:
                if _CONTROL.search(value):
                    raise BadRequest(f"The header {name} holds control characters.")
                lines.append(f"{name}: {value}")
        lines.append(f"{REQUEST_ID}: {self.request_id}")
        version = version or self.version
        if version is not None:
            if version != "latest" and microversion.parse(version) is None:
                raise BadRequest(
                    "API Version String is of invalid format. Must be of format MajorNum.MinorNum."
                )
            lines += self.engine.service.microversions.lines(version)
        return lines

    def body(self) -> bytes | None:
        """Return the body as the client sent it, None if there is none.

        :raises LengthRequired: it comes in chunks.
        :raises PayloadTooLarge: it is over the limit.
        :raises BadRequest: it is shorter than it says.
        """
        if self._body is None:
            self._body = self._read_body()
        return self._body

    def _read_body(self) -> bytes | None:
        most = self.engine.conf.api.max_body_size
        if "HTTP_TRANSFER_ENCODING" in self._req.env:
            # A WSGI server need not say that the last chunk is missing; no OpenStack client sends chunks.
            # They are read all the same: else the server cuts the connection, and the answer may get lost.
            self._req.stream.read(most)
            raise LengthRequired("A request with a body must have a Content-Length.")
        length = self._req.content_length
        if length is None:
            return None
        if length > most:
            raise PayloadTooLarge(f"The request body is over the limit of {most} bytes.")
        body: bytes = self._req.stream.read(length)
        if len(body) != length:
            raise BadRequest("The request body is shorter than its Content-Length says.")
        return body

    def json(self, envelope: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the body's document and the object under its envelope, a part of it.

        :raises BadRequest: it is not JSON, or has no such object.
        :raises UnsupportedMediaType: it says that it is something else than JSON.
        """
        media = (self._req.content_type or JSON).partition(";")[0].strip().lower()
        if media != JSON:
            raise UnsupportedMediaType(f"Unsupported Content-Type {media}.")
        try:
            document = orjson.loads(self.body() or b"")
        except orjson.JSONDecodeError:
            raise BadRequest("Malformed request body") from None
        member = document.get(envelope) if isinstance(document, dict) else None
        if not isinstance(member, dict):
            raise BadRequest(f"Invalid input for field/attribute {envelope}: an object is required.")
        return document, member

    def request(self, **changes: Any) -> SiteRequest:
        """Return this request as a site gets it: as it came, but for the changes."""
        return SiteRequest(
            changes.get("method", self.method),
            changes.get("target") or self.target(),
            changes.get("headers") or self.headers(),
            changes["body"] if "body" in changes else self.body(),
            changes.get("deadline"),
        )

    def send(self, site: Site, **changes: Any) -> Answer:
        """Send this request to a site; see SiteClient.send for what is raised."""
        self._req.context.site = site.name
        return self.engine.client.send(site, self.engine.service.type, self.request(**changes))

    def root(self) -> str:
        """Return the root of the links that the client gets: scheme, host and path before the version."""
        if self._root is None:
            self._root = self.engine.public_root(self._req)
        return self._root


class _Quoted(dict[str, str]):
    """Path parameters, quoted; `rest` is a path of its own, whose segments are."""

    def __getitem__(self, key: str) -> str:
        value = super().__getitem__(key)
        return quote(value, "/" if key == "rest" else "")
