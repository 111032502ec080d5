"""Room for new servers: how many addresses a site has left on its networks, and that they do not run out.

A site always has some addresses to spare: a worker sees to it after each boot. So a boot that needs no more
than these goes on without asking anybody; one that needs more has the site's addresses counted, and asks the
top for more of them first.

How many there are is told by the site, not by what a process remembers; what it may use without asking is a
share of the spare ones, so that several processes together do not use more than there are. Where the top has
no more to give the network is noted as scarce: then every boot asks.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from cachetools import TTLCache
from oslo_log import log

from tricircle.errors import TricircleError
from tricircle.realise.address_runs import number_in, size_of
from tricircle.realise.blocks import Blocks, NoAddressLeft, Sizes
from tricircle.realise.definition import Body, Definition, DefinitionState, Known
from tricircle.realise.kinds.kind import quoted
from tricircle.realise.kinds.subnet import hands_out
from tricircle.realise.realiser import Realiser
from tricircle.realise.store import DefinitionStore
from tricircle.realise.turns import Turns
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_GOOD_FOR = 10.0
"""Seconds for which a count is believed, less what this process has had used since: others use some, too."""

_SHARES = 4
"""Processes that may use addresses of the same site and network within that time, without knowing of each
other. Each believes in its share of what there is."""

_MOST = 10_000

_Usage = Callable[[str, Site], dict[str, tuple[int, int]]]
"""Tells, by a network and a site, how many addresses there are and are in use."""


def spare_of(subnets: Iterable[Body]) -> int | None:
    """Return how many servers a site always has room for on a network; None for any number.

    :param subnets: of the network. A server gets an address of one subnet of each IP version.
    """
    spare: dict[int, int] = {}
    for subnet in subnets:
        if hands_out(subnet):
            version = subnet["ip_version"]
            spare[version] = spare.get(version, 0) + Sizes.of(subnet).spare
    return min(spare.values(), default=None)


@dataclass(slots=True)
class _Count:
    """The addresses of one subnet in one site."""

    subnet: Known
    total: int
    free: int

    def missing(self, count: int) -> int:
        """Return how many addresses more are needed where some are about to be used."""
        return Sizes.of(self.subnet.definition.body).missing(self.total, self.free, count)


class Room:
    """Counts and makes room."""

    def __init__(
        self, store: DefinitionStore, realiser: Realiser, calls: ServiceCalls, blocks: Blocks
    ) -> None:
        self._store = store
        self._realiser = realiser
        self._calls = calls
        self._blocks = blocks
        self._lock = threading.Lock()
        self._turns = Turns()
        self._left: TTLCache[tuple[str, str], int] = TTLCache(_MOST, _GOOD_FOR)

    def take(self, network: Known, site: Site, count: int, *, request_id: str | None = None) -> None:
        """See that a site has room for new servers on a network that it has.

        :raises NoAddressLeft: the network is full.
        :raises TricircleError: as `ServiceCalls.call` does, of the site.
        """
        spare: int | None = network.definition.body["spare"]
        if spare is None:
            return
        place = (network.definition.id, site.id)
        if self._takes(place, spare, count):
            return
        with self._turns.of(place):
            if self._takes(place, spare, count):  # somebody has just made room
                return
            free = self.make(network.definition.id, site, count, request_id=request_id)
            with self._lock:
                self._left[place] = (free - count) // _SHARES if spare else 0

    def note(self, network: Known, site: Site, count: int) -> None:
        """Note that new servers use addresses of a site which they have named, so that they need no room."""
        spare: int | None = network.definition.body["spare"]
        if spare is None:
            return
        place = (network.definition.id, site.id)
        with self._lock:
            self._left[place] = self._left.get(place, spare // _SHARES) - count

    def _takes(self, place: tuple[str, str], spare: int, count: int) -> bool:
        """Take room that there is as far as this process knows; say whether there is."""
        with self._lock:
            left: int = self._left.get(place, spare // _SHARES) - count
            if left >= 0:
                self._left[place] = left
            return left >= 0

    def make(self, definition_id: str, site: Site, count: int, *, request_id: str | None = None) -> int:
        """Count a network's addresses in a site, and have more delegated where there are too few.

        :param definition_id: the network's; it is one on which addresses are handed out.
        :return: for how many servers there is room now.
        :raises NoAddressLeft: for fewer than are to be made.
        :raises TricircleError: as `ServiceCalls.call` does, of the site.
        """
        network = self._store.get(definition_id)
        counts = [] if network is None else self._count(network, site, self._usage)
        if network is not None and any(each.missing(count) for each in counts):
            counts = self._count(network, site, self._usage_of_pools)
        free: dict[int, int] = {}
        is_scarce = False
        for each in counts:
            body = each.subnet.definition.body
            more = each.missing(count)
            if more:
                got = self._grow(each.subnet, site, more, request_id)
                each.free += got or 0
                is_scarce = is_scarce or (got is not None and got < more)
            free[body["ip_version"]] = free.get(body["ip_version"], 0) + max(0, each.free)
        if network is not None and is_scarce:
            self.note_scarce(network.definition)
        least = min(free.values(), default=0)
        if network is not None and least < count:
            raise NoAddressLeft(network.definition.key, site)
        return least

    def note_scarce(self, network: Definition) -> None:
        """Note that sites have nothing to spare on a network: from now on every boot has it counted.

        It holds until the network or one of its subnets is changed at the top.
        """
        if network.body["spare"]:
            self._realiser.write(
                partial(self._store.note, seen=network, body={**network.body, "spare": 0}),
            )

    def _grow(self, subnet: Known, site: Site, more: int, request_id: str | None) -> int | None:
        """Have more addresses delegated, and handed out; return how many, None if that cannot be told."""
        try:
            got = self._blocks.grow(subnet.definition.body, site, more)
        except TricircleError as error:
            # What the site has is good all the same.
            LOG.warning("Site %s gets no more addresses: %s", site.name, error.message)
            return None
        if got:
            self._realiser.realise(subnet.definition.id, site, request_id=request_id)
        return size_of(got)

    def _count(self, network: Known, site: Site, usage: _Usage) -> list[_Count]:
        subnets = [
            known
            for known in self._store.several([("subnet", key) for key in network.definition.body["subnets"]])
            if known.definition.state is DefinitionState.ACTIVE and hands_out(known.definition.body)
        ]
        by_id = {known.id_in(site.id): known for known in subnets}
        network_id = network.id_in(site.id)
        if network_id is None:
            return []
        return [
            _Count(by_id[subnet_id], total, total - used)
            for subnet_id, (total, used) in usage(network_id, site).items()
            if subnet_id in by_id
        ]

    def _usage(self, network_id: str, site: Site) -> dict[str, tuple[int, int]]:
        """Return how many addresses there are, and are in use, by the site's ids of subnets.

        Those in use may be out of the pools, which is as if there were fewer.
        """
        target = f"/v2.0/network-ip-availabilities/{quoted(network_id)}"
        shown = self._calls.get(site, "network", target)
        if shown is None:  # the site does not have the extension that counts them
            return self._usage_of_pools(network_id, site)
        entries = shown["network_ip_availability"]["subnet_ip_availability"]
        return {entry["subnet_id"]: (entry["total_ips"], entry["used_ips"]) for entry in entries}

    def _usage_of_pools(self, network_id: str, site: Site) -> dict[str, tuple[int, int]]:
        """Return the same of the pools alone, which is more work for the site."""
        query = f"network_id={quoted(network_id)}"
        ports = self._calls.get(site, "network", f"/v2.0/ports?{query}&fields=fixed_ips") or {}
        subnets = self._calls.get(site, "network", f"/v2.0/subnets?{query}") or {}
        used: dict[str, list[str]] = {}
        for port in ports.get("ports", ()):
            for fixed in port["fixed_ips"]:
                used.setdefault(fixed["subnet_id"], []).append(fixed["ip_address"])
        pools = {subnet["id"]: subnet["allocation_pools"] for subnet in subnets.get("subnets", ())}
        return {each: (size_of(runs), number_in(runs, used.get(each, ()))) for each, runs in pools.items()}
