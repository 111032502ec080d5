"""Addresses that users ask for: each is its site's before a server there gets it.

A site's Neutron takes any address of a subnet that a request names, also one that is not in the site's pools.
So it is the top that says no. What is in a block of the site's may be asked for there; what is nobody's
becomes a block of one address; what is anything else is in use.

Such a block stays the site's when its server is gone, or was never made: another request of that site may
have found the address there meanwhile. The site hands it out from then on, if it is in the top's own pools;
and it comes back as others do (`tricircle.realise.returns`), but not while a boot names it.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from tricircle.errors import BadRequest
from tricircle.realise.definition import DefinitionState, Known
from tricircle.realise.kinds.subnet import hands_out
from tricircle.realise.store import DefinitionStore
from tricircle.realise.top_definitions import TopDefinitions
from tricircle.realise.top_network import TopNetwork
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site


class AddressTaken(BadRequest):
    """A port has an address, or another site, which may give it to a server."""


class FixedAddresses:
    """Reserves them."""

    def __init__(self, store: DefinitionStore, top: TopNetwork, definitions: TopDefinitions) -> None:
        self._store = store
        self._top = top
        self._definitions = definitions

    def reserve(self, network: Known, address: str, site: Site, *, request_id: str | None = None) -> None:
        """See that an address is a site's. What is none at all is left for the site to refuse.

        :param network: one that the site has.
        :raises AddressTaken: it is not, and cannot become so.
        :raises BadRequest: it is none that a port of the network may have.
        :raises TricircleError: as `ServiceCalls.call` does, of the top.
        """
        try:
            asked = ip_address(address)
        except ValueError:
            return
        key = network.definition.key
        # Both in Nova's own words.
        invalid = f"Invalid input received: Fixed IP {address} is not a valid ip address for network {key}."
        subnet = self._subnet(network, asked)
        if subnet is None:
            raise BadRequest(invalid, site=site.name)
        body = subnet.definition.body
        if not hands_out(body) or self._is_of(subnet, asked, site, request_id):
            return
        wanted = {
            "subnet_id": body["id"],
            "site": site.name,
            "start": str(asked),
            "size": 1,
            "project_id": body["project_id"],
        }
        try:
            self._top.make("address_block", wanted, request_id=request_id)
        except SiteRefused as error:
            if error.site_status == 400:
                raise BadRequest(invalid, site=site.name) from error
            if error.site_status != 409:
                raise
            if not self._is_of(subnet, asked, site, request_id):
                raise AddressTaken(f"Fixed IP {address} is already in use.", site=site.name) from error
        else:
            self._definitions.realise_later(subnet.definition, site, request_id)

    def _subnet(self, network: Known, asked: IPv4Address | IPv6Address) -> Known | None:
        keys = [("subnet", key) for key in network.definition.body["subnets"]]
        for known in self._store.several(keys):
            definition = known.definition
            if definition.state is DefinitionState.ACTIVE and asked in ip_network(definition.body["cidr"]):
                return known
        return None

    def _is_of(
        self, subnet: Known, asked: IPv4Address | IPv6Address, site: Site, request_id: str | None
    ) -> bool:
        """Say whether an address is in a block that a site keeps; the top is asked, as blocks come back."""
        subnet_id = subnet.definition.key
        blocks = self._top.list("address_block", request_id=request_id, subnet_id=subnet_id, site=site.name)
        number = int(asked)
        return any(
            int(ip_address(block["start"])) <= number <= int(ip_address(block["end"]))
            for block in blocks
            if not block["returning"]
        )
