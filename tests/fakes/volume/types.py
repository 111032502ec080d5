"""Volume types, their extra specs and who may use them."""

import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route
from tests.fakes.volume.records import VolumeType

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage


def index(storage: "BlockStorage", call: Call) -> Document:
    """List types; administrators see private ones where they ask for them."""
    asked = (call.request.parameter("is_public") or "True") if call.admin else "None"
    listed = [
        kind
        for kind in storage.types.values()
        if _sees(call, kind) and (asked == "None" or kind.is_public == (asked.lower() == "true"))
    ]
    marker = call.request.parameter("marker")
    if marker is not None:
        identifiers = [kind.id for kind in listed]
        if marker not in identifiers:
            raise Refusal(404, f"Volume type {marker} could not be found.")
        listed = listed[identifiers.index(marker) + 1 :]
    limit = int(call.request.parameter("limit") or storage.max_limit)
    document: Document = {"volume_types": [_view(call, kind) for kind in listed[:limit]]}
    if 0 < limit < len(listed):
        href = f"{call.root}/v3{call.project}/types?limit={limit}&marker={listed[limit - 1].id}"
        document["volume_type_links"] = [{"rel": "next", "href": href}]
    return document


def create(storage: "BlockStorage", call: Call) -> Document:
    """Make a type. Administrators only."""
    _administrators_only(call)
    wanted = call.body("volume_type")
    if "name" not in wanted:
        raise Refusal(400, "Invalid input for field/attribute volume_type. 'name' is a required property")
    _require_free_name(storage, wanted["name"])
    kind = VolumeType(
        str(uuid.uuid4()),
        wanted["name"],
        _boolean(wanted.get("os-volume-type-access:is_public", True)),
        wanted.get("description"),
        dict(wanted.get("extra_specs") or {}),
    )
    storage.types[kind.id] = kind
    return {"volume_type": _view(call, kind)}


def show(storage: "BlockStorage", call: Call) -> Document:
    """Show a type."""
    return {"volume_type": _view(call, _type(storage, call))}


def update(storage: "BlockStorage", call: Call) -> Document:
    """Change name, description or whether it is public. Administrators only."""
    _administrators_only(call)
    wanted = call.body("volume_type")
    if all(wanted.get(field) is None for field in ("name", "description", "is_public")):
        message = "Specify volume type name, description, is_public or a combination thereof."
        raise Refusal(400, message)
    kind = _type(storage, call)
    if wanted.get("name") not in {None, kind.name}:
        _require_free_name(storage, wanted["name"])
        kind.name = wanted["name"]
    if wanted.get("description") is not None:
        kind.description = wanted["description"]
    if wanted.get("is_public") is not None:
        kind.is_public = _boolean(wanted["is_public"])
    return {"volume_type": _view(call, kind)}


def delete(storage: "BlockStorage", call: Call) -> Response:
    """Delete a type that no volume has. Administrators only."""
    _administrators_only(call)
    kind = _type(storage, call)
    if _is_used(storage, kind):
        raise Refusal(400, "Target volume type is still in use.")
    del storage.types[kind.id]
    return Response(202)


def show_extra_specs(storage: "BlockStorage", call: Call) -> Document:
    """Show the extra specs of a type."""
    return {"extra_specs": _type(storage, call).extra_specs}


def add_extra_specs(storage: "BlockStorage", call: Call) -> Document:
    """Add extra specs to a type that no volume has. Administrators only."""
    kind = _changeable(storage, call)
    wanted = call.body("extra_specs")
    kind.extra_specs.update(wanted)
    return {"extra_specs": wanted}


def show_extra_spec(storage: "BlockStorage", call: Call) -> Document:
    """Show one extra spec."""
    kind, key = _type(storage, call), call.arguments["key"]
    if key not in kind.extra_specs:
        raise _no_spec(call)
    return {key: kind.extra_specs[key]}


def put_extra_spec(storage: "BlockStorage", call: Call) -> Document:
    """Set one extra spec. Administrators only."""
    kind, key = _changeable(storage, call), call.arguments["key"]
    kind.extra_specs[key] = value = call.body(key)
    return {key: value}


def delete_extra_spec(storage: "BlockStorage", call: Call) -> Response:
    """Unset one extra spec. Administrators only."""
    if _changeable(storage, call).extra_specs.pop(call.arguments["key"], None) is None:
        raise _no_spec(call)
    return Response(202)


def show_access(storage: "BlockStorage", call: Call) -> Document:
    """Show the projects that may use a private type. Administrators only."""
    _administrators_only(call)
    kind = _type(storage, call)
    if kind.is_public:
        raise Refusal(404, "Access list not available for public volume types.")
    entries = [{"volume_type_id": kind.id, "project_id": project} for project in kind.projects]
    return {"volume_type_access": entries}


def act(storage: "BlockStorage", call: Call) -> Response:
    """Give a project access, or take it. Administrators only."""
    _administrators_only(call)
    kind = _type(storage, call)
    action, arguments = next(iter(call.request.json().items()))
    project = arguments["project"]
    place = f"for {kind.id} / {project} combination"
    if action == "addProjectAccess":
        if project in kind.projects:
            raise Refusal(409, f"Volume type access {place} already exists.")
        kind.projects.append(project)
    else:
        if project not in kind.projects:
            raise Refusal(404, f"Volume type access not found {place}.")
        kind.projects.remove(project)
    return Response(202)


def _administrators_only(call: Call) -> None:
    if not call.admin:
        raise Refusal(403, "Policy doesn't allow volume_extension:types_manage to be performed.")


def _require_free_name(storage: "BlockStorage", name: str) -> None:
    if name in {kind.name for kind in storage.types.values()}:
        raise Refusal(409, f"Volume Type {name} already exists.")


def _boolean(value: Any) -> bool:
    return str(value).lower() in {"true", "1", "yes"}


def _sees(call: Call, kind: VolumeType) -> bool:
    return call.admin or kind.is_public or call.token.project_id in kind.projects


def _is_used(storage: "BlockStorage", kind: VolumeType) -> bool:
    return any(volume.volume_type is kind for volume in storage.volumes.values())


def _changeable(storage: "BlockStorage", call: Call) -> VolumeType:
    _administrators_only(call)
    kind = _type(storage, call)
    if _is_used(storage, kind):
        raise Refusal(400, "Volume Type is currently in use.")
    return kind


def _type(storage: "BlockStorage", call: Call) -> VolumeType:
    identifier = call.arguments["id"]
    if identifier == "default":
        return next(iter(storage.types.values()))
    kind = storage.types.get(identifier)
    if kind is None or not _sees(call, kind):
        raise Refusal(404, f"Volume type {identifier} could not be found.")
    return kind


def _no_spec(call: Call) -> Refusal:
    identifier, key = call.arguments["id"], call.arguments["key"]
    return Refusal(404, f"Volume Type {identifier} has no extra specs with key {key}.")


def _view(call: Call, kind: VolumeType) -> Document:
    view: Document = {
        "id": kind.id,
        "name": kind.name,
        "is_public": kind.is_public,
        "description": kind.description,
        "os-volume-type-access:is_public": kind.is_public,
        "extra_specs": kind.extra_specs,
    }
    return view | ({"qos_specs_id": kind.qos_spec_id} if call.admin else {})


_SPECS = "/types/{id}/extra_specs"

ROUTES: tuple[Route, ...] = (
    ("GET", "/types", index),
    ("POST", "/types", create),
    ("GET", "/types/{id}", show),
    ("PUT", "/types/{id}", update),
    ("DELETE", "/types/{id}", delete),
    ("POST", "/types/{id}/action", act),
    ("GET", "/types/{id}/os-volume-type-access", show_access),
    ("GET", _SPECS, show_extra_specs),
    ("POST", _SPECS, add_extra_specs),
    ("GET", _SPECS + "/{key}", show_extra_spec),
    ("PUT", _SPECS + "/{key}", put_extra_spec),
    ("DELETE", _SPECS + "/{key}", delete_extra_spec),
)
