"""The Cinder of one site: its state, its versions, and what puts things there without a request."""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.server import Headers, Request, Response
from tests.fakes.service import Call, Refusal, Service, Version, dotted
from tests.fakes.volume import attachments, qos, snapshots, types, volume_actions, volumes, zones
from tests.fakes.volume.records import Attachment, QosSpec, Snapshot, Volume, VolumeType

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first volume of `add_volumes` was made, where nothing else is said."""

Moment = Callable[[int], datetime]

ROUTES = (
    *volumes.ROUTES,
    *volume_actions.ROUTES,
    *snapshots.ROUTES,
    *types.ROUTES,
    *qos.ROUTES,
    *attachments.ROUTES,
    *zones.ROUTES,
)


@dataclass(kw_only=True)
class BlockStorage(Service):
    """A Cinder. `zones` are those of the site itself, not of the top."""

    region: str = "RegionOne"
    zones: Sequence[str] = ("nova",)
    maximum: Version = (3, 71)
    max_limit: int = 1000
    volumes: dict[str, Volume] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    types: dict[str, VolumeType] = field(default_factory=dict)
    qos_specs: dict[str, QosSpec] = field(default_factory=dict)

    service_type = "volume"
    version_path = "/v3"
    public_paths = frozenset({"/"})
    minimum = (3, 0)
    error_type = "application/json"
    routes = ROUTES

    def __post_init__(self) -> None:
        """Begin with the default volume type."""
        super().__post_init__()
        identifier = str(uuid.uuid5(uuid.NAMESPACE_DNS, self.region))
        self.types[identifier] = VolumeType(identifier, "__DEFAULT__", description="Default Volume Type")

    def add_volumes(
        self,
        count: int,
        project_id: str,
        *,
        created: datetime | Moment = EPOCH,
        step: timedelta = timedelta(seconds=1),
        prefix: str = "volume",
        **attributes: Any,
    ) -> list[Volume]:
        """Put volumes there that nobody asked us for. Ids, names and times are the same in every run.

        :param created: of the first, each further one `step` later; or a function of the number.
        :param attributes: of `records.Volume`, the same for all.
        """
        dice = random.Random(f"{self.region}/{prefix}/{len(self.volumes)}")  # noqa: S311
        moment: Moment = created if callable(created) else lambda number: created + number * step
        return [
            self.add_volume(
                project_id,
                id=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
                display_name=f"{prefix}-{number}",
                created_at=moment(number),
                **attributes,
            )
            for number in range(count)
        ]

    def add_volume(self, project_id: str, **attributes: Any) -> Volume:
        """Put one volume there."""
        created_at = attributes.setdefault("created_at", self.clock())
        attributes.setdefault("updated_at", created_at)
        attributes.setdefault("user_id", project_id)
        attributes.setdefault("size", 1)
        attributes.setdefault("availability_zone", self.zones[0])
        attributes.setdefault("volume_type", next(iter(self.types.values())))
        attributes.setdefault("id", str(uuid.uuid4()))
        volume = Volume(project_id=project_id, **attributes)
        self.volumes[volume.id] = volume
        return volume

    def add_snapshot(self, volume: Volume, **attributes: Any) -> Snapshot:
        """Put one snapshot there."""
        created_at = attributes.setdefault("created_at", self.clock())
        attributes.setdefault("id", str(uuid.uuid4()))
        snapshot = Snapshot(
            project_id=volume.project_id,
            user_id=volume.user_id,
            volume_id=volume.id,
            volume_size=volume.size,
            updated_at=created_at,
            **attributes,
        )
        self.snapshots[snapshot.id] = snapshot
        return snapshot

    def volume_for(self, call: Call, identifier: str) -> Volume:
        """Find a volume that the caller may see. Another project's is as one that is not there."""
        volume = self.volumes.get(identifier)
        if volume is None or not call.sees(volume.project_id):
            raise Refusal(404, f"Volume {identifier} could not be found.")
        return volume

    def snapshot_for(self, call: Call, identifier: str) -> Snapshot:
        """Find a snapshot that the caller may see."""
        snapshot = self.snapshots.get(identifier)
        if snapshot is None or not call.sees(snapshot.project_id):
            raise Refusal(404, f"Snapshot {identifier} could not be found.")
        return snapshot

    def versions(self, request: Request, path: str) -> Response:
        """Answer `GET /`, with 300 as Cinder does, and `GET /v3/`, which needs a token there."""
        root = self.link_root(request)
        document = {
            "id": "v3.0",
            "status": "CURRENT",
            "version": dotted(self.maximum),
            "min_version": dotted(self.minimum),
            "updated": "2023-08-31T00:00:00Z",
            "links": [
                {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                {"rel": "self", "href": f"{root}/v3/"},
            ],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}
            ],
        }
        status = 300 if path == "/" else 200
        return Response.of_json({"versions": [document]}, status, self.version_echo(self.minimum))

    def negotiate(self, request: Request) -> Version:
        """Read `OpenStack-API-Version`; one that names no volume is refused, as in Cinder."""
        given = request.header("OpenStack-API-Version")
        if given is None:
            return self.minimum
        for part in given.split(","):
            if "volume" in part:
                return self.parse_version(part.split()[-1])
        raise Refusal(
            400,
            "The server could not comply with the request since it is either malformed or otherwise "
            "incorrect.",
        )

    def version_echo(self, version: Version) -> Headers:
        """Name the version."""
        return (("OpenStack-API-Version", f"volume {dotted(version)}"), ("Vary", "OpenStack-API-Version"))

    def link_root(self, request: Request) -> str:
        """Take the host from X-Forwarded-Host, which Cinder trusts, whoever sent it, unless it has a
        `public_endpoint` or a server before it that drops the header."""
        forwarded = request.header("X-Forwarded-Host")
        return f"http://{forwarded.split(',')[-1].strip()}" if forwarded else super().link_root(request)

    @staticmethod
    def wrong_project(asked: str, own: str) -> str:
        """Say less than Nova does."""
        return "Malformed request url"
