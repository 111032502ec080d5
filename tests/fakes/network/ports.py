"""Ports, whose addresses come out of allocation pools."""

import ipaddress
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.fakes.network import networks, qos_policies, security_groups, tags
from tests.fakes.network.rows import chosen, invalid, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.network.subnets import AUTOMATIC
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

_CHANGEABLE = (
    *("name", "description", "admin_state_up", "device_id", "device_owner", "security_groups", "fixed_ips"),
    *("allowed_address_pairs", "port_security_enabled", "binding:host_id", "binding:vnic_type"),
    *("mac_address", "extra_dhcp_opts"),
)
_SETTABLE = ("network_id", "project_id", "tenant_id", "tags")
_HARDWARE = ("numa_affinity_policy", "device_profile")


def known_fields(network: "Network") -> tuple[str, ...]:
    """Return the fields of ports that this Neutron lets change."""
    missing = {"extra_dhcp_opts"} & {name.replace("-", "_") + "s" for name in network.lacks}
    known = [name for name in _CHANGEABLE if name not in missing]
    more = [*(["dns_name"] if network.has_dns else ()), *(_HARDWARE if network.has_hardware else ())]
    return (*known, *more, *qos_policies.fields(network))


def create(network: "Network", call: Call) -> Response:
    """Make a port."""
    wanted = require_known(call.body("port"), (*known_fields(network), *_SETTABLE), "port")
    home = networks.find(network, call, wanted.get("network_id", ""))
    item = make(network, home, networks.owner(call, wanted), wanted)
    return Response.of_json({"port": _shown(network, item)}, 201)


def make(network: "Network", home: Document, project_id: str, wanted: Document) -> Document:
    """Make a port on a network."""
    mac = wanted.get("mac_address") or _mac(network, home)
    _require_own_mac(network, home, mac)
    item: Document = {
        "id": new_id(),
        "name": wanted.get("name", ""),
        "description": wanted.get("description", ""),
        "network_id": home["id"],
        "project_id": project_id,
        "tenant_id": project_id,
        "mac_address": mac,
        "admin_state_up": wanted.get("admin_state_up", True),
        "status": "ACTIVE" if wanted.get("device_id") else "DOWN",
        "device_id": wanted.get("device_id", ""),
        "device_owner": wanted.get("device_owner", ""),
        "allowed_address_pairs": _pairs(wanted.get("allowed_address_pairs", []), mac),
        "port_security_enabled": _is_secure(home, wanted),
        "ip_allocation": "none" if wanted.get("fixed_ips") == [] else "immediate",
        "binding:host_id": wanted.get("binding:host_id", ""),
        "binding:vnic_type": wanted.get("binding:vnic_type", "normal"),
        **{name: wanted.get(name) for name in _HARDWARE if network.has_hardware},
        **tags.of_new(network),
        **network.times(),
    }
    if "extra_dhcp_opts" in known_fields(network):
        item["extra_dhcp_opts"] = _options([], wanted.get("extra_dhcp_opts", []))
    if network.has_dns:
        item["dns_name"] = _dns_name(wanted)
    qos_policies.put_on(network, item, wanted)
    groups = wanted.get("security_groups")
    if groups is None and item["port_security_enabled"]:
        groups = [security_groups.ensure_default(network, project_id)["id"]]
    item["security_groups"] = list(groups or ())
    require_sense(network, item)
    item["fixed_ips"] = _addresses(network, home, wanted.get("fixed_ips"), mac)
    network.ports[item["id"]] = item
    return item


def _is_secure(home: Document, wanted: Document) -> bool:
    """Say whether a new port has port security, which those that Neutron itself needs never have."""
    if wanted.get("device_owner", "").startswith("network:"):
        return False
    return bool(wanted.get("port_security_enabled", home["port_security_enabled"]))


def _require_own_mac(network: "Network", home: Document, mac: str, port_id: str = "") -> None:
    for port in network.ports.values():
        if (port["network_id"], port["mac_address"]) == (home["id"], mac) and port["id"] != port_id:
            message = f"Unable to complete operation for network {home['id']}. "
            raise refusal(409, "MacAddressInUse", message + f"The mac address {mac} is in use.")


def require_sense(network: "Network", item: Document) -> None:
    """Refuse what contradicts itself, or names groups that are not there."""
    for group in item["security_groups"]:
        if group not in network.security_groups:
            raise not_found("security_group", group)
    if item["port_security_enabled"]:
        return
    if item["security_groups"]:
        message = "Port has security group associated. Cannot disable port security or IP address until "
        raise refusal(409, "PortSecurityPortHasSecurityGroup", message + "security group is removed.")
    if item["allowed_address_pairs"]:
        message = "Port Security must be enabled in order to have allowed address pairs on a port."
        raise refusal(409, "AddressPairAndPortSecurityRequired", message)


def _pairs(wanted: list[Document], mac: str) -> list[Document]:
    return [
        {"ip_address": pair["ip_address"], "mac_address": pair.get("mac_address", mac)} for pair in wanted
    ]


def _options(there: list[Document], wanted: list[Document]) -> list[Document]:
    """Return DHCP options with changes: what is not named stays, and what has no value goes."""
    found = {(each["opt_name"], each["ip_version"]): each["opt_value"] for each in there}
    found |= {(each["opt_name"], each.get("ip_version", 4)): each["opt_value"] for each in wanted}
    return [
        {"opt_name": name, "opt_value": value, "ip_version": version}
        for (name, version), value in found.items()
        if value is not None
    ]


def _dns_name(wanted: Document) -> str:
    name = str(wanted.get("dns_name", ""))
    if name.strip("-") != name:
        raise invalid(f"'{name}' not a valid PQDN or FQDN.")
    return name


def _shown(network: "Network", item: Document) -> Document:
    """Return a port as it is shown."""
    if "dns_name" not in item:
        return item
    assigned = [
        {
            "hostname": item["dns_name"] or f"host-{fixed['ip_address'].replace('.', '-').replace(':', '-')}",
            "ip_address": fixed["ip_address"],
            "fqdn": f"{item['dns_name']}.openstacklocal.",
        }
        for fixed in item["fixed_ips"]
    ]
    return item | {"dns_assignment": assigned}


def _mac(network: "Network", home: Document) -> str:
    taken = {port["mac_address"] for port in network.ports.values() if port["network_id"] == home["id"]}
    while True:
        tail = [random.randrange(256) for _ in range(3)]  # noqa: S311  # no secret
        mac = "fa:16:3e:" + ":".join(f"{each:02x}" for each in tail)
        if mac not in taken:
            return mac


def _addresses(
    network: "Network",
    home: Document,
    wanted: list[Document] | None,
    mac: str,
    kept: Sequence[Document] = (),
) -> list[Document]:
    """Return the addresses of a port: those that are asked for, or one of each version; and those that hosts
    make themselves.

    :param kept: what the port has already.
    """
    subnets = [network.subnets[each] for each in home["subnets"]]
    automatic = [subnet for subnet in subnets if subnet["ipv6_address_mode"] in AUTOMATIC]
    own = [{"subnet_id": subnet["id"], "ip_address": automatic_address(subnet, mac)} for subnet in automatic]
    if wanted is None:
        found = [
            _next(network, home, [s for s in subnets if s["ip_version"] == version]) for version in (4, 6)
        ]
        return [*(each for each in found if each is not None), *own]
    ids = {subnet["id"] for subnet in automatic}
    asked = [
        _asked(network, home, subnets, each, mac, kept)
        for each in wanted
        if each.get("subnet_id") not in ids or "ip_address" in each
    ]
    # Whoever names one of those is given it a second time, which is refused.
    for each in asked:
        if each in own and each not in kept:
            raise _taken(each["ip_address"], each["subnet_id"])
    return [*(each for each in asked if each not in own), *own]


def automatic_address(subnet: Document, mac: str) -> str:
    """Return the address that a host makes itself, of its MAC address (modified EUI-64)."""
    octets = bytes(int(each, 16) for each in mac.split(":"))
    host = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(ipaddress.ip_network(subnet["cidr"])[int.from_bytes(host, "big")])


def _taken(address: str, subnet_id: str) -> Refusal:
    message = f"IP address {address} already allocated in subnet {subnet_id}"
    return refusal(409, "IpAddressAlreadyAllocated", message)


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


def _asked(  # noqa: PLR0917  # all of them are one request's
    network: "Network",
    home: Document,
    subnets: list[Document],
    wanted: Document,
    mac: str,
    kept: Sequence[Document],
) -> Document:
    address, subnet_id = wanted.get("ip_address"), wanted.get("subnet_id")
    named = [each for each in subnets if each["id"] == subnet_id]
    if subnet_id is not None and not named:
        raise invalid(f"Failed to create port on network {home['id']}, because fixed_ips is invalid")
    if address is None:
        found = next((each for each in kept if each["subnet_id"] == subnet_id), None)
        found = found or _next(network, home, named)
        if found is None:
            raise not_found("subnet", str(subnet_id))
        return found
    subnet = next((each for each in named or subnets if network.contains(each, address)), None)
    if subnet is None and named:
        raise refusal(
            400, "InvalidIpForSubnet", f"IP address {address} is not a valid IP for the specified subnet."
        )
    if subnet is None:
        message = f"IP address {address} is not a valid IP for any of the subnets on the specified network."
        raise refusal(400, "InvalidIpForNetwork", message)
    found = {"subnet_id": subnet["id"], "ip_address": address}
    if subnet["ipv6_address_mode"] in AUTOMATIC and automatic_address(subnet, mac) != address:
        message = f"IPv6 address {address} can not be directly assigned to a port on subnet {subnet['id']} "
        message += "since the subnet is configured for automatic addresses"
        raise refusal(400, "AllocationOnAutoAddressSubnet", message)
    if found not in kept and address in network.addresses_in_use(subnet):
        raise _taken(address, subnet["id"])
    return found


def _find(network: "Network", call: Call, identifier: str) -> Document:
    item = network.ports.get(identifier)
    if item is None or not call.sees(item["project_id"]):
        raise not_found("port", identifier)
    return item


def index(network: "Network", call: Call) -> Document:
    """List ports."""
    items = [_shown(network, item) for item in network.ports.values() if call.sees(item["project_id"])]
    return page(call, "ports", chosen(call, items))


def show(network: "Network", call: Call) -> Document:
    """Show a port."""
    return {"port": shown(call, _shown(network, _find(network, call, call.arguments["id"])))}


def update(network: "Network", call: Call) -> Document:
    """Change a port."""
    item = _find(network, call, call.arguments["id"])
    wanted = require_known(call.body("port"), known_fields(network), "port")
    home = network.networks[item["network_id"]]
    changed = {**item, **wanted}
    if changed["binding:host_id"] != item["binding:host_id"]:
        changed["status"] = "ACTIVE" if changed["binding:host_id"] else "DOWN"
    mac = changed["mac_address"]
    _require_own_mac(network, home, mac, item["id"])
    if "extra_dhcp_opts" in wanted:
        changed["extra_dhcp_opts"] = _options(item["extra_dhcp_opts"], wanted["extra_dhcp_opts"])
    if "dns_name" in wanted:
        changed["dns_name"] = _dns_name(wanted)
    changed["allowed_address_pairs"] = _pairs(changed["allowed_address_pairs"], mac)
    require_sense(network, changed)
    if "fixed_ips" in wanted:
        changed["fixed_ips"] = _addresses(network, home, wanted["fixed_ips"], mac, item["fixed_ips"])
    qos_policies.put_on(network, changed, wanted)
    item.update(changed)
    return {"port": _shown(network, item)}


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
)
