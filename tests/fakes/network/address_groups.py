"""Address groups; and which extensions a Neutron has, as these are one."""

import ipaddress
from typing import TYPE_CHECKING, Any

from tests.fakes.network import networks
from tests.fakes.network.rows import chosen, invalid, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

ALIAS = "address-group"

_SETTABLE = ("name", "description", "project_id", "tenant_id", "addresses")


def show_extension(network: "Network", call: Call) -> Document:
    """Say that this Neutron has an extension."""
    alias = call.arguments["id"]
    if alias in network.lacks:
        raise refusal(404, "ExtensionNotFound", f"Extension with alias {alias} does not exist")
    return {"extension": {"alias": alias, "name": alias, "links": []}}


def _require_extension(network: "Network") -> None:
    if ALIAS in network.lacks:
        raise Refusal(404, "The resource could not be found.")


def create(network: "Network", call: Call) -> Response:
    """Make one."""
    _require_extension(network)
    wanted = require_known(call.body("address_group"), _SETTABLE, "address_group")
    project_id = networks.owner(call, wanted)
    item: Document = {
        "id": new_id(),
        "name": wanted.get("name", ""),
        "description": wanted.get("description", ""),
        "project_id": project_id,
        "tenant_id": project_id,
        "addresses": sorted(set(_checked(wanted.get("addresses", [])))),
        **network.times(),
    }
    network.address_groups[item["id"]] = item
    return Response.of_json({"address_group": item}, 201)


def _checked(addresses: list[Any]) -> list[str]:
    for each in addresses:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise invalid(f"'{each}' isn't a recognized IP subnet cidr") from None
        if "/" not in each:
            raise invalid(f"'{each}' isn't a recognized IP subnet cidr")
    return list(addresses)


def index(network: "Network", call: Call) -> Document:
    """List them."""
    _require_extension(network)
    items = [item for item in network.address_groups.values() if call.sees(item["project_id"])]
    return page(call, "address-groups", chosen(call, items))


def _find(network: "Network", call: Call) -> Document:
    _require_extension(network)
    item = network.address_groups.get(call.arguments["id"])
    if item is None or not call.sees(item["project_id"]):
        raise not_found("address_group", call.arguments["id"])
    return item


def show(network: "Network", call: Call) -> Document:
    """Show one."""
    return {"address_group": shown(call, _find(network, call))}


def update(network: "Network", call: Call) -> Document:
    """Rename or describe one."""
    item = _find(network, call)
    item.update(require_known(call.body("address_group"), ("name", "description"), "address_group"))
    return {"address_group": item}


def add(network: "Network", call: Call) -> Document:
    """Add addresses: all, or none where one is there already."""
    item = _find(network, call)
    wanted = _checked(call.body("addresses"))
    there = sorted(set(wanted) & set(item["addresses"]))
    if there:
        message = f"Addresses {there} already exist in the address group {item['id']}."
        raise refusal(400, "AddressesAlreadyExist", message)
    item["addresses"] = sorted({*item["addresses"], *wanted})
    return {"address_group": item}


def remove(network: "Network", call: Call) -> Document:
    """Remove addresses: all, or none where one is not there."""
    item = _find(network, call)
    wanted = _checked(call.body("addresses"))
    missing = sorted(set(wanted) - set(item["addresses"]))
    if missing:
        message = f"Addresses {missing} not found in the address group {item['id']}."
        raise refusal(404, "AddressesNotFound", message)
    item["addresses"] = sorted(set(item["addresses"]) - set(wanted))
    return {"address_group": item}


def delete(network: "Network", call: Call) -> Response:
    """Delete one, unless a rule names it."""
    item = _find(network, call)
    rules = [rule for group in network.security_groups.values() for rule in group["security_group_rules"]]
    if any(rule["remote_address_group_id"] == item["id"] for rule in rules):
        message = f"Address group {item['id']} is in use on one or more security group rules."
        raise refusal(409, "AddressGroupInUse", message)
    del network.address_groups[item["id"]]
    return Response(204)


ROUTES: tuple[Route, ...] = (
    ("GET", "/extensions/{id}", show_extension),
    ("GET", "/address-groups", index),
    ("POST", "/address-groups", create),
    ("GET", "/address-groups/{id}", show),
    ("PUT", "/address-groups/{id}", update),
    ("PUT", "/address-groups/{id}/add_addresses", add),
    ("PUT", "/address-groups/{id}/remove_addresses", remove),
    ("DELETE", "/address-groups/{id}", delete),
)
