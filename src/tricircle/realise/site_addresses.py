"""Which ports a site has on a network, and which addresses these have.

Source: Networking API v2.0 reference, "List ports".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tricircle.errors import BadAnswer
from tricircle.realise.port_list import list_ports
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site


@dataclass(frozen=True, slots=True)
class PortsThere:
    """The ports of a network in a site.

    :param devices: what has them; and whose these are.
    :param addresses: by the site's ids of subnets.
    """

    devices: set[str]
    owners: set[str]
    addresses: Mapping[str, set[str]]

    @classmethod
    def of(cls, ports: Iterable[Mapping[str, Any]]) -> "PortsThere":
        """Understand ports as Neutron shows them."""
        devices: set[str] = set()
        owners: set[str] = set()
        addresses: dict[str, set[str]] = {}
        for port in ports:
            devices.add(port["device_id"])
            owners.add(port["device_owner"])
            for fixed in port["fixed_ips"]:
                addresses.setdefault(fixed["subnet_id"], set()).add(fixed["ip_address"])
        return cls(devices, owners, addresses)


def ports_there(calls: ServiceCalls, site: Site, network_id: str) -> PortsThere:
    """Return all ports that a site has on a network.

    :param network_id: the site's.
    :raises TricircleError: as `ServiceCalls.call` does; and BadAnswer where the list makes no sense.
    """
    fields = [("fields", name) for name in ("id", "device_id", "device_owner", "fixed_ips")]
    found = list_ports(calls, site, "/v2.0/ports", "ports", [("network_id", network_id), *fields])
    try:
        return PortsThere.of(found)
    except (KeyError, TypeError) as error:
        raise BadAnswer(f"Site {site.name} gave no list of ports.", site=site.name) from error
