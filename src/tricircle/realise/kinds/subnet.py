"""Subnets. A site's hands out the addresses that the top has delegated to the site, and no others.

Who writes which these are has looked at the site's subnet before looking what is delegated, and writes only
if nobody else has written since: else what has been given back would be handed out again. Neutron does not
count a change of allocation pools alone as a revision. So the mark changes with them, from one of its two
forms to the other.

Source: Networking API v2.0 reference, "Subnets", "Revisions".
"""

from ipaddress import ip_network

from tricircle.realise.address_runs import merged, size_of
from tricircle.realise.definition import Body, Found
from tricircle.realise.kinds.neutron import Item, NeutronKind, mark_of, tags_of

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
    is_doubled = False  # two of the same addresses do not go together
    not_found = "Subnet {name} could not be found."
    fixed = frozenset({"project_id", "network_id", "cidr", "ip_version", "ipv6_address_mode", "ipv6_ra_mode"})
    changeable = (
        *("name", "gateway_ip", "enable_dhcp", "dns_nameservers", "host_routes"),
        "allocation_pools",
    )
    where_had = ("service_types", "tags")
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
            "service_types": None if item.get("service_types") is None else sorted(item["service_types"]),
            "tags": tags_of(item),
        }

    def define(self, item: Item) -> Body:
        """Return the definition's body of a subnet of the top.

        Where its own pools lie concerns no site; how large they are says in which portions sites get any.
        """
        body = {name: value for name, value in super().define(item).items() if name != "allocation_pools"}
        return {**body, "addresses": addresses_of(item)}

    def found(self, item: Item, marked: str | None, copies: list[str]) -> Found:
        """Describe what a site has; also how it is now, for who writes pools."""
        found = super().found(item, marked, copies)
        found.body.update(revision=item.get("revision_number"), mark=item.get("description"))
        return found

    def marks(self, key: str) -> tuple[str, ...]:
        """Return both forms of the mark."""
        return mark_of(key), f"{mark_of(key)}."

    def fence(self, shown: Found, body: Body, changes: Item) -> int | None:
        """Have pools written only where nobody else has written any."""
        if "allocation_pools" not in changes:
            return None
        usual, other = self.marks(body["id"])
        changes["description"] = other if shown.body["mark"] == usual else usual
        revision: int | None = shown.body["revision"]
        return revision

    def first(self, body: Body) -> Item:
        """Return what a new one is made with."""
        names = [*self.changeable, "network_id", "cidr", "ip_version"]
        # Neutron takes these for IPv6 only.
        names += [name for name in ("ipv6_address_mode", "ipv6_ra_mode") if body[name] is not None]
        if body.get("service_types"):  # before anybody has an address of it whom it is not for
            names.append("service_types")
        return {name: body[name] for name in names if name in body}
