"""Snapshots: list, create, show, change, delete, metadata, actions."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route
from tests.fakes.volume import lists
from tests.fakes.volume.records import Snapshot
from tests.fakes.volume.volumes import time, visible

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage

FILTERS: Mapping[str, Callable[[Snapshot, str], bool]] = {
    "name": lambda snapshot, wanted: snapshot.display_name == wanted,
    "status": lambda snapshot, wanted: snapshot.status == wanted,
    "volume_id": lambda snapshot, wanted: snapshot.volume_id == wanted,
    "project_id": lambda snapshot, wanted: snapshot.project_id == wanted,
}


def index(storage: "BlockStorage", call: Call) -> Document:
    """List snapshots as shown before details were added."""
    return _answer(storage, call, "snapshots", basic)


def detail(storage: "BlockStorage", call: Call) -> Document:
    """List whole snapshots."""
    return _answer(storage, call, "snapshots/detail", lambda snapshot: view(call, snapshot))


def _answer(
    storage: "BlockStorage", call: Call, path: str, shown: Callable[[Snapshot], Document]
) -> Document:
    wanted = [(name, value) for name, value in call.request.parameters if name in FILTERS]
    chosen = [
        snapshot
        for snapshot in list(storage.snapshots.values())
        if visible(call, snapshot.project_id)
        and all(FILTERS[name](snapshot, value) for name, value in wanted)
    ]
    return lists.answer(
        call, storage.snapshots, chosen, shown, name="snapshots", path=path, max_limit=storage.max_limit
    )


def create(storage: "BlockStorage", call: Call) -> Response:
    """Make a snapshot of a volume."""
    wanted = call.body("snapshot")
    if "volume_id" not in wanted:
        raise Refusal(400, "Invalid input for field/attribute snapshot. 'volume_id' is a required property")
    volume = storage.volume_for(call, wanted["volume_id"])
    snapshot = storage.add_snapshot(
        volume,
        display_name=wanted.get("name"),
        display_description=wanted.get("description"),
        metadata=dict(wanted.get("metadata") or {}),
    )
    shown = view(call, snapshot) | {"status": "creating", "updated_at": None}
    return Response.of_json({"snapshot": shown}, 202)


def show(storage: "BlockStorage", call: Call) -> Document:
    """Show a snapshot."""
    return {"snapshot": view(call, storage.snapshot_for(call, call.arguments["id"]))}


def update(storage: "BlockStorage", call: Call) -> Document:
    """Rename or describe a snapshot."""
    snapshot = storage.snapshot_for(call, call.arguments["id"])
    wanted = call.body("snapshot")
    snapshot.display_name = wanted.get("name", snapshot.display_name)
    snapshot.display_description = wanted.get("description", snapshot.display_description)
    snapshot.updated_at = storage.clock()
    return {"snapshot": view(call, snapshot)}


def delete(storage: "BlockStorage", call: Call) -> Response:
    """Delete a snapshot."""
    del storage.snapshots[storage.snapshot_for(call, call.arguments["id"]).id]
    return Response(202)


def act(storage: "BlockStorage", call: Call) -> Response:
    """Reset the status: the one action that an administrator uses."""
    document = call.body("os-reset_status")
    if not call.admin:
        raise Refusal(
            403, "Policy doesn't allow volume_extension:snapshot_admin_actions:reset_status to be performed."
        )
    storage.snapshot_for(call, call.arguments["id"]).status = document["status"]
    return Response(202)


def show_metadata(storage: "BlockStorage", call: Call) -> Document:
    """Show all metadata."""
    return {"metadata": storage.snapshot_for(call, call.arguments["id"]).metadata}


def add_metadata(storage: "BlockStorage", call: Call) -> Document:
    """Add some, keep the rest."""
    snapshot = storage.snapshot_for(call, call.arguments["id"])
    snapshot.metadata |= call.body("metadata")
    return {"metadata": snapshot.metadata}


def replace_metadata(storage: "BlockStorage", call: Call) -> Document:
    """Replace all."""
    snapshot = storage.snapshot_for(call, call.arguments["id"])
    snapshot.metadata = dict(call.body("metadata"))
    return {"metadata": snapshot.metadata}


def basic(snapshot: Snapshot) -> Document:
    """As in `GET /snapshots`."""
    return {
        "id": snapshot.id,
        "created_at": time(snapshot.created_at),
        "updated_at": time(snapshot.updated_at),
        "name": snapshot.display_name,
        "description": snapshot.display_description,
        "volume_id": snapshot.volume_id,
        "status": snapshot.status,
        "size": snapshot.volume_size,
        "metadata": snapshot.metadata,
    }


def view(call: Call, snapshot: Snapshot) -> Document:
    """As in `GET /snapshots/detail` and `GET /snapshots/{id}`."""
    shown = basic(snapshot) | {
        "os-extended-snapshot-attributes:progress": "100%",
        "os-extended-snapshot-attributes:project_id": snapshot.project_id,
    }
    additions = [
        (14, "group_snapshot_id", None),
        (41, "user_id", snapshot.user_id),
        (65, "consumes_quota", True),
    ]
    return shown | {name: value for minor, name, value in additions if call.at_least(minor)}


ROUTES: tuple[Route, ...] = (
    ("GET", "/snapshots", index),
    ("POST", "/snapshots", create),
    ("GET", "/snapshots/detail", detail),
    ("GET", "/snapshots/{id}", show),
    ("PUT", "/snapshots/{id}", update),
    ("DELETE", "/snapshots/{id}", delete),
    ("POST", "/snapshots/{id}/action", act),
    ("GET", "/snapshots/{id}/metadata", show_metadata),
    ("POST", "/snapshots/{id}/metadata", add_metadata),
    ("PUT", "/snapshots/{id}/metadata", replace_metadata),
)
