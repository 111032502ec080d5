"""Servers one by one: create, show, change, delete."""

import secrets
import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.compute import server_view
from tests.fakes.compute.records import Action, Interface, Server, VolumeAttachment
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute


def create(compute: "Compute", call: Call) -> Response:
    """Boot one server or several."""
    wanted = call.body("server")
    _validate(compute, call, wanted)
    least = int(wanted.get("min_count", 1))
    most = int(wanted.get("max_count", least))
    if least > most:
        raise Refusal(400, "min_count must be <= max_count")
    names = [wanted["name"]] if most == 1 else [f"{wanted['name']}-{number}" for number in range(1, most + 1)]
    servers = [_boot(compute, call, wanted, name) for name in names]
    if wanted.get("return_reservation_id"):
        return Response.of_json({"reservation_id": f"r-{servers[0].id[:8]}"}, 202)
    password = wanted.get("adminPass") or secrets.token_urlsafe(9)
    groups = wanted.get("security_groups", [{"name": "default"}])
    view = server_view.created(call, servers[0], password, groups)
    return Response.of_json({"server": view}, 202, (("Location", view["links"][0]["href"]),))


def _validate(compute: "Compute", call: Call, wanted: Any) -> None:
    if not isinstance(wanted, dict):
        raise Refusal(400, f"Invalid input for field/attribute server. Value: {wanted}.")
    for key in ("name", "flavorRef", *(("networks",) if call.at_least(37) else ())):
        if key not in wanted:
            raise Refusal(
                400,
                f"Invalid input for field/attribute server. Value: {wanted}. '{key}' is a required property",
            )
    devices = wanted.get("block_device_mapping_v2", [])
    if not isinstance(devices, list) or not all(isinstance(device, dict) for device in devices):
        raise Refusal(400, f"Invalid input for field/attribute block_device_mapping_v2. Value: {devices}.")
    if str(wanted["flavorRef"]).rpartition("/")[2] not in compute.flavors:
        raise Refusal(400, f"Flavor {wanted['flavorRef']} could not be found.")
    zone = (wanted.get("availability_zone") or compute.zones[0]).partition(":")[0]
    if zone not in compute.zones:
        raise Refusal(400, "The requested availability zone is not available")
    image = wanted.get("imageRef") or None
    if image is None and not wanted.get("block_device_mapping_v2"):
        raise Refusal(400, "Invalid imageRef provided.")
    if image is not None and compute.images is not None and image not in compute.images:
        raise Refusal(400, "Can not find requested image")
    key = wanted.get("key_name")
    if key and compute.keypairs_needed and (call.token.user_id, key) not in compute.keypairs:
        raise Refusal(400, "Invalid key_name provided.")
    for port in _ports(wanted.get("networks")):
        require_network(compute, port.get("uuid"), 400)


def _boot(compute: "Compute", call: Call, wanted: Document, name: str) -> Server:
    zone = wanted.get("availability_zone")
    hints = call.request.json().get("os:scheduler_hints") or {}
    group = compute.server_groups.get(hints.get("group", ""))
    if hints.get("group") and group is None:
        raise Refusal(400, f"Instance group {hints['group']} could not be found.")
    named = wanted.get("security_groups") or [{"name": "default"}]
    groups = [find_group(compute, call, each["name"], 400) for each in named if each.get("name")]
    server = compute.add_server(
        call.token.project_id,
        user_id=call.token.user_id,
        display_name=name,
        display_description=wanted.get("description", None if call.at_least(19) else name),
        flavor=compute.flavors[str(wanted["flavorRef"]).rpartition("/")[2]],
        image_ref=wanted.get("imageRef") or None,
        availability_zone=(zone or compute.zones[0]).partition(":")[0],
        pinned_zone=zone,
        key_name=wanted.get("key_name"),
        metadata=dict(wanted.get("metadata", {})),
        tags=list(wanted.get("tags", [])),
        user_data=wanted.get("user_data"),
        config_drive="True" if wanted.get("config_drive") else "",
        hints=hints,
        group_id=group.id if group else None,
    )
    server.security_groups = groups
    server.interfaces = [interface(port) for port in _ports(wanted.get("networks"))]
    server.volumes = [
        VolumeAttachment(
            str(device.get("uuid")),
            "/dev/vda",
            delete_on_termination=bool(device.get("delete_on_termination")),
        )
        for device in wanted.get("block_device_mapping_v2", [])
        if device.get("source_type") == "volume"
    ]
    if group is not None:
        group.members.append(server.id)
    note(call, server, "create")
    return server


def _ports(networks: object) -> list[Document]:
    if isinstance(networks, list):
        return networks
    return [] if networks == "none" else [{"uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, "private"))}]


def require_network(compute: "Compute", network_id: str | None, status: int) -> None:
    """Refuse a network that does not exist."""
    if network_id and compute.networks is not None and network_id not in compute.networks:
        raise Refusal(status, f"Network {network_id} could not be found.")


def find_group(compute: "Compute", call: Call, name_or_id: str, status: int = 404) -> str:
    """Find a security group as Nova does: by id, else by name."""
    if name_or_id in compute.group_names:
        return name_or_id
    for identifier, name in compute.group_names.items():
        if name == name_or_id:
            return identifier
    try:
        uuid.UUID(name_or_id)
    except ValueError:
        return name_or_id
    raise Refusal(status, f"Security group {name_or_id} is not found for project {call.token.project_id}")


def interface(wanted: Document) -> Interface:
    """Make a port of a server from what a request says of it."""
    identifier = wanted.get("port") or str(uuid.uuid4())
    tail = uuid.UUID(identifier).int & 0xFFFFFF
    return Interface(
        identifier,
        wanted.get("uuid") or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"network of {identifier}")),
        f"fa:16:3e:{tail >> 16:02x}:{tail >> 8 & 255:02x}:{tail & 255:02x}",
        wanted.get("fixed_ip") or f"10.{tail >> 16}.{tail >> 8 & 255}.{tail & 255}",
        wanted.get("tag"),
    )


def note(call: Call, server: Server, action: str) -> None:
    """Remember that something was done, for `os-instance-actions`."""
    moment = server.created_at if action == "create" else server.updated_at
    server.actions.append(Action(action, call.request_id, call.token.user_id, call.token.project_id, moment))


def show(compute: "Compute", call: Call) -> Document:
    """Show a server."""
    server = compute.server_for(call, call.arguments["id"])
    return {"server": server_view.detail(call, server)}


def update(compute: "Compute", call: Call) -> Document:
    """Rename or describe a server."""
    server = compute.server_for(call, call.arguments["id"])
    wanted = call.body("server")
    server.display_name = wanted.get("name", server.display_name)
    server.display_description = wanted.get("description", server.display_description)
    server.updated_at = compute.clock()
    return {"server": server_view.detail(call, server, full=call.at_least(75))}


def delete(compute: "Compute", call: Call) -> Response:
    """Delete a server. Its id stays good as a marker."""
    server = compute.server_for(call, call.arguments["id"])
    if server.locked and not call.admin:
        raise Refusal(409, f"Instance {server.id} is locked")
    server.deleted = True
    server.updated_at = compute.clock()
    return Response(204)


ROUTES: tuple[Route, ...] = (
    ("POST", "/servers", create),
    ("GET", "/servers/{id}", show),
    ("PUT", "/servers/{id}", update),
    ("DELETE", "/servers/{id}", delete),
)
