"""What hangs on a server: metadata, tags, interfaces, volumes, security groups, actions."""

import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.compute import server_view
from tests.fakes.compute.records import Action, Interface, Server, VolumeAttachment
from tests.fakes.compute.servers import interface, require_network
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute


def _server(compute: "Compute", call: Call) -> Server:
    return compute.server_for(call, call.arguments["id"])


def show_metadata(compute: "Compute", call: Call) -> Document:
    """Show all metadata."""
    return {"metadata": _server(compute, call).metadata}


def add_metadata(compute: "Compute", call: Call) -> Document:
    """Add some, keep the rest."""
    server = _server(compute, call)
    server.metadata |= call.body("metadata")
    return {"metadata": server.metadata}


def replace_metadata(compute: "Compute", call: Call) -> Document:
    """Replace all."""
    server = _server(compute, call)
    server.metadata = dict(call.body("metadata"))
    return {"metadata": server.metadata}


def show_metadata_item(compute: "Compute", call: Call) -> Document:
    """Show one key."""
    return {"meta": {call.arguments["key"]: _metadata_item(_server(compute, call), call)}}


def set_metadata_item(compute: "Compute", call: Call) -> Document:
    """Set one key."""
    server = _server(compute, call)
    wanted = call.body("meta")
    if call.arguments["key"] not in wanted:
        raise Refusal(400, "Request body and URI mismatch")
    server.metadata |= wanted
    return {"meta": wanted}


def delete_metadata_item(compute: "Compute", call: Call) -> Response:
    """Delete one key."""
    server = _server(compute, call)
    _metadata_item(server, call)
    del server.metadata[call.arguments["key"]]
    return Response(204)


def _metadata_item(server: Server, call: Call) -> str:
    try:
        return server.metadata[call.arguments["key"]]
    except KeyError:
        raise Refusal(404, "Metadata item was not found") from None


def list_tags(compute: "Compute", call: Call) -> Document:
    """List tags."""
    return {"tags": _server(compute, call).tags}


def replace_tags(compute: "Compute", call: Call) -> Document:
    """Replace all tags."""
    server = _server(compute, call)
    server.tags = list(call.body("tags"))
    return {"tags": server.tags}


def add_tag(compute: "Compute", call: Call) -> Response:
    """Add a tag: 201 with its address, 204 where it was there."""
    server = _server(compute, call)
    tag = call.arguments["tag"]
    if tag in server.tags:
        return Response(204)
    server.tags.append(tag)
    href = f"{call.root}/v2.1{call.project}/servers/{server.id}/tags/{tag}"
    return Response(201, b"", (("Location", href),))


def check_tag(compute: "Compute", call: Call) -> Response:
    """Tell by the status whether a tag is there."""
    server = _server(compute, call)
    if call.arguments["tag"] not in server.tags:
        raise Refusal(404, f"Server {server.id} has no tag '{call.arguments['tag']}'")
    return Response(204)


def delete_tag(compute: "Compute", call: Call) -> Response:
    """Take a tag away."""
    check_tag(compute, call)
    _server(compute, call).tags.remove(call.arguments["tag"])
    return Response(204)


def list_interfaces(compute: "Compute", call: Call) -> Document:
    """List ports."""
    server = _server(compute, call)
    return {"interfaceAttachments": [_interface_view(call, port) for port in server.interfaces]}


def show_interface(compute: "Compute", call: Call) -> Document:
    """Show a port."""
    return {"interfaceAttachment": _interface_view(call, _interface(_server(compute, call), call))}


def attach_interface(compute: "Compute", call: Call) -> Document:
    """Attach a port or a network."""
    server = _server(compute, call)
    wanted = call.body("interfaceAttachment")
    if wanted.get("net_id") and wanted.get("port_id"):
        raise Refusal(400, "Must not input both network_id and port_id")
    require_network(compute, wanted.get("net_id"), 404)
    addresses = wanted.get("fixed_ips") or [{}]
    port = interface(
        {
            "uuid": wanted.get("net_id"),
            "port": wanted.get("port_id"),
            "fixed_ip": addresses[0].get("ip_address"),
            "tag": wanted.get("tag"),
        }
    )
    server.interfaces.append(port)
    return {"interfaceAttachment": _interface_view(call, port)}


def detach_interface(compute: "Compute", call: Call) -> Response:
    """Detach a port."""
    server = _server(compute, call)
    server.interfaces.remove(_interface(server, call))
    return Response(202)


def _interface(server: Server, call: Call) -> Interface:
    for port in server.interfaces:
        if port.port_id == call.arguments["port_id"]:
            return port
    raise Refusal(404, f"Instance {server.id} does not have a port with id {call.arguments['port_id']}")


def _interface_view(call: Call, port: Interface) -> Document:
    view: Document = {
        "net_id": port.net_id,
        "port_id": port.port_id,
        "mac_addr": port.mac_addr,
        "port_state": "ACTIVE",
        "fixed_ips": [{"subnet_id": port.subnet_id, "ip_address": address} for address in port.addresses],
    }
    return view | ({"tag": port.tag} if call.at_least(70) else {})


def list_volumes(compute: "Compute", call: Call) -> Document:
    """List attached volumes."""
    server = _server(compute, call)
    return {"volumeAttachments": [_volume_view(call, server, volume) for volume in server.volumes]}


def show_volume(compute: "Compute", call: Call) -> Document:
    """Show an attached volume."""
    server = _server(compute, call)
    return {"volumeAttachment": _volume_view(call, server, _volume(server, call))}


def attach_volume(compute: "Compute", call: Call) -> Document | Response:
    """Attach a volume."""
    server = _server(compute, call)
    wanted = call.body("volumeAttachment")
    device = wanted.get("device") or f"/dev/vd{chr(ord('b') + len(server.volumes))}"
    volume = VolumeAttachment(
        wanted["volumeId"], device, wanted.get("tag"), bool(wanted.get("delete_on_termination"))
    )
    server.volumes.append(volume)
    if call.at_least(101):
        return Response(202)
    view: Document = {"id": volume.volume_id, "serverId": server.id, "volumeId": volume.volume_id}
    view["device"] = volume.device
    if call.at_least(70):
        view["tag"] = volume.tag
    if call.at_least(79):
        view["delete_on_termination"] = volume.delete_on_termination
    return {"volumeAttachment": view}


def update_volume(compute: "Compute", call: Call) -> Response:
    """Change whether the volume goes with the server."""
    volume = _volume(_server(compute, call), call)
    wanted = call.body("volumeAttachment")
    volume.delete_on_termination = bool(wanted.get("delete_on_termination", volume.delete_on_termination))
    return Response(202)


def detach_volume(compute: "Compute", call: Call) -> Response:
    """Detach a volume."""
    server = _server(compute, call)
    server.volumes.remove(_volume(server, call))
    return Response(202)


def _volume(server: Server, call: Call) -> VolumeAttachment:
    for volume in server.volumes:
        if volume.volume_id == call.arguments["volume_id"]:
            return volume
    raise Refusal(404, f"Instance {server.id} is not attached to volume {call.arguments['volume_id']}")


def _volume_view(call: Call, server: Server, volume: VolumeAttachment) -> Document:
    view: Document = {} if call.at_least(89) else {"id": volume.volume_id}
    view |= {"volumeId": volume.volume_id, "serverId": server.id, "device": volume.device}
    additions: list[tuple[int, str, Any]] = [
        (70, "tag", volume.tag),
        (79, "delete_on_termination", volume.delete_on_termination),
        (89, "attachment_id", volume.attachment_id),
        (89, "bdm_uuid", volume.mapping_id),
    ]
    return view | {name: value for minor, name, value in additions if call.at_least(minor)}


def list_security_groups(compute: "Compute", call: Call) -> Document:
    """List security groups, in the shape that nova-network had."""
    server = _server(compute, call)
    return {
        "security_groups": [
            {
                "id": _group_id(server, group),
                "name": server.group_names.get(group, group),
                "description": compute.group_descriptions.get(group, ""),
                "tenant_id": server.project_id,
                "rules": [_group_rule(_group_id(server, group))],
            }
            for group in server.security_groups
        ]
    }


def _group_id(server: Server, group: str) -> str:
    known = group in server.group_names
    return group if known else str(uuid.uuid5(uuid.NAMESPACE_DNS, server.project_id + group))


def _group_rule(group_id: str) -> Document:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, group_id)),
        "parent_group_id": group_id,
        "ip_protocol": "tcp",
        "from_port": 22,
        "to_port": 22,
        "group": {},
        "ip_range": {"cidr": "0.0.0.0/0"},
    }


def list_actions(compute: "Compute", call: Call) -> Document:
    """List what was done with a server, the latest first."""
    server = _server(compute, call)
    return {"instanceActions": [_action_view(call, server, action) for action in reversed(server.actions)]}


def show_action(compute: "Compute", call: Call) -> Document:
    """Show one thing that was done, by the request's id."""
    server = _server(compute, call)
    for action in server.actions:
        if action.request_id == call.arguments["request_id"]:
            events = [_event_view(call, action)] if action.failure else []
            return {"instanceAction": _action_view(call, server, action) | {"events": events}}
    raise Refusal(
        404, f"Action for request_id {call.arguments['request_id']} on instance {server.id} not found"
    )


def _action_view(call: Call, server: Server, action: Action) -> Document:
    view: Document = {
        "action": action.action,
        "instance_uuid": server.id,
        "message": None,
        "project_id": action.project_id,
        "request_id": action.request_id,
        "start_time": action.start_time.strftime("%Y-%m-%dT%H:%M:%S.000000"),
        "user_id": action.user_id,
    }
    if call.at_least(58):
        view["updated_at"] = view["start_time"]
    return view


def _event_view(call: Call, action: Action) -> Document:
    time = action.start_time.strftime("%Y-%m-%dT%H:%M:%S.000000")
    view: Document = {
        "event": f"compute_{action.action}",
        "start_time": time,
        "finish_time": time,
        "result": "Error",
        "hostId": "",
    }
    return view | ({"details": action.failure} if call.at_least(84) else {})


def list_addresses(compute: "Compute", call: Call) -> Document:
    """List addresses by network name."""
    view = server_view.detail(call, _server(compute, call), full=False)
    return {"addresses": view["addresses"]}


_METADATA = "/servers/{id}/metadata"
_TAGS = "/servers/{id}/tags"
_INTERFACES = "/servers/{id}/os-interface"
_VOLUMES = "/servers/{id}/os-volume_attachments"

ROUTES: tuple[Route, ...] = (
    ("GET", _METADATA, show_metadata),
    ("POST", _METADATA, add_metadata),
    ("PUT", _METADATA, replace_metadata),
    ("GET", f"{_METADATA}/{{key}}", show_metadata_item),
    ("PUT", f"{_METADATA}/{{key}}", set_metadata_item),
    ("DELETE", f"{_METADATA}/{{key}}", delete_metadata_item),
    ("GET", _TAGS, list_tags),
    ("PUT", _TAGS, replace_tags),
    ("GET", f"{_TAGS}/{{tag}}", check_tag),
    ("PUT", f"{_TAGS}/{{tag}}", add_tag),
    ("DELETE", f"{_TAGS}/{{tag}}", delete_tag),
    ("GET", _INTERFACES, list_interfaces),
    ("POST", _INTERFACES, attach_interface),
    ("GET", f"{_INTERFACES}/{{port_id}}", show_interface),
    ("DELETE", f"{_INTERFACES}/{{port_id}}", detach_interface),
    ("GET", _VOLUMES, list_volumes),
    ("POST", _VOLUMES, attach_volume),
    ("GET", f"{_VOLUMES}/{{volume_id}}", show_volume),
    ("PUT", f"{_VOLUMES}/{{volume_id}}", update_volume),
    ("DELETE", f"{_VOLUMES}/{{volume_id}}", detach_volume),
    ("GET", "/servers/{id}/os-security-groups", list_security_groups),
    ("GET", "/servers/{id}/os-instance-actions", list_actions),
    ("GET", "/servers/{id}/os-instance-actions/{request_id}", show_action),
    ("GET", "/servers/{id}/ips", list_addresses),
)
