"""Addresses come back: those that a site does not need become the top's again, for whoever needs them.

A site hands out addresses by itself, so it is sure only after a while that it does not use some:

1. The top notes that they return. They are nobody else's yet, and nobody makes pools of them any more.
2. The site's pools are written without them. A process that still has a list from before writes none after
   that, see `kinds.subnet`.
3. What was under way in the site ends. Where there is time that is the time until the site's ports are
   compared again, else two seconds.
4. It is looked which of them ports have, and boots name: these stay the site's. The others are given back, by
   ids that they lose if somebody has them stay meanwhile.

Each step may be the last one of a process: whoever comes next finds that the addresses return, and goes on.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from oslo_log import log

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.errors import TricircleError
from tricircle.jobs.boots import addresses_under_way, servers_under_way
from tricircle.realise.address_runs import Pool, idle_in, merged, number_in, size_of, tail
from tricircle.realise.blocks import Blocks, NoAddressLeft, Sizes, needed_first
from tricircle.realise.definition import Body, Definition, Known, Sought
from tricircle.realise.kinds import NETWORK, SUBNET
from tricircle.realise.leaving import is_empty, may_leave, take_network_out
from tricircle.realise.realiser import Realiser
from tricircle.realise.side_by_side import SideBySide
from tricircle.realise.site_addresses import PortsThere, ports_there
from tricircle.realise.site_view import go_on
from tricircle.realise.top_network import Item
from tricircle.realise.turns import Turns
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_QUIET = 2.0
"""Seconds for what is under way in a site, before addresses are given back that it has handed out so far."""

_PATIENCE = 5.0
"""Seconds that sites have for each half of that; who is later gives back at another time."""

_LOOKS = 3

Step = Callable[[str], None]


class Returns:
    """Has sites give addresses back.

    Every method raises what `ServiceCalls.call` raises, of the site and of the top, unless it says otherwise.
    """

    def __init__(
        self,
        database: Database,
        realiser: Realiser,
        calls: ServiceCalls,
        blocks: Blocks,
        registry: SiteRegistry,
    ) -> None:
        self._database = database
        self._realiser = realiser
        self._store = realiser.store
        self._calls = calls
        self._blocks = blocks
        self._registry = registry
        self._turns = Turns()
        self._side_by_side = SideBySide()

    # -- what a site has to spare ----------------------------------------------------------------------------

    def begin(
        self,
        subnet: Known,
        site: Site,
        blocks: Sequence[Item],
        used: Collection[str],
        *,
        expected: int = 0,
        step: Step = go_on,
    ) -> int:
        """Begin to take back what a site has more than it needs soon, in whole blocks.

        Addresses that a site has because somebody asked for them are taken back one by one.

        :param blocks: that the site had a while ago.
        :param used: addresses of the subnet that are in use there.
        :param expected: servers that are to get an address there.
        :return: how many return now; `settle` gives them back.
        """
        plain = [block for block in blocks if not block["returning"]]
        if number_in(plain, used) == size_of(plain):
            return 0
        sizes = Sizes.of(subnet.definition.body)
        handed_out = self._blocks.handed_out(subnet.definition.body, plain)
        if sizes.block > 1:
            handed_out = [block for block in handed_out if block["start"] != block["end"]]
        in_use = number_in(handed_out, used)
        spare = _spare(handed_out, in_use, sizes.kept(in_use) + expected)
        runs = _chosen(idle_in(handed_out, used), spare - spare % sizes.block, max(1, sizes.block // 4))
        named = [block for block in plain if block not in handed_out]
        return self._begin(subnet, site, [*runs, *idle_in(named, used)], step)

    def _begin(self, subnet: Known, site: Site, runs: Iterable[Pool], step: Step) -> int:
        begun = []
        for run in runs:
            step("return addresses")
            if self._blocks.begin_return(subnet.definition.key, site, run):
                begun.append(run)
        if begun:
            self._realiser.realise(subnet.definition.id, site, step=step)
        return size_of(begun)

    def _plain(self, subnet: Known, site: Site) -> list[Item]:
        found = self._blocks.of(subnet.definition.body, site)
        return [block for block in found if not block["returning"]]

    def _returning(self, subnet: Known, site: Site) -> list[Item]:
        return [block for block in self._blocks.of(subnet.definition.body, site) if block["returning"]]

    # -- what becomes of it ----------------------------------------------------------------------------------

    def settle(self, subnet: Known, site: Site, *, step: Step = go_on) -> int:
        """Give back what returns and is not in use; what is stays the site's.

        :param subnet: one that the site has.
        :return: how many addresses are nobody's now; none where the site may still hand them out: then its
            pools are put right, and it is for the next look.
        """
        for _ in range(_LOOKS):
            returning = self._returning(subnet, site)
            if not returning:
                return 0
            pools = self._pools(subnet, site)
            if pools is None:
                return 0
            if _meet(pools, returning):
                self._realiser.realise(subnet.definition.id, site, step=step)
                return 0
            used = self._used(subnet, site, self.ports(subnet.definition.body["network_id"], site))
            in_use = [each for each in used if number_in(returning, [each])]
            if not in_use:
                step("give addresses back")
                return sum(self._blocks.give_back(block) for block in returning)
            self._keep(subnet.definition.key, site, [{"start": each, "end": each} for each in in_use])
            self._realiser.realise(subnet.definition.id, site, step=step)
        return 0

    def _used(self, subnet: Known, site: Site, ports: PortsThere) -> set[str]:
        """Return the addresses of a subnet that ports of a site have, and those that boots name."""
        with self._database.read() as connection:
            named = addresses_under_way(connection, subnet.definition.body["network_id"], site.id)
        return named | ports.addresses.get(subnet.id_in(site.id) or "", set())

    def ports(self, network_id: str, site: Site) -> PortsThere:
        """Return the ports that a site has on a network.

        :param network_id: the top's.
        """
        there = self._store.realised.id_in_site(NETWORK.name, network_id, site.id)
        return PortsThere.of(()) if there is None else ports_there(self._calls, site, there)

    def is_expected(self, network_id: str, site: Site, *, besides: str | None = None) -> bool:
        """Say whether servers are being made on a network in a site.

        :param network_id: the top's.
        :param besides: a client's request that is not counted.
        """
        return self.expected(network_id, site, PortsThere.of(()), besides=besides) > 0

    def expected(self, network_id: str, site: Site, ports: PortsThere, *, besides: str | None = None) -> int:
        """Return how many of them have no port yet.

        :param ports: that there were before.
        """
        with self._database.read() as connection:
            return servers_under_way(
                connection, network_id, site.id, with_port=ports.devices, besides=besides
            )

    def _pools(self, subnet: Known, site: Site) -> list[Pool] | None:
        found = self._realiser.find(SUBNET, subnet, site, self._realiser.view(SUBNET, site))
        return None if found is None else list(found.body["allocation_pools"])

    def _keep(self, subnet_id: str, site: Site, runs: Iterable[Pool]) -> int:
        return size_of([run for run in runs if self._blocks.keep(subnet_id, site, run)])

    # -- where a site has given an address to a port of the top ----------------------------------------------

    def let_have(
        self, network_id: str, site: Site, addresses: Collection[str], *, step: Step = go_on
    ) -> None:
        """Have addresses that a site has given to ports of the top be these ports' own, wherever they go.

        The site hands them out no more. The last one that it hands out stays the site's, as Neutron takes no
        pools for all addresses. So does one that just returns with others; it is for the next look.

        :param network_id: the top's.
        :param addresses: that ports of the top have at the top.
        """
        for block in self._blocks.of_network(network_id, site) if addresses else ():
            for address in addresses:
                if number_in([block], [address]):
                    step("let a port have an address")
                    self._let_have(block["subnet_id"], site, address)

    def _let_have(self, subnet_id: str, site: Site, address: str) -> None:
        subnet = self._store.find(SUBNET.name, subnet_id)
        if subnet is None:
            return
        run: Pool = {"start": address, "end": address}
        handed_out = self._blocks.handed_out(subnet.definition.body, self._plain(subnet, site))
        if number_in(handed_out, [address]) == size_of(handed_out):
            return
        self._blocks.begin_return(subnet.definition.key, site, run)  # it may return already
        ends = address, address
        returning = [each for each in self._returning(subnet, site) if (each["start"], each["end"]) == ends]
        if returning:
            self._realiser.realise(subnet.definition.id, site)
        for block in returning:
            self._blocks.give_back(block)

    # -- where a network is not any more ---------------------------------------------------------------------

    def release(self, network_id: str, site: Site, *, step: Step = go_on) -> int:
        """Give back all that a site has of a network, if nothing there needs it any more.

        Who needs it notes that before looking which addresses there are; so of those that return one of both
        knows.

        :param network_id: the top's.
        :return: how many addresses are nobody's now.
        """
        if self._is_needed(network_id, site):
            return 0
        step("return all addresses")
        for block in self._blocks.of_network(network_id, site):
            if not block["returning"]:
                self._blocks.begin_return(block["subnet_id"], site, block)
        found = [each for each in self._blocks.of_network(network_id, site) if each["returning"]]
        if self._is_needed(network_id, site) or any(
            self._is_there(each["subnet_id"], site) for each in found
        ):
            for block in found:
                self._keep(block["subnet_id"], site, [block])
            return 0
        return sum(self._blocks.give_back(block) for block in found)

    def _is_needed(self, network_id: str, site: Site) -> bool:
        known = self._store.find(NETWORK.name, network_id)
        return known is not None and site.id in known.realisations

    def _is_there(self, subnet_id: str, site: Site) -> bool:
        """Say whether a site has the subnet all the same, and hands its addresses out."""
        return SUBNET.look(self._realiser.view(SUBNET, site), Sought(subnet_id, "", None)) is not None

    # -- for a boot ------------------------------------------------------------------------------------------

    def pools(self, subnet: Definition, site: Site, *, patience: float = 0.0) -> Body:
        """Return what a site's subnet hands out, as `Blocks.pools` does; other sites give back if they must.

        :raises NoAddressLeft: all addresses are in use.
        """
        try:
            return self._blocks.pools(subnet.body, site, patience=patience)
        except NoAddressLeft:
            known = self._store.get(subnet.id)
            if known is None or not self.fetch(known, site, needed_first(subnet.body)):
                raise
            return self._blocks.pools(subnet.body, site)

    def fetch(self, subnet: Known, site: Site, count: int) -> int:
        """Have other sites give back what they do not use, for a site that needs addresses and gets none.

        It takes some seconds if there are any. A site that cannot be asked gives none.

        :param count: how many are needed; there may be more, or fewer.
        :return: how many addresses are nobody's, or the site's own, that were not before.
        """
        network = self._store.find(NETWORK.name, subnet.definition.body["network_id"])
        if network is not None:
            self.note_scarce(network.definition)
        with self._turns.of(subnet.definition.id):
            own = self._keep(subnet.definition.key, site, self._returning(subnet, site))
            if own:
                self._realiser.realise(subnet.definition.id, site)
            if own >= count:
                return own
            others = [each for each in self._registry.snapshot.asked if each.id != site.id]
            begin = [partial(self._begin_for, subnet, each, count - own) for each in others]
            begun = self._side_by_side.do_within(_PATIENCE, [partial(_or_none, each) for each in begin])
            if any(begun):
                wait_until_quiet()
            end = [partial(self._end_for, subnet, each) for each in others]
            freed = self._side_by_side.do_within(_PATIENCE, [partial(_or_none, each) for each in end])
            return own + sum(freed)

    def note_scarce(self, network: Definition) -> None:
        """Note that sites have nothing to spare on a network: from now on every boot has it counted.

        It holds until all of them have, or the network or one of its subnets is changed at the top.
        """
        if network.body["spare"]:
            self._realiser.write(
                partial(self._store.note, seen=network, body={**network.body, "spare": 0}),
            )

    def _begin_for(self, subnet: Known, site: Site, count: int) -> int:
        """Begin to take back what another site needs more; return how many addresses return.

        Where all of it is needed and nothing is on the network, the network goes from the site.
        """
        network = self._store.find(NETWORK.name, subnet.definition.body["network_id"])
        if network is None or site.id not in network.realisations or subnet.id_in(site.id) is None:
            return 0
        key, ports = network.definition.key, self.ports(network.definition.key, site)
        used = self._used(subnet, site, ports)
        expected = self.expected(key, site, ports)
        handed_out = self._blocks.handed_out(subnet.definition.body, self._plain(subnet, site))
        spare = _spare(handed_out, number_in(handed_out, used), expected)
        is_idle = not expected and is_empty(ports.owners) and network.in_step(site.id)
        if count > spare and is_idle and may_leave(network.definition, site, self._registry.snapshot):
            take_network_out(self._database, self._realiser, network.definition, site, now())
            return 0
        begun = self._begin(subnet, site, _chosen(idle_in(handed_out, used), min(count, spare), 1), go_on)
        return begun or size_of(self._returning(subnet, site))

    def _end_for(self, subnet: Known, site: Site) -> int:
        network_id = subnet.definition.body["network_id"]
        if not self._is_needed(network_id, site):
            return self.release(network_id, site)
        return self.settle(subnet, site)


def wait_until_quiet() -> None:
    """Have what is under way in a site end, which may still hand out what it has just been told not to."""
    time.sleep(_QUIET)


def _spare(pools: Sequence[Item], in_use: int, kept: int) -> int:
    """Return how many addresses may go of some. One must stay: Neutron takes no pools for all addresses."""
    return size_of(pools) - in_use - max(kept, 0 if in_use else 1)


def _chosen(runs: Iterable[Pool], count: int, shortest: int) -> list[Pool]:
    """Choose addresses that return.

    :param runs: the longest first.
    :param shortest: fewer addresses are not worth a block of their own.
    """
    chosen = []
    for run in runs:
        size = min(size_of([run]), count)
        if size < shortest:
            break
        chosen.append(tail(run, size))
        count -= size
    return chosen


def _meet(pools: Sequence[Pool], blocks: Sequence[Item]) -> bool:
    """Say whether some addresses are in both."""
    return size_of(merged([*pools, *blocks])) < size_of(pools) + size_of(blocks)


def _or_none(work: Callable[[], int]) -> int:
    """Do what may fail without harm."""
    try:
        return work()
    except TricircleError as error:
        LOG.warning("No addresses come back from a site: %s", error.message)
        return 0
