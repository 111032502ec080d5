"""The blocks of addresses that the top delegates to sites: what a site's subnet hands out is exactly these.

They are asked of the top each time: it alone knows them, as its Neutron must not hand them out itself. So who
asks for one twice gets two, and none is lost: what has been delegated is in the next list. What turns out not
to be needed comes back later (`tricircle.realise.returns`); until then those who need the first one at the
same time wait for one of them to ask.
"""

import time
from dataclasses import dataclass

from tricircle.errors import BadRequest
from tricircle.realise.address_runs import Pool, merged, number_in, size_of
from tricircle.realise.definition import Body
from tricircle.realise.kinds.subnet import addresses_of, hands_out
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.realise.turns import Turns
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

_PAUSE = 0.1
"""Seconds between two looks whether another process has asked."""

_USUAL = 32
"""Addresses of a block."""

_SINGLE = 14
"""Addresses of a subnet that is so small that each is delegated by itself."""

_SPARE = 16
"""Addresses that a site has free at any time, as far as the subnet allows it."""


_OTHERWISE = frozenset({404, 409})
"""What the top says where a site does not have such a block, or the subnet is gone."""


class NoAddressLeft(BadRequest):
    """A subnet is full: neither the top nor a site has an address for one more port."""

    def __init__(self, network_id: str, site: Site) -> None:
        # Nova's own words, though it finds out only on the host.
        super().__init__(f"No fixed IP addresses available for network: {network_id}", site=site.name)


@dataclass(frozen=True, slots=True)
class Sizes:
    """In which portions a subnet's addresses are delegated.

    :param block: addresses of a block.
    :param spare: fewest addresses that a site should have free.
    """

    block: int
    spare: int

    @classmethod
    def of(cls, subnet: Body) -> "Sizes":
        """Return those of a subnet.

        :param subnet: as the top's Neutron shows it, or its definition's body.
        """
        there = max(1, addresses_of(subnet))
        block = 1 if there <= _SINGLE else min(_USUAL, there // 4)
        return cls(block, min(_SPARE, block))

    def kept(self, used: int) -> int:
        """Return how many addresses a site keeps free: a block more than would have it get more again.

        :param used: that it has in use.
        """
        return self.spare if self.block == 1 else max(self.spare, -(-used // 3)) + self.block

    def missing(self, total: int, free: int, count: int) -> int:
        """Return how many addresses a site is to get more.

        :param total: that it has; `free` of them are not in use.
        :param count: that are about to be used.
        """
        wanted = count + max(self.spare, -(-total // 4) if self.block > 1 else 0)
        return 0 if free >= wanted else -(-(wanted - free) // self.block) * self.block


def needed_first(subnet: Body) -> int:
    """Return how many addresses a site needs, so that there are some to spare at the first boot."""
    # A DHCP server needs one, too.
    return Sizes.of(subnet).spare + bool(subnet["enable_dhcp"])


class Blocks:
    """Asks the top for them.

    Every method raises what `ServiceCalls.call` raises, of the top.
    """

    def __init__(self, top: TopNetwork) -> None:
        self._top = top
        self._turns = Turns()

    def pools(self, subnet: Body, site: Site, *, patience: float = 0.0) -> Body:
        """Return what a site's subnet hands out, which is at least one address.

        :param subnet: the definition's body.
        :param patience: seconds that another process, which was to ask for the first one, has for that.
        :return: `allocation_pools`; nothing where nobody hands any out. They are never empty, as Neutron
            makes a subnet of all addresses out of that, and other sites have them.
        :raises NoAddressLeft: none is left for the site.
        """
        if not hands_out(subnet):
            return {}
        with self._turns.of((subnet["id"], site.id)):
            found = self._delegated(subnet, site)
            until = time.monotonic() + patience
            while not found and time.monotonic() < until:
                time.sleep(_PAUSE)
                found = self._delegated(subnet, site)
            if not found:
                found = self.grow(subnet, site, max(Sizes.of(subnet).block, needed_first(subnet)))
            if not found:
                raise NoAddressLeft(subnet["network_id"], site)
        return {"allocation_pools": merged(found)}

    def _delegated(self, subnet: Body, site: Site) -> list[Pool]:
        """Return a site's blocks without addresses that servers get only if they ask for them.

        Such a block has one address, and that is not in the top's own pools: the gateway's, or one that the
        project has kept out of them.
        """
        return self.handed_out(subnet, [each for each in self.of(subnet, site) if not each["returning"]])

    def of(self, subnet: Body, site: Site) -> list[Item]:
        """Return a site's blocks, as the top shows them."""
        return self._top.list("address_block", subnet_id=subnet["id"], site=site.name)

    def handed_out(self, subnet: Body, found: list[Item]) -> list[Pool]:
        """Return those of some blocks that the site gives to servers which name no address."""
        singles = [block for block in found if block["start"] == block["end"]]
        shown = self._top.show("subnet", subnet["id"]) if singles else None
        if shown is None:
            return found
        pools = shown["allocation_pools"]
        return [each for each in found if each not in singles or number_in(pools, [each["start"]])]

    def of_network(self, network_id: str, site: Site) -> list[Item]:
        """Return a site's blocks of all subnets of a network."""
        return self._top.list("address_block", network_id=network_id, site=site.name)

    def begin_return(self, subnet_id: str, site: Site, run: Pool) -> bool:
        """Note that a site is about to give some addresses of one block back; say whether that is so now."""
        return self._cut(subnet_id, site, run, returning=True)

    def keep(self, subnet_id: str, site: Site, run: Pool) -> bool:
        """Have a site keep addresses that it was about to give back; say whether that is so now."""
        return self._cut(subnet_id, site, run, returning=False)

    def give_back(self, block: Item) -> int:
        """Give back what the site of a block has not kept meanwhile; return how many addresses."""
        return 0 if self._top.delete("address_block", block["id"]).status == 404 else size_of([block])

    def _cut(self, subnet_id: str, site: Site, run: Pool, *, returning: bool) -> bool:
        ends = {"start": run["start"], "end": run["end"]}
        wanted = {"subnet_id": subnet_id, "site": site.name, **ends, "returning": returning}
        try:
            self._top.make("address_block", wanted)
        except SiteRefused as error:
            if error.site_status not in _OTHERWISE:
                raise
            return False
        return True

    def grow(self, subnet: Body, site: Site, size: int) -> list[Pool]:
        """Have more addresses delegated to a site.

        :return: the new blocks; of fewer addresses than asked for where there are no more.
        """
        got: list[Pool] = []
        while size_of(got) < size:
            wanted = {
                "subnet_id": subnet["id"],
                "site": site.name,
                "size": size - size_of(got),
                "project_id": subnet["project_id"],
            }
            try:
                block = self._top.make("address_block", wanted)
            except SiteRefused as error:
                if error.site_status != 409:
                    raise
                break  # none is left
            got.append({"start": block["start"], "end": block["end"]})
        return got
