"""Volumes: list, create, show, change, delete, metadata."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route
from tests.fakes.volume import lists
from tests.fakes.volume.records import Volume

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage

FILTERS: Mapping[str, Callable[[Volume, str], bool]] = {
    "name": lambda volume, wanted: volume.display_name == wanted,
    "status": lambda volume, wanted: volume.status == wanted,
    "size": lambda volume, wanted: str(volume.size) == wanted,
    "bootable": lambda volume, wanted: str(volume.bootable).lower() == wanted.lower(),
    "availability_zone": lambda volume, wanted: volume.availability_zone == wanted,
    "group_id": lambda volume, wanted: volume.group_id == wanted,
    "project_id": lambda volume, wanted: volume.project_id == wanted,
    "name~": lambda volume, wanted: wanted in (volume.display_name or ""),
}

SINCE_STRICT_FILTERS = 31
"""From this microversion on an unknown filter is refused."""


def time(moment: datetime | None) -> str | None:
    """Cinder's time: microseconds, and no zone."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def index(storage: "BlockStorage", call: Call) -> Document:
    """List ids and names."""
    return _answer(storage, call, "volumes", lambda volume: basic(call, volume))


def detail(storage: "BlockStorage", call: Call) -> Document:
    """List whole volumes."""
    return _answer(storage, call, "volumes/detail", lambda volume: view(storage, call, volume))


def _answer(storage: "BlockStorage", call: Call, path: str, shown: Callable[[Volume], Document]) -> Document:
    chosen = [
        volume
        for volume in list(storage.volumes.values())
        if visible(call, volume.project_id) and _passes(call, volume)
    ]
    return lists.answer(
        call, storage.volumes, chosen, shown, name="volumes", path=path, max_limit=storage.max_limit
    )


def visible(call: Call, project_id: str) -> bool:
    """Whether a list shows things of the project."""
    everybody = (call.request.parameter("all_tenants") or "").lower() in {"1", "true", "yes", "on"}
    return project_id == call.token.project_id or (call.admin and everybody)


def _passes(call: Call, volume: Volume) -> bool:
    for name, wanted in call.request.parameters:
        if name in FILTERS and not FILTERS[name](volume, wanted):
            return False
        known = call.admin or name in FILTERS or name in lists.PAGING
        if not known and call.at_least(SINCE_STRICT_FILTERS):
            raise Refusal(400, f"Invalid filters {name} are found in query options.")
    return True


def create(storage: "BlockStorage", call: Call) -> Response:
    """Make a volume, empty or of a snapshot, another volume or an image."""
    wanted = call.body("volume")
    if not isinstance(wanted, dict):
        raise Refusal(400, f"Invalid input for field/attribute volume. Value: {wanted}.")
    zone = wanted.get("availability_zone") or storage.zones[0]
    if zone not in storage.zones:
        raise Refusal(400, f"Availability zone '{zone}' is invalid.")
    size, snapshot_id, source_id = _source(storage, call, wanted)
    type_name = wanted.get("volume_type")
    kinds = [kind for kind in storage.types.values() if type_name in {None, kind.name, kind.id}]
    if not kinds:
        raise Refusal(404, f"Volume type with name {type_name} could not be found.")
    volume = storage.add_volume(
        call.token.project_id,
        user_id=call.token.user_id,
        size=size,
        availability_zone=zone,
        volume_type=kinds[0],
        display_name=wanted.get("name"),
        display_description=wanted.get("description"),
        snapshot_id=snapshot_id,
        source_volid=source_id,
        bootable=bool(wanted.get("imageRef")),
        metadata=dict(wanted.get("metadata") or {}),
        image_metadata={"image_id": wanted["imageRef"]} if wanted.get("imageRef") else {},
    )
    shown = view(storage, call, volume) | {"status": "creating", "updated_at": None}
    return Response.of_json({"volume": shown}, 202)


def _source(storage: "BlockStorage", call: Call, wanted: Document) -> tuple[int, str | None, str | None]:
    snapshot_id, source_id, size = wanted.get("snapshot_id"), wanted.get("source_volid"), wanted.get("size")
    if snapshot_id is not None:
        size = size or storage.snapshot_for(call, snapshot_id).volume_size
    elif source_id is not None:
        size = size or storage.volume_for(call, source_id).size
    try:
        number = int(size)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Refusal(400, f"Invalid input for field/attribute size. Value: {size}.") from None
    if number <= 0:
        raise Refusal(400, f"Invalid volume: Volume size '{number}' must be an integer and greater than 0.")
    return number, snapshot_id, source_id


def show(storage: "BlockStorage", call: Call) -> Document:
    """Show a volume."""
    return {"volume": view(storage, call, storage.volume_for(call, call.arguments["id"]))}


def update(storage: "BlockStorage", call: Call) -> Document:
    """Rename or describe a volume."""
    volume = storage.volume_for(call, call.arguments["id"])
    wanted = call.body("volume")
    volume.display_name = wanted.get("name", volume.display_name)
    volume.display_description = wanted.get("description", volume.display_description)
    volume.metadata = wanted.get("metadata", volume.metadata)
    volume.updated_at = storage.clock()
    return {"volume": view(storage, call, volume)}


def delete(storage: "BlockStorage", call: Call) -> Response:
    """Delete a volume that is not attached and has no snapshots."""
    volume = storage.volume_for(call, call.arguments["id"])
    cascade = (call.request.parameter("cascade") or "").lower() in {"1", "true"}
    snapshots = [snapshot for snapshot in storage.snapshots.values() if snapshot.volume_id == volume.id]
    if volume.status == "in-use" or (snapshots and not cascade):
        raise Refusal(
            400,
            "Invalid volume: Volume status must be available or error or error_restoring or "
            "error_extending or error_managing and must not be migrating, attached, belong to a group, have "
            "snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.",
        )
    for snapshot in snapshots:
        del storage.snapshots[snapshot.id]
    del storage.volumes[volume.id]
    return Response(202)


def basic(call: Call, volume: Volume) -> Document:
    """As in `GET /volumes`."""
    return {"id": volume.id, "name": volume.display_name, "links": lists.links(call, "volumes", volume.id)}


def view(storage: "BlockStorage", call: Call, volume: Volume) -> Document:
    """As in `GET /volumes/detail` and `GET /volumes/{id}`."""
    shown: Document = {
        "id": volume.id,
        "status": volume.status,
        "size": volume.size,
        "availability_zone": volume.availability_zone,
        "created_at": time(volume.created_at),
        "updated_at": time(volume.updated_at),
        "name": volume.display_name,
        "description": volume.display_description,
        "volume_type": volume.volume_type.name,
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_volid,
        "metadata": volume.metadata,
        "links": lists.links(call, "volumes", volume.id),
        "user_id": volume.user_id,
        "bootable": str(volume.bootable).lower(),
        "encrypted": False,
        "replication_status": None,
        "consistencygroup_id": None,
        "multiattach": volume.multiattach,
        "attachments": _attachments(storage, call, volume),
        "os-vol-tenant-attr:tenant_id": volume.project_id,
    }
    if volume.image_metadata:
        shown["volume_image_metadata"] = volume.image_metadata
    if call.admin:
        shown |= {
            "migration_status": None,
            "os-vol-host-attr:host": volume.host,
            "os-vol-mig-status-attr:migstat": None,
            "os-vol-mig-status-attr:name_id": None,
        }
    additions = [
        (13, True, "group_id", volume.group_id),
        (21, call.admin, "provider_id", None),
        (48, True, "shared_targets", False),
        (48, True, "service_uuid", None),
        (61, call.admin, "cluster_name", None),
        (63, True, "volume_type_id", volume.volume_type.id),
        (65, True, "consumes_quota", True),
    ]
    return shown | {name: value for minor, given, name, value in additions if given and call.at_least(minor)}


def _attachments(storage: "BlockStorage", call: Call, volume: Volume) -> list[Document]:
    return [
        {
            "id": volume.id,
            "attachment_id": attachment.id,
            "volume_id": volume.id,
            "server_id": attachment.instance_uuid,
            "host_name": "compute-1" if call.admin else None,
            "device": "/dev/vdb",
            "attached_at": time(attachment.attached_at),
        }
        for attachment in storage.attachments.values()
        if attachment.volume_id == volume.id and attachment.attach_status == "attached"
    ]


def show_metadata(storage: "BlockStorage", call: Call) -> Document:
    """Show all metadata."""
    return {"metadata": storage.volume_for(call, call.arguments["id"]).metadata}


def add_metadata(storage: "BlockStorage", call: Call) -> Document:
    """Add some, keep the rest."""
    volume = storage.volume_for(call, call.arguments["id"])
    volume.metadata |= call.body("metadata")
    return {"metadata": volume.metadata}


def replace_metadata(storage: "BlockStorage", call: Call) -> Document:
    """Replace all."""
    volume = storage.volume_for(call, call.arguments["id"])
    volume.metadata = dict(call.body("metadata"))
    return {"metadata": volume.metadata}


def show_metadata_item(storage: "BlockStorage", call: Call) -> Document:
    """Show one key."""
    volume, key = storage.volume_for(call, call.arguments["id"]), call.arguments["key"]
    if key not in volume.metadata:
        raise Refusal(404, f"Volume {volume.id} has no metadata with key {key}.")
    return {"meta": {key: volume.metadata[key]}}


def delete_metadata_item(storage: "BlockStorage", call: Call) -> Response:
    """Delete one key."""
    show_metadata_item(storage, call)
    del storage.volume_for(call, call.arguments["id"]).metadata[call.arguments["key"]]
    return Response(200)


ROUTES: tuple[Route, ...] = (
    ("GET", "/volumes", index),
    ("POST", "/volumes", create),
    ("GET", "/volumes/detail", detail),
    ("GET", "/volumes/{id}", show),
    ("PUT", "/volumes/{id}", update),
    ("DELETE", "/volumes/{id}", delete),
    ("GET", "/volumes/{id}/metadata", show_metadata),
    ("POST", "/volumes/{id}/metadata", add_metadata),
    ("PUT", "/volumes/{id}/metadata", replace_metadata),
    ("GET", "/volumes/{id}/metadata/{key}", show_metadata_item),
    ("DELETE", "/volumes/{id}/metadata/{key}", delete_metadata_item),
)
