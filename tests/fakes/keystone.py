"""Keystone in memory: tokens, their validation, and the catalogue.

Answers as Keystone does where keystonemiddleware, keystoneauth and the fakes of the services ask it. A token
is made with `add_token`, or by `POST /v3/auth/tokens` for the service user.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.faults import Faults
from tests.fakes.server import Exchange, Request, Response, Server

HOUR = 3600.0
EXPIRED_WINDOW = timedelta(days=2)
"""How long Keystone gives out an expired token to a service that asks for it (`allow_expired`)."""

Document = dict[str, Any]


@dataclass
class Token:
    """One token of a project."""

    id: str
    project_id: str
    user_id: str
    roles: tuple[str, ...]
    expires_at: datetime
    issued_at: datetime
    revoked: bool = False

    @property
    def valid(self) -> bool:
        """Whether it is good now."""
        return not self.revoked and datetime.now(UTC) < self.expires_at

    @property
    def revived(self) -> bool:
        """Whether a service may still act on it, although it has expired."""
        return not self.revoked and datetime.now(UTC) < self.expires_at + EXPIRED_WINDOW


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the catalogue."""

    id: str
    service_id: str
    region: str
    service_type: str
    interface: str
    url: str

    def view(self) -> Document:
        """As `GET /v3/endpoints` shows it."""
        return {
            "id": self.id,
            "service_id": self.service_id,
            "region": self.region,
            "region_id": self.region,
            "interface": self.interface,
            "url": self.url,
            "enabled": True,
            "links": {},
        }


@dataclass
class Keystone:
    """A Keystone with one service user, whose name and password are given."""

    service_name: str = "tricircle"
    service_password: str = "secret"
    service_project: str = field(default_factory=lambda: uuid.uuid4().hex)
    tokens: dict[str, Token] = field(default_factory=dict)
    endpoints: list[Endpoint] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    validations: Counter[str] = field(default_factory=Counter)
    """How often each token was asked for, by its id."""
    faults: Faults = field(default_factory=Faults)
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        """Make the server, which is not started."""
        self.server = Server(self._handle)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The unversioned endpoint."""
        return self.server.url

    def start(self) -> None:
        """Listen, at the same port as before."""
        self.server.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self.server.stop()

    def add_token(
        self,
        project_id: str,
        user_id: str | None = None,
        roles: Sequence[str] = ("member", "reader"),
        expires_in: float = HOUR,
    ) -> Token:
        """Make a token.

        :param expires_in: seconds from now; negative for one that has expired already.
        """
        now = datetime.now(UTC)
        identifier = "gAAAAA" + uuid.uuid4().hex * 5
        token = Token(
            identifier,
            project_id,
            user_id or uuid.uuid4().hex,
            tuple(roles),
            now + timedelta(seconds=expires_in),
            min(now, now + timedelta(seconds=expires_in)),
        )
        self.tokens[identifier] = token
        return token

    def find(self, identifier: str | None) -> Token | None:
        """Look a token up, whether it is still valid or not. For the fakes in the same process."""
        return self.tokens.get(identifier or "")

    def revoke(self, token: Token) -> None:
        """Make a token invalid at once."""
        token.revoked = True

    def add_endpoint(self, region: str, service_type: str, interface: str, url: str) -> Endpoint:
        """Put an endpoint into the catalogue."""
        endpoint = Endpoint(uuid.uuid4().hex, _service_id(service_type), region, service_type, interface, url)
        self.endpoints.append(endpoint)
        return endpoint

    def error(self, status: int, message: str) -> Response:
        """Make an error in Keystone's shape."""
        titles = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error"}
        title = titles.get(status, "Service Unavailable")
        return Response.of_json({"error": {"code": status, "title": title, "message": message}}, status)

    def perform(self, exchange: Exchange) -> Response:
        """Do what the request asks."""
        request = exchange.request
        handler = _ROUTES.get((request.method, request.path.rstrip("/")))
        if handler is None:
            return self.error(404, f"The requested URL was not found on the server: {request.path}")
        response = handler(self, request)
        return Response(response.status, response.body, (*response.headers, ("Vary", "X-Auth-Token")))

    def _handle(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        fault = self.faults.take(exchange.request.method, exchange.request.path)
        if fault is None:
            exchange.reply(self.perform(exchange))
        else:
            fault.answer(self, exchange)

    def _choose(self, request: Request) -> Response:
        return Response.of_json({"versions": {"values": [self._version()]}}, 300)

    def _show_version(self, request: Request) -> Response:
        return Response.of_json({"version": self._version()})

    def _version(self) -> Document:
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{self.url}/v3/"}],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
            ],
        }

    def _issue(self, request: Request) -> Response:
        try:
            user = request.json()["auth"]["identity"]["password"]["user"]
            given = user.get("name"), user.get("password")
        except (ValueError, KeyError, TypeError):
            return self.error(400, "Expecting to find auth in request body.")
        if given != (self.service_name, self.service_password):
            return self._unauthenticated()
        token = self.add_token(self.service_project, self.service_name, ("service", "admin"))
        return Response.of_json(
            {"token": self._view(token, with_catalog=True)}, 201, (("X-Subject-Token", token.id),)
        )

    def _validate(self, request: Request) -> Response:
        subject = request.header("X-Subject-Token") or ""
        with self._lock:
            self.validations[subject] += 1
        if not self._knows_caller(request):
            return self._unauthenticated()
        token = self.tokens.get(subject)
        allow_expired = request.parameter("allow_expired") in {"1", "true", "True"}
        if token is None or not (token.revived if allow_expired else token.valid):
            return self.error(404, "Failed to validate token")
        with_catalog = "nocatalog" not in dict(request.parameters)
        return Response.of_json(
            {"token": self._view(token, with_catalog)}, headers=(("X-Subject-Token", subject),)
        )

    def _knows_caller(self, request: Request) -> bool:
        caller = self.find(request.header("X-Auth-Token"))
        return caller is not None and caller.valid

    def _unauthenticated(self) -> Response:
        return self.error(401, "The request you have made requires authentication.")

    def _view(self, token: Token, with_catalog: bool) -> Document:
        domain = {"id": "default", "name": "Default"}
        view: Document = {
            "methods": ["password"],
            "audit_ids": [token.id[-22:]],
            "user": {
                "domain": domain,
                "id": token.user_id,
                "name": f"user-{token.user_id[:8]}",
                "password_expires_at": None,
            },
            "project": {
                "domain": domain,
                "id": token.project_id,
                "name": f"project-{token.project_id[:8]}",
            },
            "is_domain": False,
            "roles": [{"id": uuid.uuid5(uuid.NAMESPACE_DNS, role).hex, "name": role} for role in token.roles],
            "expires_at": _time(token.expires_at),
            "issued_at": _time(token.issued_at),
        }
        if with_catalog:
            view["catalog"] = self._catalog()
        return view

    def _catalog(self) -> list[Document]:
        services: dict[str, Document] = {}
        for endpoint in self._all_endpoints():
            service = services.setdefault(
                endpoint.service_type,
                {
                    "type": endpoint.service_type,
                    "name": endpoint.service_type,
                    "id": endpoint.service_id,
                    "endpoints": [],
                },
            )
            keys = ("id", "interface", "region", "region_id", "url")
            service["endpoints"].append({key: endpoint.view()[key] for key in keys})
        return list(services.values())

    def _all_endpoints(self) -> list[Endpoint]:
        own = [
            Endpoint(
                uuid.uuid5(uuid.NAMESPACE_DNS, f"{region} {interface}").hex,
                _service_id("identity"),
                region,
                "identity",
                interface,
                f"{self.url}/v3",
            )
            for region in sorted({endpoint.region for endpoint in self.endpoints} | {"Central"})
            for interface in ("public", "internal", "admin")
        ]
        return [*self.endpoints, *own]

    def _show_catalog(self, request: Request) -> Response:
        return self._list(request, "catalog", self._catalog)

    def _list_endpoints(self, request: Request) -> Response:
        wanted = dict(request.parameters)

        def chosen() -> list[Document]:
            views = [endpoint.view() for endpoint in self._all_endpoints()]
            filters = {
                key: value for key, value in wanted.items() if key in {"interface", "service_id", "region_id"}
            }
            return [view for view in views if all(view[key] == value for key, value in filters.items())]

        return self._list(request, "endpoints", chosen)

    def _list_services(self, request: Request) -> Response:
        wanted = request.parameter("type")

        def chosen() -> list[Document]:
            found = {endpoint.service_id: endpoint.service_type for endpoint in self._all_endpoints()}
            return [
                {"id": identifier, "type": kind, "name": kind, "enabled": True, "links": {}}
                for identifier, kind in found.items()
                if wanted in {None, kind}
            ]

        return self._list(request, "services", chosen)

    def _list_regions(self, request: Request) -> Response:
        def chosen() -> list[Document]:
            names = sorted({endpoint.region for endpoint in self._all_endpoints()})
            return [{"id": name, "description": "", "parent_region_id": None, "links": {}} for name in names]

        return self._list(request, "regions", chosen)

    def _list(self, request: Request, name: str, items: Callable[[], list[Document]]) -> Response:
        if not self._knows_caller(request):
            return self._unauthenticated()
        links = {"next": None, "self": self.url + request.target, "previous": None}
        return Response.of_json({name: items(), "links": links})


def _service_id(service_type: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_DNS, service_type).hex


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_ROUTES: dict[tuple[str, str], Callable[[Keystone, Request], Response]] = {
    ("GET", ""): Keystone._choose,
    ("GET", "/v3"): Keystone._show_version,
    ("POST", "/v3/auth/tokens"): Keystone._issue,
    ("GET", "/v3/auth/tokens"): Keystone._validate,
    ("GET", "/v3/auth/catalog"): Keystone._show_catalog,
    ("GET", "/v3/endpoints"): Keystone._list_endpoints,
    ("GET", "/v3/services"): Keystone._list_services,
    ("GET", "/v3/regions"): Keystone._list_regions,
}
