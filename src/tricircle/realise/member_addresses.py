"""The addresses that members of a security group have in other sites, as the top's ports tell.

As in Neutron a member has the addresses of its port, and those of its allowed address pairs. A port is in a
site when it bears the site's node as its host: one that was made at the top first does so from the moment at
which a server has it.
"""

import ipaddress
from collections.abc import Iterator

from tricircle.realise.definition import Body
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.site import Site

_FIELDS = ("binding:host_id", "fixed_ips", "allowed_address_pairs")


class MemberAddresses:
    """Reads them at the top."""

    def __init__(self, top: TopNetwork, registry: SiteRegistry) -> None:
        self._top = top
        self._registry = registry

    def elsewhere(self, group_id: str, site: Site) -> list[str]:
        """Return the addresses of the members that are in other sites than one, as CIDRs, in order.

        :raises TricircleError: as `ServiceCalls.call` does, of the top.
        """
        node = self._registry.snapshot.node_name(site)
        ports = self._top.walk("port", _FIELDS, security_groups=group_id)
        found = {
            each for port in ports if port["binding:host_id"] not in {"", node} for each in _addresses(port)
        }
        return sorted(found)

    def own(self, body: Body, site: Site) -> Body:
        """Return what a site has of its own of `remote_members`."""
        return {"addresses": self.elsewhere(body["id"], site)}


def _addresses(port: Item) -> Iterator[str]:
    for each in (*port["fixed_ips"], *(port.get("allowed_address_pairs") or ())):
        # A pair may be of many addresses, written as that of one of them.
        yield str(ipaddress.ip_network(each["ip_address"], strict=False))
