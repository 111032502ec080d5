"""Flavors and their extra specs."""

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
    flavors = [_basic(call, flavor) for flavor in compute.flavors.values()]
    return {"flavors": flavors}


def detail(compute: "Compute", call: Call) -> Document:
    """List whole flavors."""
    return {"flavors": [_detail(call, flavor) for flavor in compute.flavors.values()]}


def show(compute: "Compute", call: Call) -> Document:
    """Show a flavor."""
    return {"flavor": _detail(call, _flavor(compute, call))}


def create(compute: "Compute", call: Call) -> Document:
    """Make a flavor. Administrators only."""
    _administrators_only(call)
    wanted = call.body("flavor")
    identifier = str(wanted.get("id") or uuid.uuid4())
    if identifier in compute.flavors:
        raise Refusal(409, f"Flavor with ID {identifier} already exists.")
    flavor = Flavor(
        identifier,
        wanted["name"],
        int(wanted["ram"]),
        int(wanted["disk"]),
        int(wanted["vcpus"]),
        is_public=wanted.get("os-flavor-access:is_public", True),
        description=wanted.get("description"),
    )
    compute.flavors[flavor.id] = flavor
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


def _administrators_only(call: Call) -> None:
    if not call.admin:
        raise Refusal(403, "Policy doesn't allow os_compute_api:os-flavor-manage to be performed.")


def _flavor(compute: "Compute", call: Call) -> Flavor:
    flavor = compute.flavors.get(call.arguments["id"])
    if flavor is None:
        raise Refusal(404, f"Flavor {call.arguments['id']} could not be found.")
    return flavor


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
        view |= {"OS-FLV-DISABLED:disabled": False, "rxtx_factor": 1.0}
    if call.at_least(61):
        view["extra_specs"] = flavor.extra_specs
    return view


_SPECS = "/flavors/{id}/os-extra_specs"

ROUTES: tuple[Route, ...] = (
    ("GET", "/flavors", index),
    ("POST", "/flavors", create),
    ("GET", "/flavors/detail", detail),
    ("GET", "/flavors/{id}", show),
    ("DELETE", "/flavors/{id}", delete),
    ("GET", _SPECS, show_extra_specs),
    ("POST", _SPECS, add_extra_specs),
)
