"""QoS specs, and which volume types have them. Administrators only."""

import uuid
from typing import TYPE_CHECKING

from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route
from tests.fakes.volume.lists import links
from tests.fakes.volume.records import QosSpec, VolumeType

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage


def index(storage: "BlockStorage", call: Call) -> Document:
    """List them."""
    _administrators_only(call)
    return {"qos_specs": [_view(spec) for spec in storage.qos_specs.values()]}


def create(storage: "BlockStorage", call: Call) -> Document:
    """Make one."""
    _administrators_only(call)
    wanted = dict(call.body("qos_specs"))
    if "name" not in wanted:
        raise Refusal(400, "Invalid input for field/attribute qos_specs. 'name' is a required property")
    name = wanted.pop("name").strip()
    if name in {spec.name for spec in storage.qos_specs.values()}:
        raise Refusal(409, f"QoS Specs {name} already exists.")
    spec = QosSpec(str(uuid.uuid4()), name, wanted.pop("consumer", "back-end"), wanted)
    storage.qos_specs[spec.id] = spec
    return _shown(call, spec)


def show(storage: "BlockStorage", call: Call) -> Document:
    """Show one."""
    return _shown(call, _spec(storage, call))


def update(storage: "BlockStorage", call: Call) -> Document:
    """Set some of its specs, or its consumer."""
    spec = _spec(storage, call)
    wanted = call.body("qos_specs")
    spec.specs |= {name: value for name, value in wanted.items() if name != "consumer"}
    spec.consumer = wanted.get("consumer", spec.consumer)
    return {"qos_specs": wanted}


def delete_keys(storage: "BlockStorage", call: Call) -> Response:
    """Unset some of its specs."""
    spec = _spec(storage, call)
    for key in call.body("keys"):
        if key not in spec.specs:
            raise Refusal(404, f"QoS spec {spec.id} has no spec with key {key}.")
        del spec.specs[key]
    return Response(202)


def delete(storage: "BlockStorage", call: Call) -> Response:
    """Delete one; where types have it, only by force."""
    spec = _spec(storage, call)
    force = (call.request.parameter("force") or "").lower() == "true"
    if _types(storage, spec) and not force:
        raise Refusal(400, "Qos specs still in use.")
    for kind in _types(storage, spec):
        kind.qos_spec_id = None
    del storage.qos_specs[spec.id]
    return Response(202)


def associations(storage: "BlockStorage", call: Call) -> Document:
    """List the types that have it."""
    kinds = _types(storage, _spec(storage, call))
    return {
        "qos_associations": [
            {"association_type": "volume_type", "name": kind.name, "id": kind.id} for kind in kinds
        ]
    }


def associate(storage: "BlockStorage", call: Call) -> Response:
    """Put it on a type."""
    spec, kind = _spec(storage, call), _type(storage, call)
    if kind.qos_spec_id not in {None, spec.id}:
        message = f"Type {kind.id} is already associated with another qos specs: {kind.qos_spec_id}"
        raise Refusal(400, f"Invalid volume type: {message}")
    kind.qos_spec_id = spec.id
    return Response(202)


def disassociate(storage: "BlockStorage", call: Call) -> Response:
    """Take it off a type."""
    _spec(storage, call)
    _type(storage, call).qos_spec_id = None
    return Response(202)


def disassociate_all(storage: "BlockStorage", call: Call) -> Response:
    """Take it off all types."""
    for kind in _types(storage, _spec(storage, call)):
        kind.qos_spec_id = None
    return Response(202)


def _administrators_only(call: Call) -> None:
    if not call.admin:
        raise Refusal(403, "Policy doesn't allow volume_extension:qos_specs_manage to be performed.")


def _spec(storage: "BlockStorage", call: Call) -> QosSpec:
    _administrators_only(call)
    spec = storage.qos_specs.get(call.arguments["id"])
    if spec is None:
        raise Refusal(404, f"No such QoS spec {call.arguments['id']}.")
    return spec


def _type(storage: "BlockStorage", call: Call) -> VolumeType:
    identifier = call.request.parameter("vol_type_id")
    if not identifier:
        raise Refusal(400, "Volume Type id must not be None.")
    kind = storage.types.get(identifier)
    if kind is None:
        raise Refusal(404, f"Volume type {identifier} could not be found.")
    return kind


def _types(storage: "BlockStorage", spec: QosSpec) -> list[VolumeType]:
    return [kind for kind in storage.types.values() if kind.qos_spec_id == spec.id]


def _view(spec: QosSpec) -> Document:
    return {"id": spec.id, "name": spec.name, "consumer": spec.consumer, "specs": spec.specs}


def _shown(call: Call, spec: QosSpec) -> Document:
    return {"qos_specs": _view(spec), "links": links(call, "qos-specs", spec.id)}


ROUTES: tuple[Route, ...] = (
    ("GET", "/qos-specs", index),
    ("POST", "/qos-specs", create),
    ("GET", "/qos-specs/{id}", show),
    ("PUT", "/qos-specs/{id}", update),
    ("DELETE", "/qos-specs/{id}", delete),
    ("PUT", "/qos-specs/{id}/delete_keys", delete_keys),
    ("GET", "/qos-specs/{id}/associations", associations),
    ("GET", "/qos-specs/{id}/associate", associate),
    ("GET", "/qos-specs/{id}/disassociate", disassociate),
    ("GET", "/qos-specs/{id}/disassociate_all", disassociate_all),
)
