"""The blocks of addresses that the top delegates to sites: what a site's subnet hands out is exactly these.

They are asked of the top each time: it alone knows them, as its Neutron must not hand them out itself. So who
asks for one twice gets two, and none is lost: what has been delegated is in the next list. Nobody gives one
back because it was asked for twice, as somebody else may have seen it by then; so of those who need the first
one at the same time only one asks.
"""

import time
from dataclasses import dataclass
from ipaddress import ip_network

from tricircle.realise.address_runs import Pool, merged, number_in, size_of
from tricircle.realise.definition import Body
from tricircle.realise.kinds.subnet import hands_out
from tricircle.realise.top_network import TopNetwork
from tricircle.realise.turns import Turns
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

_PAUSE = 0.1
"""Seconds between two looks whether another process has asked."""

_USUAL = 32
"""Addresses of a block."""

_SINGLE = 14
"""Addresses of a subnet that is so small that each is delegated by itself."""

_SPARE = 8
"""Addresses that a site has free at any time, as far as the subnet allows it."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """In which portions a subnet's addresses are delegated.

    :param block: addresses of a block.
    :param spare: fewest addresses that a site should have free.
    """

    block: int
    spare: int

    @classmethod
    def of(cls, cidr: str) -> "Sizes":
        """Return those of a subnet."""
        network = ip_network(cidr)
        # Neutron hands out neither the first nor, of IPv4, the last address.
        there = max(1, network.num_addresses - (2 if network.version == 4 else 1))
        block = 1 if there <= _SINGLE else min(_USUAL, there // 4)
        return cls(block, min(_SPARE, block))

    def missing(self, total: int, free: int, count: int) -> int:
        """Return how many addresses a site is to get more.

        :param total: that it has; `free` of them are not in use.
        :param count: that are about to be used.
        """
        wanted = count + max(self.spare, -(-total // 4) if self.block > 1 else 0)
        return 0 if free >= wanted else -(-(wanted - free) // self.block) * self.block


class Blocks:
    """Asks the top for them.

    Every method raises what `ServiceCalls.call` raises, of the top.
    """

    def __init__(self, top: TopNetwork) -> None:
        self._top = top
        self._turns = Turns()

    def pools(self, subnet: Body, site: Site, *, patience: float = 0.0) -> Body:
        """Return what a site's subnet hands out, which is at least one block, if there is one left.

        :param subnet: the definition's body.
        :param patience: seconds that another process, which was to ask for the first one, has for that.
        :return: `allocation_pools`; nothing where nobody hands out addresses.
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
                sizes = Sizes.of(subnet["cidr"])
                # A DHCP server needs one, too.
                found = self.grow(subnet, site, max(sizes.block, sizes.spare + bool(subnet["enable_dhcp"])))
        return {"allocation_pools": merged(found)}

    def _delegated(self, subnet: Body, site: Site) -> list[Pool]:
        """Return a site's blocks without addresses that servers get only if they ask for them.

        Such a block has one address, and that is not in the top's own pools: the gateway's, or one that the
        project has kept out of them.
        """
        found = self._top.list("address_block", subnet_id=subnet["id"], site=site.name)
        singles = [block for block in found if block["start"] == block["end"]]
        shown = self._top.show("subnet", subnet["id"]) if singles else None
        if shown is None:
            return found
        handed_out = shown["allocation_pools"]
        return [each for each in found if each not in singles or number_in(handed_out, [each["start"]])]

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
