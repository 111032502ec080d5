"""Ports that somebody made at the top first: one is in the site whose server takes it, with its addresses.

Those that a site makes for its servers are none of these: they have the same id at the top, which adopts
them.

Source: Networking API v2.0 reference, "Ports". That a new port is not to name the addresses that hosts make
of their MAC: Neutron gives it these by itself, and refuses to give them twice. That DHCP options which are
not named stay as they are: Neutron, `_update_extra_dhcp_opts_on_port`.
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

from tricircle.errors import Conflict
from tricircle.realise.definition import Body, Found, Known
from tricircle.realise.kinds.kind import IdOf
from tricircle.realise.kinds.neutron import Item, NeutronKind, tags_of
from tricircle.realise.site_view import SiteView
from tricircle.sites.site import Site

OPTIONS = "extra_dhcp_opts"


_HARDWARE = ("binding:vnic_type", "numa_affinity_policy", "device_profile")
"""What Nova reads of a port to find a host, and something there to plug it into."""

_USUAL = (None, "", "normal")

_WITHOUT_ADDRESS = frozenset({"none", "deferred"})
"""What Neutron says of a port that is to have no address, or none yet: `ip_allocation`."""


class Port(NeutronKind):
    """A port."""

    name = "port"
    collection = "ports"
    not_found = "Port {name} could not be found."
    fixed = frozenset({"project_id", "network_id"})
    changeable = (
        *("name", "admin_state_up", "fixed_ips", "security_groups", "allowed_address_pairs"),
        *("port_security_enabled", "mac_address", "qos_policy_id"),
    )
    where_had = (OPTIONS, "dns_name", *_HARDWARE, "tags")
    references = {"qos_policy_id": "qos_policy"}  # noqa: RUF012  # read only, as its type says

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        addresses = [(fixed["subnet_id"], fixed["ip_address"]) for fixed in item["fixed_ips"]]
        return {
            "name": item["name"],
            "network_id": item["network_id"],
            "mac_address": item["mac_address"],
            "admin_state_up": item["admin_state_up"],
            "fixed_ips": _fixed_ips(addresses),
            "security_groups": sorted(item["security_groups"]),
            "allowed_address_pairs": sorted_pairs(
                item.get("allowed_address_pairs") or (), item["mac_address"]
            ),
            "port_security_enabled": item.get("port_security_enabled", True),
            OPTIONS: sorted_options(item[OPTIONS]) if OPTIONS in item else None,
            "dns_name": item.get("dns_name"),
            "qos_policy_id": item.get("qos_policy_id"),
            **{name: item[name] or "" for name in _HARDWARE if name in item},
            "tags": tags_of(item),
        }

    def define(self, item: Item) -> Body:
        """Return the definition's body; a port without a name for DNS gets one of its site's Nova."""
        return {**super().define(item), "dns_name": item.get("dns_name") or None}

    def following(self, body: Body, before: Known | None) -> Body:
        """Return a body that takes back a name for DNS, until every site has done so."""
        if before is None:
            return body
        was = before.definition.body.get("dns_name")
        is_back = was == "" and all(before.in_step(site_id) for site_id in before.realisations)
        return body if body["dns_name"] or was is None or is_back else {**body, "dns_name": ""}

    def needs(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return its network and subnets, its groups and its QoS policy."""
        return [
            *super().needs(body),
            ("network", body["network_id"]),
            *(("subnet", fixed["subnet_id"]) for fixed in body["fixed_ips"]),
            *(("security_group", each) for each in body["security_groups"]),
        ]

    def in_site(self, body: Body, id_of: IdOf) -> Body:
        """Return a body with network, subnets and groups as the site names them."""
        addresses = [(id_of("subnet", each["subnet_id"]), each["ip_address"]) for each in body["fixed_ips"]]
        groups = (id_of("security_group", each) for each in body["security_groups"])
        return super().in_site(body, id_of) | {
            "network_id": id_of("network", body["network_id"]),
            "fixed_ips": _fixed_ips(addresses),
            "security_groups": sorted(each for each in groups if each is not None),
        }

    def make(self, view: SiteView, body: Body) -> Found | None:
        """Make it, with all its addresses."""
        _require_subnets(view.site, body)
        return super().make(view, body)

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change what differs, with all its addresses."""
        _require_subnets(view.site, body)
        super().change(view, shown, body)

    def first(self, body: Body) -> Item:
        """Return what a new one is made with."""
        names = ["network_id", "mac_address", "admin_state_up", "fixed_ips", "port_security_enabled"]
        if body["port_security_enabled"]:  # else Neutron refuses the other two
            names += ["security_groups", "allowed_address_pairs"]
        first = {name: body[name] for name in names}
        first["fixed_ips"] = [
            each for each in body["fixed_ips"] if not is_automatic(each["ip_address"], body["mac_address"])
        ]
        if body.get("qos_policy_id") is not None:
            first["qos_policy_id"] = body["qos_policy_id"]
        return first | {name: body[name] for name in _HARDWARE if body.get(name) not in _USUAL}

    def set_field(self, view: SiteView, shown: Found, field: str, value: Any) -> bool:
        """Change one field; say whether the site took it."""
        if field == OPTIONS:
            value = option_changes(shown.body[OPTIONS], value)
        return super().set_field(view, shown, field, None if field in _HARDWARE and not value else value)


def is_automatic(address: str, mac: str) -> bool:
    """Say whether an address is the one that a host with a MAC address makes for itself (modified EUI-64)."""
    parsed = ipaddress.ip_address(address)
    octets = bytes(int(each, 16) for each in mac.split(":"))
    own = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return parsed.version == 6 and parsed.packed[8:] == own


def lacks_address(item: Item) -> bool:
    """Say whether a port of the top has no address and should have one, so that no server may take it."""
    return not item["fixed_ips"] and item.get("ip_allocation") not in _WITHOUT_ADDRESS


def _require_subnets(site: Site, body: Body) -> None:
    """Go on only where a site has the subnets of all addresses: a port without one would be as good as any.

    :raises Conflict: it lacks one.
    """
    for fixed in body["fixed_ips"]:
        if fixed["subnet_id"] is None:
            words = f"Site {site.name} has no subnet for address {fixed['ip_address']} of port {body['id']}."
            raise Conflict(words, site=site.name)


def sorted_pairs(pairs: Iterable[Item], mac: str) -> list[Item]:
    """Return address pairs in one order, each with a MAC address.

    :param mac: the port's, which a pair has that names none.
    """
    full = [
        {"ip_address": each["ip_address"], "mac_address": each.get("mac_address") or mac} for each in pairs
    ]
    return sorted(full, key=lambda pair: (pair["ip_address"], pair["mac_address"]))


def sorted_options(options: Iterable[Item]) -> list[Item]:
    """Return DHCP options in one order, each with its version of IP."""
    full = [
        {
            "opt_name": each["opt_name"],
            "opt_value": each["opt_value"],
            "ip_version": each.get("ip_version", 4),
        }
        for each in options
    ]
    return sorted(full, key=_named)


def option_changes(there: Iterable[Item], wanted: Iterable[Item]) -> list[Item]:
    """Return what to send so that DHCP options are as wanted: those that are to go have no value."""
    wanted = sorted_options(wanted)
    stay = {_named(each) for each in wanted}
    gone = [each for each in sorted_options(there) if _named(each) not in stay]
    return [*wanted, *({**each, "opt_value": None} for each in gone)]


def _named(option: Item) -> tuple[str, int]:
    return option["opt_name"], option["ip_version"]


def _fixed_ips(addresses: Iterable[tuple[str | None, str]]) -> list[dict[str, str | None]]:
    return [
        {"subnet_id": subnet_id, "ip_address": address}
        for subnet_id, address in sorted(addresses, key=lambda each: (each[0] or "", each[1]))
    ]
