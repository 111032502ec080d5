"""The Nova of one site: its state, its versions, and what puts things there without a request."""

import random
import re
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from tests.fakes.compute import (
    flavors,
    keypairs,
    server_actions,
    server_groups,
    server_list,
    server_parts,
    servers,
    zones,
)
from tests.fakes.compute.records import Flavor, Keypair, Server, ServerGroup
from tests.fakes.server import Headers, Request, Response
from tests.fakes.service import Call, Refusal, Service, Version, dotted

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first server of `add_servers` was made, where nothing else is said."""

DEFAULT_QUOTA = {
    "maxServerMeta": 128,
    "maxImageMeta": 128,
    "maxPersonality": 5,
    "maxPersonalitySize": 10240,
    "maxTotalInstances": 10,
    "maxTotalCores": 20,
    "maxTotalRAMSize": 51200,
    "maxTotalKeypairs": 100,
    "maxServerGroups": 10,
    "maxServerGroupMembers": 10,
}

Moment = Callable[[int], datetime]

ROUTES = (
    *server_list.ROUTES,
    *servers.ROUTES,
    *server_actions.ROUTES,
    *server_parts.ROUTES,
    *flavors.ROUTES,
    *keypairs.ROUTES,
    *server_groups.ROUTES,
    *zones.ROUTES,
)


@dataclass(kw_only=True)
class Compute(Service):
    """A Nova. `zones` are those of the site itself, not of the top."""

    region: str = "RegionOne"
    zones: Sequence[str] = ("nova",)
    maximum: Version = (2, 104)
    max_limit: int = 1000
    servers: dict[str, Server] = field(default_factory=dict)
    flavors: dict[str, Flavor] = field(default_factory=dict)
    keypairs: dict[tuple[str, str], Keypair] = field(default_factory=dict)
    server_groups: dict[str, ServerGroup] = field(default_factory=dict)
    network_names: dict[str, str] = field(default_factory=dict)
    """Names of networks by id. Networks that are not here exist too, under the name "private"."""
    networks: Collection[str] | None = None
    """Networks that exist; None for every one."""
    group_names: Mapping[str, str] = field(default_factory=dict)
    """Names of security groups by id. Groups that are not here exist too, by name."""
    group_descriptions: Mapping[str, str] = field(default_factory=dict)
    images: set[str] | None = None
    """Images that exist; None for every one."""
    keypairs_needed: bool = False
    """Whether a boot with an unknown keypair is refused, as Nova does it."""
    quota: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_QUOTA))

    service_type = "compute"
    version_path = "/v2.1"
    public_paths = frozenset({"/", "/v2.1", "/v2.1/"})
    minimum = (2, 1)
    error_type: ClassVar[str] = "application/json; charset=UTF-8"
    routes = ROUTES

    def __post_init__(self) -> None:
        """Begin with two flavors, the same in every site."""
        super().__post_init__()
        for flavor in (Flavor("1", "m1.tiny"), Flavor("2", "m1.small", ram=2048, disk=20)):
            self.flavors[flavor.id] = flavor

    def add_servers(
        self,
        count: int,
        project_id: str,
        *,
        created: datetime | Moment = EPOCH,
        step: timedelta = timedelta(seconds=1),
        prefix: str = "server",
        zone: str | None = None,
        **attributes: Any,
    ) -> list[Server]:
        """Put servers there that nobody asked us for. Ids, names and times are the same in every run.

        :param created: of the first, each further one `step` later; or a function of the number.
        :param attributes: of `records.Server`, the same for all.
        """
        dice = random.Random(f"{self.region}/{prefix}/{len(self.servers)}")  # noqa: S311
        moment: Moment = created if callable(created) else lambda number: created + number * step
        return [
            self.add_server(
                project_id,
                id=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
                display_name=f"{prefix}-{number}",
                created_at=moment(number),
                availability_zone=zone or self.zones[0],
                **attributes,
            )
            for number in range(count)
        ]

    def add_server(self, project_id: str, **attributes: Any) -> Server:
        """Put one server there."""
        created_at = attributes.setdefault("created_at", self.clock())
        attributes.setdefault("updated_at", created_at)
        attributes.setdefault("user_id", project_id)
        attributes.setdefault("display_name", "server")
        attributes.setdefault("flavor", self.flavors["1"])
        attributes.setdefault("availability_zone", self.zones[0])
        attributes.setdefault("id", str(uuid.uuid4()))
        server = Server(
            project_id=project_id,
            sequence=len(self.servers) + 1,
            network_names=self.network_names,
            group_names=self.group_names,
            **attributes,
        )
        self.servers[server.id] = server
        return server

    def versions(self, request: Request, path: str) -> Response:
        """Answer `GET /` and `GET /v2.1/`."""
        root = self.link_root(request)
        document = {
            "id": "v2.1",
            "status": "CURRENT",
            "version": dotted(self.maximum),
            "min_version": dotted(self.minimum),
            "updated": "2013-07-23T11:33:21Z",
            "links": [{"rel": "self", "href": f"{root}/v2.1/"}],
        }
        if path == "/":
            older = {
                "id": "v2.0",
                "status": "DEPRECATED",
                "version": "",
                "min_version": "",
                "updated": "2025-07-04T12:00:00Z",
                "links": [{"rel": "self", "href": f"{root}/v2/"}],
            }
            return Response.of_json({"versions": [older, document]})
        document["links"] = [
            {"rel": "self", "href": f"{root}/v2.1/"},
            {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"},
        ]
        media_type = "application/vnd.openstack.compute+json;version=2.1"
        document["media-types"] = [{"base": "application/json", "type": media_type}]
        echo = self.version_echo(self.minimum)
        return Response.of_json({"version": document}, headers=echo)

    def negotiate(self, request: Request) -> Version:
        """Read `OpenStack-API-Version`, and the older header where that one names no compute."""
        for part in (request.header("OpenStack-API-Version") or "").split(","):
            match = re.fullmatch(r"\s*compute\s+(\S+)\s*", part)
            if match:
                return self.parse_version(match[1])
        legacy = request.header("X-OpenStack-Nova-API-Version")
        return self.parse_version(legacy.split(",")[-1].strip()) if legacy else self.minimum

    def version_echo(self, version: Version) -> Headers:
        """Name the version in both headers, and both headers in two `Vary`."""
        return (
            ("OpenStack-API-Version", f"compute {dotted(version)}"),
            ("X-OpenStack-Nova-API-Version", dotted(version)),
            ("Vary", "OpenStack-API-Version"),
            ("Vary", "X-OpenStack-Nova-API-Version"),
        )

    def server_for(self, call: Call, identifier: str) -> Server:
        """Find a server that the caller may see. Another project's is as one that is not there."""
        server = self.servers.get(identifier)
        if server is None or server.deleted or not call.sees(server.project_id):
            raise Refusal(404, f"Instance {identifier} could not be found.")
        return server
