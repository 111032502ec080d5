"""Volume types."""

import uuid
from typing import TYPE_CHECKING

from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route
from tests.fakes.volume.records import VolumeType

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage


def index(storage: "BlockStorage", call: Call) -> Document:
    """List types."""
    return {"volume_types": [_view(call, kind) for kind in storage.types.values()]}


def create(storage: "BlockStorage", call: Call) -> Document:
    """Make a type. Administrators only."""
    _administrators_only(call)
    wanted = call.body("volume_type")
    if wanted["name"] in {kind.name for kind in storage.types.values()}:
        raise Refusal(409, f"Volume Type {wanted['name']} already exists.")
    kind = VolumeType(
        str(uuid.uuid4()),
        wanted["name"],
        wanted.get("os-volume-type-access:is_public", True),
        wanted.get("description"),
        dict(wanted.get("extra_specs") or {}),
    )
    storage.types[kind.id] = kind
    return {"volume_type": _view(call, kind)}


def show(storage: "BlockStorage", call: Call) -> Document:
    """Show a type."""
    return {"volume_type": _view(call, _type(storage, call))}


def delete(storage: "BlockStorage", call: Call) -> Response:
    """Delete a type. Administrators only."""
    _administrators_only(call)
    del storage.types[_type(storage, call).id]
    return Response(202)


def _administrators_only(call: Call) -> None:
    if not call.admin:
        raise Refusal(403, "Policy doesn't allow volume_extension:types_manage to be performed.")


def _type(storage: "BlockStorage", call: Call) -> VolumeType:
    identifier = call.arguments["id"]
    if identifier == "default":
        return next(iter(storage.types.values()))
    kind = storage.types.get(identifier)
    if kind is None:
        raise Refusal(404, f"Volume type {identifier} could not be found.")
    return kind


def _view(call: Call, kind: VolumeType) -> Document:
    view: Document = {
        "id": kind.id,
        "name": kind.name,
        "is_public": kind.is_public,
        "description": kind.description,
        "os-volume-type-access:is_public": kind.is_public,
        "extra_specs": kind.extra_specs,
    }
    return view | ({"qos_specs_id": None} if call.admin else {})


ROUTES: tuple[Route, ...] = (
    ("GET", "/types", index),
    ("POST", "/types", create),
    ("GET", "/types/{id}", show),
    ("DELETE", "/types/{id}", delete),
)
