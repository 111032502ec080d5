"""Neutron's own IPAM, plus blocks: `ipam_driver = tricircle`.

What a block is in the database is in `blocks`; here is where Neutron asks for addresses. Derived from the
stock driver, whose behaviour holds for all addresses that are in no block.
"""

from typing import Any, NamedTuple

from neutron.common import ipv6_utils
from neutron.ipam import exceptions as ipam_exc
from neutron.ipam import requests
from neutron.ipam import utils as ipam_utils
from neutron.ipam.drivers.neutrondb_ipam import db_api as ipam_db_api
from neutron.ipam.drivers.neutrondb_ipam import driver
from neutron_lib import exceptions

from tricircle.network import adoption, blocks
from tricircle.network.db.models import AddressBlock
from tricircle.network.ranges import Run, last_run, runs_of, without


class NotDelegated(exceptions.Conflict):
    """A site cannot give back what it does not have."""

    message = "No block of the site has all of %(start)s to %(end)s of subnet %(subnet_id)s."


class Allocation(NamedTuple):
    """An address that is handed out, as the stock driver reads one."""

    ip_address: str


class Pool(NamedTuple):
    """Addresses to choose from, as the stock driver reads them."""

    first_ip: str
    last_ip: str


class AdoptedAddressRequest(requests.SpecificAddressRequest):
    """An address that a site has given to one of its ports."""

    def __init__(self, address: str, site_id: str) -> None:
        super().__init__(address)
        self.site_id = site_id


class AdoptionRequestFactory(requests.AddressRequestFactory):
    """Tells the addresses of adopted ports from those that Neutron is to choose or check."""

    @classmethod
    def get_request(cls, context: Any, port: Any, ip_dict: dict[str, Any]) -> Any:
        """Make the request for one address of a port."""
        adopted = adoption.of(context)
        if adopted is not None and ip_dict.get("ip_address"):
            return AdoptedAddressRequest(ip_dict["ip_address"], adopted.site_id)
        return super().get_request(context, port, ip_dict)


class SubnetManager(ipam_db_api.IpamSubnetManager):
    """What stock allocation reads: the pools less the blocks, and the addresses it handed out itself."""

    def list_pools(self, context: Any) -> list[Pool]:
        """Return the addresses to choose from."""
        pools = super().list_pools(context)
        delegated = blocks.of_subnet(context, self._neutron_subnet_id)
        if not delegated:
            return list(pools)
        version = blocks.version_of(delegated[0])
        left = without(map(_run, pools), map(blocks.run_of, delegated))
        return [Pool(*(blocks.text(end, version) for end in run)) for run in left]

    def list_allocations(self, context: Any) -> list[Allocation]:
        """Return addresses that are handed out; the stock version makes a versioned object of each."""
        return [Allocation(address) for address in blocks.allocated(context, self._ipam_subnet_id)]

    def check_unique_allocation(self, context: Any, ip_address: str) -> bool:
        """Say whether an address is nobody's."""
        return not blocks.is_taken(context, self._ipam_subnet_id, ip_address)

    def delete_allocation(self, context: Any, ip_address: str) -> None:
        """Take an address from a port."""
        blocks.let_go(context, self._ipam_subnet_id, ip_address)


class DelegatingSubnet(driver.NeutronDbSubnet):
    """A subnet of which sites have blocks."""

    def __init__(self, internal_id: str, ctx: Any, **kwargs: Any) -> None:
        super().__init__(internal_id, ctx, **kwargs)
        self._ipam_subnet_id = internal_id
        self.subnet_manager = SubnetManager(internal_id, self._subnet_id)

    def delegate(self, site_id: str, size: int) -> AddressBlock:
        """Give a site addresses in one run.

        :param size: most addresses; there may be fewer.
        :raises IpAddressGenerationFailure: no address is free.
        :raises BadRequest: hosts choose their addresses in this subnet, so there are none to delegate.
        """
        subnet = self._handed_out()
        pools = self.subnet_manager.list_pools(self._context)
        taken = map(blocks.number, blocks.allocated(self._context, self._ipam_subnet_id))
        run = last_run(without(map(_run, pools), runs_of(taken)), size)
        if run is None:
            raise ipam_exc.IpAddressGenerationFailure(subnet_id=self._subnet_id)
        return blocks.delegate(self._context, self._ipam_subnet_id, subnet, site_id, run)

    def reserve(self, site_id: str, start: str, end: str) -> AddressBlock:
        """Give a site exactly some addresses. They need not be in the pools: these are for who names none.

        What the site was about to give back stays the site's.

        :raises IpAddressAlreadyAllocated: one of them is a port's, or a site's.
        :raises InvalidIpForSubnet: one of them is none that a port of this subnet may have.
        :raises BadRequest: as `delegate` does.
        """
        subnet = self._handed_out()
        for address in (start, end):
            if not ipam_utils.check_subnet_ip(self._cidr, address):
                raise ipam_exc.InvalidIpForSubnet(subnet_id=self._subnet_id, ip=address)
        run = Run(blocks.number(start), blocks.number(end))
        kept = blocks.cut(self._context, self._subnet_id, site_id, run, is_returning=False)
        if kept is not None:
            return kept
        taken = blocks.first_taken(self._context, self._ipam_subnet_id, run, subnet.ip_version)
        if taken is not None:
            raise ipam_exc.IpAddressAlreadyAllocated(subnet_id=self._subnet_id, ip=taken)
        return blocks.delegate(self._context, self._ipam_subnet_id, subnet, site_id, run)

    def begin_return(self, site_id: str, start: str, end: str) -> AddressBlock:
        """Note that a site is about to give some of its addresses back.

        :raises NotDelegated: they are not all in one block of the site's, or it gives some back already.
        """
        run = Run(blocks.number(start), blocks.number(end))
        block = blocks.cut(self._context, self._subnet_id, site_id, run, is_returning=True)
        if block is None:
            raise NotDelegated(subnet_id=self._subnet_id, start=start, end=end)
        return block

    def _handed_out(self) -> Any:
        """Return Neutron's subnet.

        :raises BadRequest: hosts choose their addresses in it, so there are none to delegate.
        """
        subnet = self._fetch_subnet(self._context, self._subnet_id)
        if ipv6_utils.is_auto_address_subnet(subnet):
            message = (
                "hosts choose their addresses in this subnet by themselves, there is nothing to delegate"
            )
            raise exceptions.BadRequest(resource="address_block", msg=message)
        return subnet

    def keep(self, block: AddressBlock, kept: Run | None) -> None:
        """Give a block's addresses back, but for some."""
        blocks.keep(self._context, self._ipam_subnet_id, block, kept)

    def allocate(self, address_request: Any) -> Any:
        """Give an address to a port.

        :raises IpAddressAlreadyAllocated: it is another port's, or another site's.
        """
        if not isinstance(address_request, AdoptedAddressRequest):
            return super().allocate(address_request)
        address = str(address_request.address)
        if not blocks.hold(self._context, self._subnet_id, address_request.site_id, address):
            return super().allocate(address_request)
        if not blocks.adopt(self._context, self._ipam_subnet_id, address):
            raise ipam_exc.IpAddressAlreadyAllocated(subnet_id=self._subnet_id, ip=address)
        return address


class DelegatingPool(driver.NeutronDbPool):
    """The driver."""

    def get_subnet(self, subnet_id: str) -> DelegatingSubnet:
        """Return a subnet.

        :raises SubnetNotFound: there is none.
        """
        subnet: DelegatingSubnet = DelegatingSubnet.load(subnet_id, self._context)
        return subnet

    def get_address_request_factory(self) -> type[AdoptionRequestFactory]:
        """Say who makes requests for addresses."""
        return AdoptionRequestFactory

    def remove_subnet(self, subnet_id: str) -> None:
        """Forget a subnet, and which of its addresses are delegated."""
        blocks.forget(self._context, subnet_id)
        super().remove_subnet(subnet_id)


def _run(pool: Any) -> Run:
    return Run(blocks.number(pool.first_ip), blocks.number(pool.last_ip))
