"""A gateway's engine over stand-ins, and requests to it, without an application around them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import falcon
from falcon import testing
from oslo_config import cfg
from tests.unit.sites.register import Register, member, zone
from tests.unit.sites.wire import Endpoint, Outcome, StandInUser, Wire, endpoints_of, json_answer, site

from tricircle.errors import DatabaseUnavailable, NotFound
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.engine import Engine
from tricircle.gateway.operation import Kind, Operation
from tricircle.gateway.service import Service
from tricircle.gateway.versions import Versions
from tricircle.identity.identity import Identity
from tricircle.jobs.bus import NoBus
from tricircle.jobs.job import Job, Request
from tricircle.jobs.types import IntentParameters
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.scheduler.scheduler import Scheduler
from tricircle.sites.client import SiteClient
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.site import Site
from tricircle.sites.transport import NotSent, TransportError
from tricircle.sites.transport import Request as Sent
from tricircle.web.links import PublicRoot

TOP = "https://top.example/compute"
ALICE = Identity("alice", "blue", frozenset({"member"}), 0.0)
GLOBAL_ID = "req-00000000-0000-4000-8000-000000000001"

A, B, C = site("a"), site("b"), site("c")
ZONES = (
    zone("east", member(A, "nova-a", "cinder-a"), member(B, "nova-b")),
    zone("north", member(C, "rack-1")),
    zone("south", member(A, "rack-1"), member(A, "rack-2")),
)

Said = Outcome | Callable[[Sent], Outcome]


@dataclass
class Index:
    """Stands in for the locator: what is where, by (type, id), and what is learnt and forgotten."""

    register: Register
    sites: dict[tuple[str, str], Site] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    learnt: list[Route] = field(default_factory=list)
    forgotten: list[tuple[str, str, str]] = field(default_factory=list)
    completed: list[tuple[str, str, bytes]] = field(default_factory=list)
    is_admin: bool = False

    def locate(self, kind: ResourceType, resource_id: str, identity: Identity, token: str) -> Site:
        try:
            return self.sites[kind.name, resource_id]
        except KeyError:
            raise NotFound(kind.not_found.format(id=resource_id)) from None

    def known(self, kind: ResourceType, resource_id: str, identity: Identity) -> Route | None:
        same = (each for each in self.routes if (each.resource_type, each.top_id) == (kind.name, resource_id))
        return next(same, None)

    def nearest_before(
        self, kind: ResourceType, site: Site, project_id: str | None, created_at: datetime
    ) -> Route | None:
        later = [each for each in self._of(kind, site, project_id) if each.created_at >= created_at]
        return later[-1] if later else None

    def page(self, kind: ResourceType, site: Site, project_id: str | None, limit: int) -> list[Route]:
        return self._of(kind, site, project_id)[:limit]

    def learn(self, routes: list[Route]) -> None:
        self.learnt += routes

    def complete(self, kind: ResourceType, resource_id: str, body: bytes) -> None:
        self.completed.append((kind.name, resource_id, body))

    def forget(self, kind: ResourceType, resource_id: str, site: Site) -> None:
        self.forgotten.append((kind.name, resource_id, site.name))

    def sees_all(self, identity: Identity) -> bool:
        return self.is_admin

    def _of(self, kind: ResourceType, site: Site, project_id: str | None) -> list[Route]:
        """Give the routes of a site, the newest first."""
        found = [
            each
            for each in self.routes
            if each.resource_type == kind.name
            and each.site_id == site.id
            and each.created_at is not None
            and project_id in (None, each.project_id)
        ]
        return sorted(found, key=lambda each: (each.created_at, each.top_id), reverse=True)


@dataclass
class Noted:
    """One intent, and what was said of it.

    :param fate: `made`, `done`, `not made: ...` or `lost`; None while nothing has been said.
    :param followed: the jobs that are to follow.
    """

    index: Index
    site: Site
    project_id: str | None
    asked: IntentParameters | None
    fate: str | None = None
    followed: list[Request] = field(default_factory=list)

    def made(self, route: Route | None) -> None:
        self.fate = "made"
        if route is not None:
            self.index.learn([route])

    def sending(self) -> None:
        assert self.fate is None

    def not_made(self, cause: str, *jobs: Request) -> None:
        self.fate = f"not made: {cause}"
        self.followed += jobs

    def done(self) -> None:
        self.fate = "done"

    def lost(self, *, is_over: bool = False) -> None:
        self.fate = "over" if is_over else "lost"


@dataclass
class Desk:
    """Stands in for what asks for jobs: keeps what it is asked for, unless the database is away."""

    index: Index
    intents: list[Noted] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    hastened: list[str] = field(default_factory=list)
    is_away: bool = False

    def begin(
        self,
        kind: ResourceType,
        site: Site,
        project_id: str | None,
        asked: IntentParameters | None,
        request_id: str | None,
    ) -> Noted:
        if asked is not None:
            self._refuse()
        assert request_id == GLOBAL_ID
        self.intents.append(Noted(self.index, site, project_id, asked))
        return self.intents[-1]

    def request(self, *requests: Request) -> None:
        self._refuse()
        self.requests += requests

    def hasten_waiting(self, key: str) -> list[Job]:
        self._refuse()
        self.hastened.append(key)
        return []

    def _refuse(self) -> None:
        if self.is_away:
            raise DatabaseUnavailable("The database cannot be reached.")


class NoNetworks:
    """Stands in for the networks of a top without a network service."""

    is_there = False


class Shelf:
    """Stands in for the replicated resources: none is defined at the top."""

    def __init__(self) -> None:
        self.networks: Any = NoNetworks()

    @property
    def identifiers(self) -> "Shelf":
        return self

    @property
    def store(self) -> "Shelf":
        return self

    def find(self, kind: str, key: str) -> None:
        return None

    def key_of(self, kind: str, identifier: str) -> None:
        return None

    def in_site(self, kind: str, key: str, site_id: str) -> None:
        return None

    def at_top(self, kind: str, site_id: str, site_resource_id: str) -> str:
        return site_resource_id

    def realise_for(self, site: Site, *_: object, **__: object) -> None:
        pass

    def deleted(self, kind: str, prefix: str = "") -> frozenset[str]:
        return frozenset()


class Office:
    """An engine of one service over stand-ins.

    :param answers: name of a site -> what it says; a site of which nothing is said refuses connections.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        service: Service,
        register: Register,
        answers: Mapping[str, Said],
        *,
        client: Any = None,
        more_endpoints: Sequence[Endpoint] = (),
    ) -> None:
        names = [site.name for site in register.sites]
        self.user = user = StandInUser(
            [
                *endpoints_of(*names, service_type=service.type),
                (service.type, "Central", "public", TOP),
                *more_endpoints,
            ]
        )
        self.wire = Wire(
            {f"http://{name}.internal/": answers.get(name, _nobody) for name in names},
        )
        self.index = Index(register)
        self.desk = Desk(self.index)
        self.endpoints = Endpoints(user, conf)
        health = HealthBoard(conf)
        client = client or SiteClient(self.endpoints, user, health, self.wire, conf)
        self.engine = Engine(
            conf=conf,
            service=service,
            endpoints=self.endpoints,
            registry=register,
            client=client,
            locator=self.index,
            requester=self.desk,
            bus=NoBus(),
            intents=self.desk,
            replicas=Shelf(),
            scheduler=Scheduler(register, health, conf),
            versions=Versions(service, register, client, conf),
            public_root=PublicRoot(self.endpoints, service.type, conf),
        )

    def call(
        self,
        line: str,
        body: object = None,
        *,
        row: str | None = None,
        identity: Identity = ALICE,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
        **params: str,
    ) -> Call:
        """Make a request.

        :param line: method, and path with query after the version: `GET /servers?limit=1`.
        :param body: bytes as they are, anything else as JSON.
        :param row: the path of the table's row, where it is not the request's own.
        :param params: the path's parameters.
        """
        method, target = line.split(" ", 1)
        parts = urlsplit(target)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
        request = falcon.Request(
            testing.create_environ(
                self.engine.service.version_path + parts.path,
                query_string=parts.query,
                method=method,
                headers={"X-Auth-Token": "user", "User-Agent": "test", **(headers or {})},
                body=body or "",
            )
            | dict(environ or {})
        )
        request.context.identity = identity
        request.context.global_request_id = GLOBAL_ID
        request.context.site = None
        operation = Operation(method, row or parts.path, Kind.HOMED, "thing", None)
        return Call(self.engine, operation, request, dict(params))

    @property
    def asked(self) -> list[tuple[str, str, str]]:
        """What sites were asked: site, method, and path with query."""
        return [
            (each.url.removeprefix("http://").partition(".")[0], each.method, _target(each.url))
            for each in self.wire.requests
        ]


Opening = Callable[..., Office]


def document(reply: Reply) -> Any:
    """Read a reply's body."""
    return json.loads(reply.body)


def header(reply: Reply, name: str) -> list[str]:
    """Return every value of a reply's header."""
    return [value for key, value in reply.headers if key.lower() == name.lower()]


def lines_of(headers: Iterable[str], name: str) -> list[str]:
    """Return every value of a request's header lines."""
    return [line.partition(": ")[2] for line in headers if line.lower().startswith(f"{name.lower()}: ")]


def says(thing: object, status: int = 200, **headers: str) -> Outcome:
    """Make a site's answer of a document."""
    return json_answer(
        json.dumps(thing).encode(), status, *((key.replace("_", "-"), text) for key, text in headers.items())
    )


def _nobody(_: Sent) -> TransportError:
    return NotSent("refused")


def _target(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path.removeprefix("/compute").removeprefix("/block-storage")
    return f"{path}?{parts.query}" if parts.query else path
