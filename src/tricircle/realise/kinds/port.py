"""Ports that somebody made at the top first: one is in the site whose server takes it, with its addresses.

Those that a site makes for its servers are none of these: they have the same id at the top, which adopts
them.

Source: Networking API v2.0 reference, "Ports".
"""

from collections.abc import Iterable

from tricircle.realise.definition import Body
from tricircle.realise.kinds.kind import IdOf
from tricircle.realise.kinds.neutron import Item, NeutronKind


class Port(NeutronKind):
    """A port."""

    name = "port"
    collection = "ports"
    not_found = "Port {name} could not be found."
    fixed = frozenset({"project_id", "network_id"})
    changeable = (
        *("name", "admin_state_up", "fixed_ips", "security_groups", "allowed_address_pairs"),
        *("port_security_enabled", "mac_address"),
    )

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        addresses = [(fixed["subnet_id"], fixed["ip_address"]) for fixed in item["fixed_ips"]]
        pairs = [
            {"ip_address": pair["ip_address"], "mac_address": pair.get("mac_address") or item["mac_address"]}
            for pair in item.get("allowed_address_pairs") or ()
        ]
        return {
            "name": item["name"],
            "network_id": item["network_id"],
            "mac_address": item["mac_address"],
            "admin_state_up": item["admin_state_up"],
            "fixed_ips": _fixed_ips(addresses),
            "security_groups": sorted(item["security_groups"]),
            "allowed_address_pairs": sorted(
                pairs, key=lambda pair: (pair["ip_address"], pair["mac_address"])
            ),
            "port_security_enabled": item.get("port_security_enabled", True),
        }

    def needs(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return its network and its groups."""
        return [
            ("network", body["network_id"]),
            *(("security_group", each) for each in body["security_groups"]),
        ]

    def in_site(self, body: Body, id_of: IdOf) -> Body:
        """Return a body with network, subnets and groups as the site names them."""
        addresses = [
            (subnet_id, fixed["ip_address"])
            for fixed in body["fixed_ips"]
            if (subnet_id := id_of("subnet", fixed["subnet_id"])) is not None
        ]
        groups = (id_of("security_group", each) for each in body["security_groups"])
        return super().in_site(body, id_of) | {
            "network_id": id_of("network", body["network_id"]),
            "fixed_ips": _fixed_ips(addresses),
            "security_groups": sorted(each for each in groups if each is not None),
        }

    def first(self, body: Body) -> Item:
        """Return what a new one is made with."""
        names = ["network_id", "mac_address", "admin_state_up", "fixed_ips", "port_security_enabled"]
        if body["port_security_enabled"]:  # else Neutron refuses the other two
            names += ["security_groups", "allowed_address_pairs"]
        return {name: body[name] for name in names}


def _fixed_ips(addresses: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"subnet_id": subnet_id, "ip_address": address} for subnet_id, address in sorted(addresses)]
