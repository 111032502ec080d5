"""Ports, whose addresses come out of allocation pools."""

import random
from typing import TYPE_CHECKING

from tests.fakes.network import networks, security_groups
from tests.fakes.network.rows import chosen, invalid, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.network.subnets import AUTOMATIC
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

_CHANGEABLE = (
    *("name", "description", "admin_state_up", "device_id", "device_owner", "security_groups", "fixed_ips"),
    *("allowed_address_pairs", "port_security_enabled", "binding:host_id", "binding:vnic_type", "tags"),
    "mac_address",
)
_SETTABLE = (*_CHANGEABLE, "network_id", "project_id", "tenant_id")


def create(network: "Network", call: Call) -> Response:
    """Make a port."""
    wanted = require_known(call.body("port"), _SETTABLE, "port")
    home = networks.find(network, call, wanted.get("network_id", ""))
    item = make(network, home, networks.owner(call, wanted), wanted)
    return Response.of_json({"port": item}, 201)


def make(network: "Network", home: Document, project_id: str, wanted: Document) -> Document:
    """Make a port on a network."""
    item: Document = {
        "id": new_id(),
        "name": wanted.get("name", ""),
        "description": wanted.get("description", ""),
        "network_id": home["id"],
        "project_id": project_id,
        "tenant_id": project_id,
        "mac_address": wanted.get("mac_address") or _mac(network, home),
        "admin_state_up": wanted.get("admin_state_up", True),
        "status": "ACTIVE" if wanted.get("device_id") else "DOWN",
        "device_id": wanted.get("device_id", ""),
        "device_owner": wanted.get("device_owner", ""),
        "allowed_address_pairs": wanted.get("allowed_address_pairs", []),
        "port_security_enabled": wanted.get("port_security_enabled", home["port_security_enabled"]),
        "binding:host_id": wanted.get("binding:host_id", ""),
        "binding:vnic_type": wanted.get("binding:vnic_type", "normal"),
        "tags": [],
        **network.times(),
    }
    groups = wanted.get("security_groups")
    if groups is None:
        groups = [security_groups.ensure_default(network, project_id)["id"]]
    item["security_groups"] = list(groups) if item["port_security_enabled"] else []
    item["fixed_ips"] = _addresses(network, home, wanted.get("fixed_ips"))
    network.ports[item["id"]] = item
    return item


def _mac(network: "Network", home: Document) -> str:
    taken = {port["mac_address"] for port in network.ports.values() if port["network_id"] == home["id"]}
    while True:
        tail = [random.randrange(256) for _ in range(3)]  # noqa: S311  # no secret
        mac = "fa:16:3e:" + ":".join(f"{each:02x}" for each in tail)
        if mac not in taken:
            return mac


def _addresses(network: "Network", home: Document, wanted: list[Document] | None) -> list[Document]:
    subnets = [network.subnets[each] for each in home["subnets"]]
    if wanted is None:
        found = [
            _next(network, home, [s for s in subnets if s["ip_version"] == version]) for version in (4, 6)
        ]
        return [each for each in found if each is not None]
    return [_asked(network, home, subnets, each) for each in wanted]


def _next(network: "Network", home: Document, subnets: list[Document]) -> Document | None:
    handed = [subnet for subnet in subnets if subnet["ipv6_address_mode"] not in AUTOMATIC]
    for subnet in handed:
        address = network.free_address(subnet)
        if address is not None:
            return {"subnet_id": subnet["id"], "ip_address": address}
    if handed:
        message = f"No more IP addresses available on network {home['id']}."
        raise refusal(409, "IpAddressGenerationFailure", message)
    return None


def _asked(network: "Network", home: Document, subnets: list[Document], wanted: Document) -> Document:
    address = wanted.get("ip_address")
    if address is None:
        found = _next(network, home, [s for s in subnets if s["id"] == wanted.get("subnet_id")])
        if found is None:
            raise not_found("subnet", str(wanted.get("subnet_id")))
        return found
    subnet = next((each for each in subnets if network.contains(each, address)), None)
    if subnet is None:
        raise invalid("IP address " + address + " is not a valid IP for any of the subnets")
    if address in network.addresses_in_use(subnet):
        message = f"IP address {address} already allocated in subnet {subnet['id']}"
        raise refusal(409, "IpAddressAlreadyAllocated", message)
    return {"subnet_id": subnet["id"], "ip_address": address}


def _find(network: "Network", call: Call, identifier: str) -> Document:
    item = network.ports.get(identifier)
    if item is None or not call.sees(item["project_id"]):
        raise not_found("port", identifier)
    return item


def index(network: "Network", call: Call) -> Document:
    """List ports."""
    items = [item for item in network.ports.values() if call.sees(item["project_id"])]
    return page(call, "ports", chosen(call, items))


def show(network: "Network", call: Call) -> Document:
    """Show a port."""
    return {"port": shown(call, _find(network, call, call.arguments["id"]))}


def update(network: "Network", call: Call) -> Document:
    """Change a port."""
    item = _find(network, call, call.arguments["id"])
    item.update(require_known(call.body("port"), _CHANGEABLE, "port"))
    return {"port": item}


def retag(network: "Network", call: Call) -> Document:
    """Set a port's tags."""
    item = _find(network, call, call.arguments["id"])
    item["tags"] = call.body("tags")
    return {"tags": item["tags"]}


def delete(network: "Network", call: Call) -> Response:
    """Delete a port."""
    item = _find(network, call, call.arguments["id"])
    del network.ports[item["id"]]
    return Response(204)


ROUTES: tuple[Route, ...] = (
    ("GET", "/ports", index),
    ("POST", "/ports", create),
    ("GET", "/ports/{id}", show),
    ("PUT", "/ports/{id}", update),
    ("DELETE", "/ports/{id}", delete),
    ("PUT", "/ports/{id}/tags", retag),
)
