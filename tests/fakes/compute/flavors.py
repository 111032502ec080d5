"""Flavors, their extra specs and who may use them."""

import uuid
from typing import TYPE_CHECKING

from tests.fakes.compute.records import Flavor
from tests.fakes.compute.server_view import links
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute


def index(compute: "Compute", call: Call) -> Document:
    """List names."""
    return {"flavors": [_basic(call, flavor) for flavor in _listed(compute, call)]}


def detail(compute: "Compute", call: Call) -> Document:
    """List whole flavors."""
    return {"flavors": [_detail(call, flavor) for flavor in _listed(compute, call)]}


def show(compute: "Compute", call: Call) -> Document:
    """Show a flavor."""
    return {"flavor": _detail(call, _flavor(compute, call))}


def create(compute: "Compute", call: Call) -> Document:
    """Make a flavor. Administrators only."""
    _administrators_only(call)
    wanted = call.body("flavor")
    missing = [name for name in ("name", "ram", "vcpus", "disk") if name not in wanted]
    if missing:
        raise Refusal(400, f"Invalid input for field/attribute flavor. '{missing[0]}' is a required property")
    identifier = str(wanted.get("id") or uuid.uuid4())
    if identifier in compute.flavors:
        raise Refusal(409, f"Flavor with ID {identifier} already exists.")
    if wanted["name"] in {flavor.name for flavor in compute.flavors.values()}:
        raise Refusal(409, f"Flavor with name {wanted['name']} already exists.")
    flavor = Flavor(
        identifier,
        wanted["name"],
        int(wanted["ram"]),
        int(wanted["disk"]),
        int(wanted["vcpus"]),
        ephemeral=int(wanted.get("OS-FLV-EXT-DATA:ephemeral", 0)),
        swap=int(wanted.get("swap", 0)),
        rxtx_factor=float(wanted.get("rxtx_factor", 1.0)),
        is_public=wanted.get("os-flavor-access:is_public", True),
        description=wanted.get("description") if call.at_least(55) else None,
    )
    compute.flavors[flavor.id] = flavor
    return {"flavor": _detail(call, flavor)}


def update(compute: "Compute", call: Call) -> Document:
    """Change the description. Administrators only, from microversion 2.55 on."""
    if not call.at_least(55):
        raise Refusal(404, "The resource could not be found.")
    _administrators_only(call)
    flavor = _flavor(compute, call)
    flavor.description = call.body("flavor")["description"]
    return {"flavor": _detail(call, flavor)}


def delete(compute: "Compute", call: Call) -> Response:
    """Delete a flavor. Administrators only."""
    _administrators_only(call)
    del compute.flavors[_flavor(compute, call).id]
    return Response(202)


def show_extra_specs(compute: "Compute", call: Call) -> Document:
    """Show the extra specs of a flavor."""
    return {"extra_specs": _flavor(compute, call).extra_specs}


def add_extra_specs(compute: "Compute", call: Call) -> Document:
    """Add extra specs. Administrators only."""
    _administrators_only(call)
    wanted = call.body("extra_specs")
    _flavor(compute, call).extra_specs.update(wanted)
    return {"extra_specs": wanted}


def show_extra_spec(compute: "Compute", call: Call) -> Document:
    """Show one extra spec."""
    flavor, key = _flavor(compute, call), call.arguments["key"]
    if key not in flavor.extra_specs:
        raise _no_spec(call)
    return {key: flavor.extra_specs[key]}


def put_extra_spec(compute: "Compute", call: Call) -> Document:
    """Set one extra spec. Administrators only."""
    _administrators_only(call)
    flavor, key = _flavor(compute, call), call.arguments["key"]
    flavor.extra_specs[key] = value = call.body(key)
    return {key: value}


def delete_extra_spec(compute: "Compute", call: Call) -> Response:
    """Unset one extra spec. Administrators only."""
    _administrators_only(call)
    flavor = _flavor(compute, call)
    if flavor.extra_specs.pop(call.arguments["key"], None) is None:
        raise _no_spec(call)
    return Response(200)


def show_access(compute: "Compute", call: Call) -> Document:
    """Show the projects that may use a private flavor. Administrators only."""
    _administrators_only(call)
    flavor = _flavor(compute, call)
    if flavor.is_public:
        raise Refusal(404, "Access list not available for public flavors.")
    return _access(flavor)


def act(compute: "Compute", call: Call) -> Document:
    """Give a project access, or take it. Administrators only."""
    _administrators_only(call)
    flavor = _flavor(compute, call)
    action, arguments = next(iter(call.request.json().items()))
    project = arguments["tenant"]
    if action == "addTenantAccess":
        if flavor.is_public and call.at_least(7):
            raise Refusal(409, "Can not add access to a public flavor.")
        if project in flavor.projects:
            raise Refusal(
                409, f"Flavor access already exists for flavor {flavor.id} and project {project} combination."
            )
        flavor.projects.append(project)
    else:
        if project not in flavor.projects:
            raise Refusal(404, f"Flavor access not found for {flavor.id} / {project} combination.")
        flavor.projects.remove(project)
    return _access(flavor)


def _administrators_only(call: Call) -> None:
    if not call.admin:
        raise Refusal(403, "Policy doesn't allow os_compute_api:os-flavor-manage to be performed.")


def _listed(compute: "Compute", call: Call) -> list[Flavor]:
    """List those that the caller may use; administrators see private ones where they ask for them."""
    if not call.admin:
        return [flavor for flavor in compute.flavors.values() if _sees(call, flavor)]
    asked = call.request.parameter("is_public") or "True"
    every = compute.flavors.values()
    return [flavor for flavor in every if asked == "None" or flavor.is_public == (asked.lower() == "true")]


def _sees(call: Call, flavor: Flavor) -> bool:
    return call.admin or flavor.is_public or call.token.project_id in flavor.projects


def _flavor(compute: "Compute", call: Call) -> Flavor:
    flavor = compute.flavors.get(call.arguments["id"])
    if flavor is None or not _sees(call, flavor):
        raise Refusal(404, f"Flavor {call.arguments['id']} could not be found.")
    return flavor


def _no_spec(call: Call) -> Refusal:
    identifier, key = call.arguments["id"], call.arguments["key"]
    return Refusal(404, f"Flavor {identifier} has no extra specs with key {key}.")


def _access(flavor: Flavor) -> Document:
    entries = [{"flavor_id": flavor.id, "tenant_id": project} for project in flavor.projects]
    return {"flavor_access": entries}


def _basic(call: Call, flavor: Flavor) -> Document:
    view: Document = {"id": flavor.id, "name": flavor.name, "links": links(call, "flavors", flavor.id)}
    return view | ({"description": flavor.description} if call.at_least(55) else {})


def _detail(call: Call, flavor: Flavor) -> Document:
    view = _basic(call, flavor) | {
        "ram": flavor.ram,
        "disk": flavor.disk,
        "swap": flavor.swap or (0 if call.at_least(75) else ""),
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral,
        "vcpus": flavor.vcpus,
        "os-flavor-access:is_public": flavor.is_public,
    }
    if not call.at_least(102):
        view |= {"OS-FLV-DISABLED:disabled": False, "rxtx_factor": flavor.rxtx_factor}
    if call.at_least(61):
        view["extra_specs"] = flavor.extra_specs
    return view


_SPECS = "/flavors/{id}/os-extra_specs"

ROUTES: tuple[Route, ...] = (
    ("GET", "/flavors", index),
    ("POST", "/flavors", create),
    ("GET", "/flavors/detail", detail),
    ("GET", "/flavors/{id}", show),
    ("PUT", "/flavors/{id}", update),
    ("DELETE", "/flavors/{id}", delete),
    ("POST", "/flavors/{id}/action", act),
    ("GET", "/flavors/{id}/os-flavor-access", show_access),
    ("GET", _SPECS, show_extra_specs),
    ("POST", _SPECS, add_extra_specs),
    ("GET", _SPECS + "/{key}", show_extra_spec),
    ("PUT", _SPECS + "/{key}", put_extra_spec),
    ("DELETE", _SPECS + "/{key}", delete_extra_spec),
)
