"""How Nova shows a server, microversion by microversion."""

import hashlib
from datetime import datetime
from typing import Any

from tests.fakes.compute.records import Server
from tests.fakes.service import Call

Document = dict[str, Any]


def time(moment: datetime) -> str:
    """Nova's time: whole seconds, in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def links(call: Call, collection: str, identifier: str) -> list[Document]:
    """The `self` and `bookmark` links of a thing."""
    return [
        {"rel": "self", "href": f"{call.root}/v2.1{call.project}/{collection}/{identifier}"},
        {"rel": "bookmark", "href": f"{call.root}{call.project}/{collection}/{identifier}"},
    ]


def basic(call: Call, server: Server) -> Document:
    """As in `GET /servers`."""
    return {"id": server.id, "name": server.display_name, "links": links(call, "servers", server.id)}


def created(call: Call, server: Server, password: str, groups: list[Document]) -> Document:
    """As in the answer to `POST /servers`."""
    return {
        "id": server.id,
        "links": links(call, "servers", server.id),
        "OS-DCF:diskConfig": "MANUAL",
        "security_groups": groups,
        "adminPass": password,
    }


def detail(call: Call, server: Server, in_list: bool = False, full: bool = True) -> Document:
    """As in `GET /servers/detail` and `GET /servers/{id}`.

    :param in_list: leaves out what only a single server shows.
    :param full: False for the shorter answer of PUT and rebuild before 2.75.
    """
    view: Document = {
        "accessIPv4": "",
        "accessIPv6": "",
        "addresses": _addresses(server, full),
        "created": time(server.created_at),
        "flavor": _flavor(call, server),
        "hostId": hashlib.sha224((server.project_id + server.host).encode()).hexdigest(),
        "id": server.id,
        "image": _image(call, server),
        "links": links(call, "servers", server.id),
        "metadata": server.metadata,
        "name": server.display_name,
        "status": server.status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "updated": time(server.updated_at),
        "OS-DCF:diskConfig": "MANUAL",
    }
    if server.status in {"ACTIVE", "BUILD", "VERIFY_RESIZE"}:
        view["progress"] = 0
    if server.failure:
        view["fault"] = {"code": 500, "created": time(server.updated_at), "message": server.failure}
    if full:
        view |= _extended(call, server)
    return view | _newer(call, server, in_list, full)


def group_name(server: Server, group: str) -> str:
    """What Nova shows of a security group: its name, or its id where it has no name."""
    return server.group_names.get(group) or group


def _extended(call: Call, server: Server) -> Document:
    volumes: list[Document] = [{"id": volume.volume_id} for volume in server.volumes]
    if call.at_least(3):
        for shown, volume in zip(volumes, server.volumes, strict=True):
            shown["delete_on_termination"] = volume.delete_on_termination
    view: Document = {
        "OS-EXT-AZ:availability_zone": server.availability_zone,
        "config_drive": server.config_drive,
        "key_name": server.key_name,
        "OS-SRV-USG:launched_at": server.launched_at.strftime("%Y-%m-%dT%H:%M:%S.000000"),
        "OS-SRV-USG:terminated_at": None,
        "security_groups": [{"name": group_name(server, group)} for group in server.security_groups],
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-EXT-STS:power_state": server.power_state,
        "os-extended-volumes:volumes_attached": volumes,
    }
    if call.admin:
        view |= {
            "OS-EXT-SRV-ATTR:host": server.host,
            "OS-EXT-SRV-ATTR:instance_name": f"instance-{server.sequence:08x}",
            "OS-EXT-SRV-ATTR:hypervisor_hostname": server.host,
        }
    if call.admin and call.at_least(3):
        view |= {
            "OS-EXT-SRV-ATTR:hostname": server.hostname,
            "OS-EXT-SRV-ATTR:kernel_id": "",
            "OS-EXT-SRV-ATTR:launch_index": 0,
            "OS-EXT-SRV-ATTR:ramdisk_id": "",
            "OS-EXT-SRV-ATTR:reservation_id": f"r-{server.id[:8]}",
            "OS-EXT-SRV-ATTR:root_device_name": server.root_device_name,
            "OS-EXT-SRV-ATTR:user_data": server.user_data,
        }
    return view


def _newer(call: Call, server: Server, in_list: bool, full: bool) -> Document:
    groups = [server.group_id] if server.group_id else []
    additions: list[tuple[int, bool, str, Any]] = [
        (9, True, "locked", server.locked),
        (16, full and call.admin, "host_status", "UP"),
        (19, True, "description", server.display_description),
        (26, True, "tags", server.tags),
        (63, True, "trusted_image_certificates", None),
        (71, not in_list, "server_groups", groups),
        (73, True, "locked_reason", server.locked_reason),
        (90, not call.admin, "OS-EXT-SRV-ATTR:hostname", server.hostname),
        (96, full, "pinned_availability_zone", server.pinned_zone),
        (100, True, "scheduler_hints", server.hints),
    ]
    return {name: value for minor, shown, name, value in additions if shown and call.at_least(minor)}


def _addresses(server: Server, full: bool) -> Document:
    addresses: dict[str, list[Document]] = {}
    for interface in server.interfaces:
        extended = {"OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": interface.mac_addr}
        name = server.network_names.get(interface.net_id, "private")
        addresses.setdefault(name, []).extend(
            {"version": 4, "addr": address} | (extended if full else {}) for address in interface.addresses
        )
    return addresses


def _image(call: Call, server: Server) -> Document | str:
    if server.image_ref is None:
        return ""
    href = f"{call.root}{call.project}/images/{server.image_ref}"
    image: Document = {"id": server.image_ref, "links": [{"rel": "bookmark", "href": href}]}
    if call.at_least(98):
        image["properties"] = {}
    return image


def _flavor(call: Call, server: Server) -> Document:
    flavor = server.flavor
    if call.at_least(47):
        return {
            "vcpus": flavor.vcpus,
            "ram": flavor.ram,
            "disk": flavor.disk,
            "ephemeral": flavor.ephemeral,
            "swap": flavor.swap,
            "original_name": flavor.name,
            "extra_specs": flavor.extra_specs,
        }
    href = f"{call.root}{call.project}/flavors/{flavor.id}"
    return {"id": flavor.id, "links": [{"rel": "bookmark", "href": href}]}
