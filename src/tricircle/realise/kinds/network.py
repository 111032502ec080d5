"""Networks. One is complete in a site when its subnets are there.

Source: Networking API v2.0 reference, "Networks".
"""

from collections.abc import Iterable

from tricircle.realise.definition import Body
from tricircle.realise.kinds.neutron import Item, NeutronKind


class Network(NeutronKind):
    """A network."""

    name = "network"
    collection = "networks"
    not_found = "Network {name} could not be found."
    changeable = ("name", "admin_state_up", "port_security_enabled")
    # A site may have a smaller underlay, and need not have the extension for DNS.
    if_possible = ("mtu", "dns_domain")
    knowledge = frozenset({"subnets", "spare", "availability_zone_hints"})

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        return {
            "name": item["name"],
            "admin_state_up": item["admin_state_up"],
            "port_security_enabled": item.get("port_security_enabled", True),
            "mtu": item.get("mtu"),
            "dns_domain": item.get("dns_domain") or "",
        }

    def define(self, item: Item) -> Body:
        """Return the definition's body of a network of the top.

        :param item: with `spare` besides: how many addresses are always free in a site, None for any number.
        """
        return {
            **super().define(item),
            "subnets": sorted(item["subnets"]),
            "spare": item["spare"],
            "availability_zone_hints": sorted(item.get("availability_zone_hints") or ()),
        }

    def parts(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return its subnets."""
        return [("subnet", subnet_id) for subnet_id in body["subnets"]]

    def first(self, body: Body) -> Item:
        """Return what a new one is made with: what is as everywhere is not said, as not all sites know it."""
        first: Item = {"admin_state_up": body["admin_state_up"]}
        if not body["port_security_enabled"]:
            first["port_security_enabled"] = False
        return first
