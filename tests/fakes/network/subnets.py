"""Subnets, with allocation pools that are kept to."""

import ipaddress
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.fakes.network import networks, tags
from tests.fakes.network.rows import (
    chosen,
    invalid,
    new_id,
    not_found,
    page,
    refusal,
    require_known,
    require_revision,
    shown,
)
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

_CHANGEABLE = (
    *("name", "description", "gateway_ip", "enable_dhcp", "dns_nameservers", "host_routes"),
    *("allocation_pools", "service_types"),
)
_SETTABLE = (
    *_CHANGEABLE,
    *("network_id", "cidr", "ip_version", "project_id", "tenant_id"),
    *("ipv6_address_mode", "ipv6_ra_mode"),
)
_NO_REVISION = {"allocation_pools", "dns_nameservers", "host_routes", "service_types"}
"""What Neutron keeps in tables of their own: that these change is no new revision of a subnet."""

AUTOMATIC = ("slaac", "dhcpv6-stateless")
"""Address modes in which nobody hands out addresses."""


def create(network: "Network", call: Call) -> Response:
    """Make a subnet."""
    wanted = require_known(call.body("subnet"), _SETTABLE, "subnet")
    if wanted.get("network_id", "") is None:
        raise refusal(400, "HTTPBadRequest", "Invalid input for network_id.")
    home = networks.find(network, call, wanted.get("network_id", ""))
    project_id = networks.owner(call, wanted)
    _require_mode(wanted)
    try:
        cidr = ipaddress.ip_network(wanted["cidr"])
    except (KeyError, ValueError):
        raise refusal(400, "HTTPBadRequest", "Invalid input for cidr.") from None
    for other in (network.subnets[each] for each in home["subnets"]):
        if ipaddress.ip_network(other["cidr"]).version == cidr.version and cidr.overlaps(
            ipaddress.ip_network(other["cidr"])
        ):
            raise invalid(
                f"Requested subnet with cidr: {cidr} for network: {home['id']} overlaps with another subnet"
            )
    gateway = wanted["gateway_ip"] if "gateway_ip" in wanted else str(cidr[1 if cidr.version == 4 else 0])
    item: Document = {
        "id": new_id(),
        "name": wanted.get("name", ""),
        "description": wanted.get("description", ""),
        "network_id": home["id"],
        "project_id": project_id,
        "tenant_id": project_id,
        "cidr": str(cidr),
        "ip_version": cidr.version,
        "gateway_ip": gateway,
        "enable_dhcp": wanted.get("enable_dhcp", True),
        "dns_nameservers": wanted.get("dns_nameservers", []),
        "host_routes": wanted.get("host_routes", []),
        "ipv6_address_mode": wanted.get("ipv6_address_mode"),
        "ipv6_ra_mode": wanted.get("ipv6_ra_mode"),
        "subnetpool_id": None,
        "service_types": wanted.get("service_types", []),
        **tags.of_new(network),
        **network.times(),
    }
    # Neutron takes no pools at all for all addresses, here and not in a change.
    item["allocation_pools"] = _pools(wanted.get("allocation_pools") or None, item)
    network.subnets[item["id"]] = item
    home["subnets"] = [*home["subnets"], item["id"]]
    network.give_addresses(item)
    network.serve_dhcp(item)
    return Response.of_json({"subnet": item}, 201)


def _require_mode(wanted: Document) -> None:
    if wanted.get("ip_version") == 4 and (wanted.get("ipv6_ra_mode") or wanted.get("ipv6_address_mode")):
        raise invalid("ipv6_ra_mode and ipv6_address_mode are of subnets of IPv6")


def _pools(wanted: list[Document] | None, subnet: Document) -> list[Document]:
    cidr = ipaddress.ip_network(subnet["cidr"])
    gateway = None if subnet["gateway_ip"] is None else ipaddress.ip_address(subnet["gateway_ip"])
    if wanted is None:
        first, last = int(cidr[1]), int(cidr[-1 if cidr.version == 6 else -2])
        runs = [(first, last)]
        if gateway is not None and first <= int(gateway) <= last:
            runs = [(first, int(gateway) - 1), (int(gateway) + 1, last)]
        make = type(cidr[0])
        return [{"start": str(make(a)), "end": str(make(b))} for a, b in runs if a <= b]
    for pool in wanted:
        start, end = ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"])
        text = f"{start}-{end}"
        if start not in cidr or end not in cidr:
            message = f"The allocation pool {text} spans beyond the subnet cidr {cidr}."
            raise refusal(400, "OutOfBoundsAllocationPool", message)
        if gateway is not None and int(start) <= int(gateway) <= int(end):
            message = f"Gateway ip {gateway} conflicts with allocation pool {text}."
            raise refusal(409, "GatewayConflictWithAllocationPools", message)
    runs = sorted(
        (int(ipaddress.ip_address(p["start"])), int(ipaddress.ip_address(p["end"]))) for p in wanted
    )
    if any(after[0] <= before[1] for before, after in pairwise(runs)):
        raise refusal(409, "OverlappingAllocationPools", "Found overlapping allocation pools.")
    return [{"start": pool["start"], "end": pool["end"]} for pool in wanted]


def _sees(network: "Network", call: Call, item: Document) -> bool:
    """Say whether a subnet exists for the caller: of a network that is not shared, only its project's."""
    return call.sees(item["project_id"]) or network.is_shared(item["network_id"], call.token.project_id)


def _find(network: "Network", call: Call, identifier: str) -> Document:
    item = network.subnets.get(identifier)
    if item is None or not _sees(network, call, item):
        raise not_found("subnet", identifier)
    return item


def index(network: "Network", call: Call) -> Document:
    """List subnets."""
    items = [item for item in network.subnets.values() if _sees(network, call, item)]
    return page(call, "subnets", chosen(call, items))


def show(network: "Network", call: Call) -> Document:
    """Show a subnet."""
    return {"subnet": shown(call, _find(network, call, call.arguments["id"]))}


def update(network: "Network", call: Call) -> Document:
    """Change a subnet."""
    item = _find(network, call, call.arguments["id"])
    wanted = require_known(call.body("subnet"), _CHANGEABLE, "subnet")
    if "allocation_pools" in wanted:
        wanted = wanted | {"allocation_pools": _pools(wanted["allocation_pools"], item | wanted)}
    require_revision(call, item)
    item["revision_number"] += any(item[name] != wanted[name] for name in wanted.keys() - _NO_REVISION)
    item.update(wanted)
    network.serve_dhcp(item)
    return {"subnet": item}


def delete(network: "Network", call: Call) -> Response:
    """Delete a subnet; not while it is in use."""
    item = _find(network, call, call.arguments["id"])
    ports = network.ports_on(item)
    stay = [] if item["ipv6_address_mode"] in AUTOMATIC else ports
    if any(port["device_owner"] != "network:dhcp" for port in stay):
        message = f"Unable to complete operation on subnet {item['id']}: "
        message += "One or more ports have an IP allocation from this subnet."
        raise refusal(409, "SubnetInUse", message)
    for port in ports:
        port["fixed_ips"] = [each for each in port["fixed_ips"] if each["subnet_id"] != item["id"]]
        if port["device_owner"] == "network:dhcp":
            del network.ports[port["id"]]
    home = network.networks[item["network_id"]]
    home["subnets"] = [each for each in home["subnets"] if each != item["id"]]
    del network.subnets[item["id"]]
    return Response(204)


ROUTES: tuple[Route, ...] = (
    ("GET", "/subnets", index),
    ("POST", "/subnets", create),
    ("GET", "/subnets/{id}", show),
    ("PUT", "/subnets/{id}", update),
    ("DELETE", "/subnets/{id}", delete),
)
