"""Networks."""

from typing import TYPE_CHECKING

from tests.fakes.network import qos_policies, rbac_policies, segments, tags
from tests.fakes.network.rows import chosen, invalid, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

_SETTABLE = (
    *("name", "description", "admin_state_up", "shared", "project_id", "tenant_id", "mtu"),
    *("port_security_enabled", "availability_zone_hints", "router:external"),
    *(*segments.FIELDS, "segments"),
)
_SAID_BY_POLICIES = {"shared": rbac_policies.SHARED, "router:external": rbac_policies.EXTERNAL}
_NEUTRONS_OWN = ("network:dhcp", "network:distributed")


def known_fields(network: "Network") -> tuple[str, ...]:
    """Return the fields that this Neutron knows."""
    more = [*(["dns_domain"] if network.has_dns else ()), *qos_policies.fields(network)]
    return (*_SETTABLE, *more)


def create(network: "Network", call: Call) -> Response:
    """Make a network."""
    wanted = require_known(call.body("network"), known_fields(network), "network")
    project_id = owner(call, wanted)
    _check_mtu(network, wanted)
    item: Document = {
        "id": new_id(),
        "name": wanted.get("name", ""),
        "description": wanted.get("description", ""),
        "project_id": project_id,
        "tenant_id": project_id,
        "admin_state_up": wanted.get("admin_state_up", True),
        "status": "ACTIVE",
        "mtu": wanted.get("mtu", network.mtu),
        "port_security_enabled": wanted.get("port_security_enabled", True),
        "availability_zone_hints": wanted.get("availability_zone_hints", []),
        "availability_zones": [],
        "subnets": [],
        **tags.of_new(network),
        **network.times(),
    }
    if network.has_dns:
        item["dns_domain"] = wanted.get("dns_domain", "")
    item |= segments.of_new(network, call, wanted)
    qos_policies.put_on(network, item, wanted)
    network.networks[item["id"]] = item
    _share(network, call, item, wanted)
    return Response.of_json({"network": _seen(network, call, item)}, 201)


def _share(network: "Network", call: Call, item: Document, wanted: Document) -> None:
    """Make policies for everybody, or drop them, as the fields `shared` and `router:external` say."""
    for name, action in _SAID_BY_POLICIES.items():
        if name not in wanted:
            continue
        if not call.admin:
            raise Refusal(403, f"rule:create_network:{name} is disallowed by policy")
        policies = [
            policy
            for policy in network.rbac_policies.values()
            if (policy["object_id"], policy["action"]) == (item["id"], action)
            and (policy["target_tenant"] == "*" or action == rbac_policies.EXTERNAL)
        ]
        if wanted[name] and not policies:
            rbac_policies.make(network, item["id"], item["project_id"], "*", action=action)
        if not wanted[name]:
            for policy in policies:
                del network.rbac_policies[policy["id"]]


def _seen(network: "Network", call: Call, item: Document) -> Document:
    said = {
        "shared": network.is_shared(item["id"], call.token.project_id),
        "router:external": network.is_external(item["id"]),
    }
    return segments.shown_to(call, item) | said


def owner(call: Call, wanted: Document) -> str:
    """Return whose a new resource is; only an administrator makes things for others."""
    asked = wanted.get("project_id", wanted.get("tenant_id", call.token.project_id))
    if asked != call.token.project_id and not call.admin:
        raise refusal(400, "HTTPBadRequest", "Specifying 'project_id' or 'tenant_id' other than the own.")
    return str(asked)


def _check_mtu(network: "Network", wanted: Document) -> None:
    if wanted.get("mtu", 0) > network.mtu:
        raise invalid(f"Requested MTU is too big, maximum is {network.mtu}")


def index(network: "Network", call: Call) -> Document:
    """List networks."""
    items = [_seen(network, call, item) for item in network.networks.values() if sees(network, call, item)]
    return page(call, "networks", chosen(call, items))


def sees(network: "Network", call: Call, item: Document) -> bool:
    """Say whether a network exists for the caller."""
    project_id = call.token.project_id
    external_to = rbac_policies.targets(network, item["id"], rbac_policies.EXTERNAL)
    is_for_them = network.is_shared(item["id"], project_id) or bool({"*", project_id} & external_to)
    return call.sees(item["project_id"]) or is_for_them


def find(network: "Network", call: Call, identifier: str) -> Document:
    """Return a network that the caller may see."""
    item = network.networks.get(identifier)
    if item is None or not sees(network, call, item):
        raise not_found("network", identifier)
    return item


def show(network: "Network", call: Call) -> Document:
    """Show a network."""
    return {"network": shown(call, _seen(network, call, find(network, call, call.arguments["id"])))}


def update(network: "Network", call: Call) -> Document:
    """Change a network."""
    item = find(network, call, call.arguments["id"])
    known = set(known_fields(network)) - {"project_id", "tenant_id", "availability_zone_hints"}
    wanted = require_known(call.body("network"), known, "network")
    segments.require_unchanged(call, wanted)
    if not call.sees(item["project_id"]):
        raise Refusal(403, "Policy doesn't allow update_network to be performed.")
    _check_mtu(network, wanted)
    _share(network, call, item, wanted)
    qos_policies.put_on(network, item, wanted)
    item.update({name: value for name, value in wanted.items() if name not in _SAID_BY_POLICIES})
    item["updated_at"] = network.times()["updated_at"]
    return {"network": _seen(network, call, item)}


def delete(network: "Network", call: Call) -> Response:
    """Delete a network with its subnets; not while it is in use."""
    item = find(network, call, call.arguments["id"])
    if not call.sees(item["project_id"]):
        raise not_found("network", item["id"])
    ports = [port for port in network.ports.values() if port["network_id"] == item["id"]]
    if any(port["device_owner"] not in _NEUTRONS_OWN for port in ports):
        message = f"Unable to complete operation on network {item['id']}. "
        raise refusal(
            409, "NetworkInUse", message + "There are one or more ports still in use on the network."
        )
    for port in ports:
        del network.ports[port["id"]]
    for subnet_id in item["subnets"]:
        del network.subnets[subnet_id]
    for policy_id, policy in list(network.rbac_policies.items()):
        if policy["object_id"] == item["id"]:
            del network.rbac_policies[policy_id]
    del network.networks[item["id"]]
    return Response(204)


def availability(network: "Network", call: Call) -> Document:
    """Say how many addresses are in use."""
    item = find(network, call, call.arguments["id"])
    subnets = [network.subnets[each] for each in item["subnets"]]
    entries = [
        {
            "subnet_id": subnet["id"],
            "subnet_name": subnet["name"],
            "cidr": subnet["cidr"],
            "ip_version": subnet["ip_version"],
            "total_ips": network.pool_size(subnet),
            "used_ips": len(network.addresses_in_use(subnet)),
        }
        for subnet in subnets
    ]
    return {
        "network_ip_availability": {
            "network_id": item["id"],
            "network_name": item["name"],
            "project_id": item["project_id"],
            "tenant_id": item["project_id"],
            "total_ips": sum(int(str(entry["total_ips"])) for entry in entries),
            "used_ips": sum(int(str(entry["used_ips"])) for entry in entries),
            "subnet_ip_availability": entries,
        }
    }


ROUTES: tuple[Route, ...] = (
    ("GET", "/networks", index),
    ("POST", "/networks", create),
    ("GET", "/networks/{id}", show),
    ("PUT", "/networks/{id}", update),
    ("DELETE", "/networks/{id}", delete),
    ("GET", "/network-ip-availabilities/{id}", availability),
)
