"""Room for new servers: how many addresses a site has left on its networks, and that they do not run out.

A site always has some addresses to spare: a worker sees to it after each boot. So a boot that needs no more
than these goes on without asking anybody; one that needs more has the site's addresses counted, and asks the
top for more of them first.

How many there are is told by the site, not by what a process remembers, less those that servers are to get
which the site has accepted a moment ago; what a process may use without asking is a
share of the spare ones, so that several processes together do not use more than there are. Where the top has
no more to give the network is noted as scarce: then every boot asks, until all sites have some to spare
again. What other sites do not use is fetched from them before a boot is refused.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from cachetools import TTLCache
from oslo_log import log

from tricircle.errors import AnswerLost, BadAnswer, SiteUnavailable, TricircleError
from tricircle.realise.address_runs import number_in, size_of
from tricircle.realise.blocks import Blocks, NoAddressLeft, Sizes
from tricircle.realise.definition import Body, DefinitionState, Known
from tricircle.realise.kinds.kind import quoted
from tricircle.realise.kinds.subnet import hands_out
from tricircle.realise.realiser import Realiser
from tricircle.realise.returns import Returns
from tricircle.realise.site_addresses import PortsThere, ports_there
from tricircle.realise.store import DefinitionStore
from tricircle.realise.turns import Turns
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_GOOD_FOR = 10.0
"""Seconds for which a count is believed, less what this process has had used since: others use some, too."""

_SHARES = 4
"""Processes that may use addresses of the same site and network within that time, without knowing of each
other. Each believes in its share of what there is."""

_FETCHES = 3
"""How often it is looked for what other sites have idle, before a boot is refused."""

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

    @property
    def version(self) -> int:
        """The version of its addresses."""
        return int(self.subnet.definition.body["ip_version"])

    def missing(self, count: int) -> int:
        """Return how many addresses more are needed where some are about to be used."""
        return Sizes.of(self.subnet.definition.body).missing(self.total, self.free, count)


def _room(counts: Iterable[_Count]) -> int:
    """Return for how many servers there is room; each gets an address of each IP version."""
    free: dict[int, int] = {}
    for each in counts:
        free[each.version] = free.get(each.version, 0) + each.free
    return max(0, min(free.values(), default=0))


class Room:
    """Counts and makes room."""

    def __init__(
        self,
        store: DefinitionStore,
        realiser: Realiser,
        calls: ServiceCalls,
        blocks: Blocks,
        *,
        returns: Returns,
        registry: SiteRegistry,
    ) -> None:
        self._store = store
        self._realiser = realiser
        self._calls = calls
        self._blocks = blocks
        self._returns = returns
        self._registry = registry
        self._lock = threading.Lock()
        self._turns = Turns()
        self._left: TTLCache[tuple[str, str], int] = TTLCache(_MOST, _GOOD_FOR)

    def take(
        self,
        network: Known,
        site: Site,
        count: int,
        at_least: int | None = None,
        *,
        request_id: str | None = None,
    ) -> None:
        """See that a site has room for new servers on a network that it has.

        :param at_least: see `make`.
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
            free = self.make(network.definition.id, site, count, at_least, request_id=request_id)
            with self._lock:
                self._left[place] = max(0, free - count) // _SHARES if spare else 0

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
        if not spare:
            return False  # others may have taken away what was left a moment ago
        with self._lock:
            left: int = self._left.get(place, spare // _SHARES) - count
            if left >= 0:
                self._left[place] = left
            return left >= 0

    def make(
        self,
        definition_id: str,
        site: Site,
        count: int,
        at_least: int | None = None,
        *,
        request_id: str | None = None,
    ) -> int:
        """Count a network's addresses in a site, and have more delegated where there are too few.

        :param definition_id: the network's; it is one on which addresses are handed out.
        :param at_least: with room for how many of them it is well; None for all.
        :return: for how many servers there is room now.
        :raises NoAddressLeft: for fewer than that.
        :raises TricircleError: as `ServiceCalls.call` does, of the site.
        """
        network = self._store.get(definition_id)
        if network is None:
            return 0
        counts, is_scarce = self._fill(network, site, count, request_id)
        for number in range(_FETCHES):
            if _room(counts) >= count:
                break
            fetched = self._fetch(counts, site, count)
            # Others may have taken a part of that; also for this site, which does not hand it out yet.
            self._take_in(counts, site, request_id)
            counts, _ = self._fill(network, site, count, request_id)
            if not fetched and number > 0:
                break
        if is_scarce:
            self._returns.note_scarce(network.definition)
        if _room(counts) < (count if at_least is None else at_least):
            raise NoAddressLeft(network.definition.key, site)
        return _room(counts)

    def _fill(
        self, network: Known, site: Site, count: int, request_id: str | None
    ) -> tuple[list[_Count], bool]:
        """Count, and have more delegated where there are too few; also tell whether there are no more."""
        counts = self._count(network, site, count, request_id)
        is_scarce = False
        for each in counts:
            more = each.missing(count)
            if more:
                got = self._grow(each.subnet, site, more, request_id)
                each.free += got or 0
                is_scarce = is_scarce or (got is not None and got < more)
        return counts, is_scarce

    def _take_in(self, counts: Iterable[_Count], site: Site, request_id: str | None) -> None:
        """Have a site hand out all that is its own: who was to see to that may not have, or have died."""
        for each in counts:
            self._realiser.realise(each.subnet.definition.id, site, request_id=request_id)

    def _fetch(self, counts: Iterable[_Count], site: Site, count: int) -> bool:
        """Have other sites give back what is lacking; say whether there is something."""
        found = [
            self._returns.fetch(each.subnet, site, count - each.free) for each in counts if each.free < count
        ]
        return any(found)

    def end_scarcity(self, network: Known) -> None:
        """Note that sites have addresses to spare again, if all that have a network have."""
        definition = network.definition
        if definition.body["spare"] != 0:
            return
        spare = spare_of(each.definition.body for each in self._subnets(network))
        sites = [self._registry.snapshot.by_id.get(each) for each in network.realisations]
        for site in filter(None, sites):
            if not network.in_step(site.id):
                continue
            try:
                counts = self._fill(network, site, 0, None)[0] if site.is_asked else []
            except (SiteUnavailable, AnswerLost, BadAnswer):
                return  # it is not known
            if not counts or any(each.missing(0) for each in counts):
                return
        self._realiser.write(
            partial(self._store.note, seen=definition, body={**definition.body, "spare": spare}),
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

    def _subnets(self, network: Known) -> list[Known]:
        """Return the subnets of a network of which addresses are handed out."""
        return [
            known
            for known in self._store.several([("subnet", key) for key in network.definition.body["subnets"]])
            if known.definition.state is DefinitionState.ACTIVE and hands_out(known.definition.body)
        ]

    def _count(self, network: Known, site: Site, count: int, request_id: str | None) -> list[_Count]:
        """Count addresses; with more work where servers are still to get theirs, or there may be too few."""
        key = network.definition.key
        if not self._returns.is_expected(key, site, besides=request_id):
            counts = self._count_all(network, site, self._usage)
            if not any(each.missing(count) for each in counts):
                return counts
        ports = self._returns.ports(key, site)
        counts = self._count_all(network, site, partial(self._usage_of_pools, ports=ports))
        expected = self._returns.expected(key, site, ports, besides=request_id)
        for version in {each.version for each in counts}:
            # Each gets an address of one of the subnets of a version.
            next(each for each in counts if each.version == version).free -= expected
        return counts

    def _count_all(self, network: Known, site: Site, usage: _Usage) -> list[_Count]:
        by_id = {known.id_in(site.id): known for known in self._subnets(network)}
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

    def _usage_of_pools(
        self, network_id: str, site: Site, ports: PortsThere | None = None
    ) -> dict[str, tuple[int, int]]:
        """Return the same of the pools alone, which is more work for the site."""
        used = (ports or ports_there(self._calls, site, network_id)).addresses
        target = f"/v2.0/subnets?network_id={quoted(network_id)}"
        subnets = self._calls.get(site, "network", target) or {}
        pools = {subnet["id"]: subnet["allocation_pools"] for subnet in subnets.get("subnets", ())}
        return {each: (size_of(runs), number_in(runs, used.get(each, ()))) for each, runs in pools.items()}
