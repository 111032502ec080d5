"""Subnets. A site's hands out the addresses that the top has delegated to the site, and no others.

Source: Networking API v2.0 reference, "Subnets".
"""

from ipaddress import ip_network

from tricircle.realise.address_runs import merged, size_of
from tricircle.realise.definition import Body, Found
from tricircle.realise.kinds.neutron import Item, NeutronKind, tags_of

AUTOMATIC = frozenset({"slaac", "dhcpv6-stateless"})
"""Address modes in which servers make their own addresses, of the MAC: nobody hands them out."""


def hands_out(subnet: Item) -> bool:
    """Say whether addresses of a subnet are handed out."""
    return subnet.get("ipv6_address_mode") not in AUTOMATIC


def addresses_of(subnet: Item) -> int:
    """Return how many addresses of a subnet the top may give to whoever names none.

    :param subnet: as the top's Neutron shows it, or its definition's body; one that was written by an earlier
        version does not tell.
    """
    if "allocation_pools" in subnet:
        return size_of(subnet["allocation_pools"])
    if "addresses" in subnet:
        return int(subnet["addresses"])
    network = ip_network(subnet["cidr"])
    # Neutron hands out neither the first nor, of IPv4, the last address.
    return max(1, network.num_addresses - (2 if network.version == 4 else 1))


class Subnet(NeutronKind):
    """A subnet."""

    name = "subnet"
    collection = "subnets"
    not_found = "Subnet {name} could not be found."
    fixed = frozenset({"project_id", "network_id", "cidr", "ip_version", "ipv6_address_mode", "ipv6_ra_mode"})
    changeable = (
        *("name", "gateway_ip", "enable_dhcp", "dns_nameservers", "host_routes"),
        "allocation_pools",
    )
    knowledge = frozenset({"addresses"})
    references = {"network_id": "network"}  # noqa: RUF012  # read only, as its type says

    def read(self, item: Item) -> Body:
        """Return what must be the same; and, of a site's, the pools, which are the site's own."""
        return {
            "name": item["name"],
            "network_id": item["network_id"],
            "cidr": item["cidr"],
            "ip_version": item["ip_version"],
            "gateway_ip": item["gateway_ip"],
            "enable_dhcp": item["enable_dhcp"],
            "dns_nameservers": item["dns_nameservers"],
            "host_routes": sorted(
                item["host_routes"], key=lambda route: (route["destination"], route["nexthop"])
            ),
            "ipv6_address_mode": item.get("ipv6_address_mode"),
            "ipv6_ra_mode": item.get("ipv6_ra_mode"),
            "allocation_pools": merged(item["allocation_pools"]),
            "tags": tags_of(item),
        }

    def define(self, item: Item) -> Body:
        """Return the definition's body of a subnet of the top.

        Where its own pools lie concerns no site; how large they are says in which portions sites get any.
        """
        body = {name: value for name, value in super().define(item).items() if name != "allocation_pools"}
        return {**body, "addresses": addresses_of(item)}

    def first(self, body: Body) -> Item:
        """Return what a new one is made with."""
        names = [*self.changeable, "network_id", "cidr", "ip_version"]
        # Neutron takes these for IPv6 only.
        names += [name for name in ("ipv6_address_mode", "ipv6_ra_mode") if body[name] is not None]
        return {name: body[name] for name in names if name in body}

    def made(self, item: Item, body: Body) -> Found | None:
        """Return what was made: there is only one, as two of the same addresses do not go together."""
        return self.found(item, body["id"], [])
