"""A top's Neutron that changes adopted ports and adopts several at once, as our plugin does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from tests.fakes.cloud import REGION, Cloud
from tests.fakes.network import TopNetwork, top
from tests.fakes.network.rows import not_found, refusal
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Route

_CHANGEABLE = frozenset(
    {
        *("fixed_ips", "binding:host_id", "device_id", "device_owner", "name", "admin_state_up"),
        *("security_groups", "status", "allowed_address_pairs", "port_security_enabled", "tags"),
    }
)


def adopt(network: "AdoptingTop", call: Call) -> Response:
    """Adopt a port, or several, or none of them."""
    body = call.request.json()
    wanted = body.get("adopted_ports") or [body["adopted_port"]]
    for item in wanted:
        _require_free(network, item)
    for item in wanted:
        port = top.as_port(network, item)
        network.adopted[item["id"]] = {name: port.get(name) for name in top._ADOPTED}
        network.ports[item["id"]] = {name: value for name, value in port.items() if name != "site"}
    return Response.of_json(body, 201)


def _require_free(network: "AdoptingTop", item: Document) -> None:
    if item["network_id"] not in network.networks:
        raise not_found("network", item["network_id"])
    for other in network.ports.values():
        same = all(other[name] == item[name] for name in ("network_id", "mac_address"))
        if same and other["id"] != item["id"]:
            message = f"The mac address {item['mac_address']} is in use."
            raise refusal(409, "MacAddressInUse", message)


def change(network: "AdoptingTop", call: Call) -> Document:
    """Take over what has changed of a site's port."""
    identifier = call.arguments["id"]
    if identifier not in network.adopted:
        raise not_found("adopted_port", identifier)
    changes = call.body("adopted_port")
    assert changes.keys() <= _CHANGEABLE, changes
    network.ports[identifier] = top.as_port(network, {"id": identifier, **changes})
    network.adopted[identifier].update(changes)
    return {"adopted_port": network.adopted[identifier]}


@dataclass(kw_only=True)
class AdoptingTop(TopNetwork):
    """A Neutron with our plugin."""

    routes: ClassVar[Iterable[Route]] = (
        ("POST", "/adopted-ports", adopt),
        ("PUT", "/adopted-ports/{id}", change),
        *TopNetwork.routes,
    )


def give_network(cloud: Cloud) -> AdoptingTop:
    """Give a cloud's top a network service, and have each site's Nova use the site's own."""
    cloud.network = network = AdoptingTop(keystone=cloud.keystone, region=REGION)
    network.start()
    for interface in ("public", "internal", "admin"):
        cloud.keystone.add_endpoint(REGION, "network", interface, network.url)
    for site in cloud.sites.values():
        site.compute.network = site.network
    return network
