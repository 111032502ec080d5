"""Addresses that a site has not needed for a while come back, a part at each comparison of its ports.

What begins to return at one comparison is given back at the next one, when whatever was under way in the site
has ended. See `tricircle.realise.returns`.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from oslo_log import log

from tricircle.db.timestamps import now
from tricircle.errors import Conflict
from tricircle.jobs.boots import was_booted_on
from tricircle.realise.blocks import NoAddressLeft
from tricircle.realise.definition import DefinitionState, Known
from tricircle.realise.kinds import NETWORK, SUBNET
from tricircle.realise.returns import wait_until_quiet
from tricircle.realise.site_addresses import PortsThere
from tricircle.realise.top_network import Item
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob.task import Task

LOG = log.getLogger(__name__)

_FIELDS = ("network_id", "subnet_id", "start", "end", "returning")


class IdleAddresses:
    """Those of the task's site.

    :param given_back: how many are nobody's any more.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._returns = task.engine.networks.returns
        top = task.engine.networks.top
        self._blocks: dict[str, dict[str, list[Item]]] = {}
        for block in top.walk("address_block", _FIELDS, site=task.site.name):
            of_network = self._blocks.setdefault(block["network_id"], {})
            of_network.setdefault(block["subnet_id"], []).append(block)
        self._has_waited = False
        self.given_back = 0

    def look(self, network_id: str, shown: Sequence[Item]) -> None:
        """Give back what has begun to return on a network, and begin with what else is idle.

        :param network_id: the top's, of one that the site has.
        :param shown: its ports in the site.
        """
        task, site = self._task, self._task.site
        blocks = self._blocks.get(network_id)
        if blocks is None:
            return
        network = task.engine.replicas.store.find(NETWORK.name, network_id)
        if network is None or not network.in_step(site.id):
            return
        try:
            is_quiet = self._is_quiet(network_id)
            for subnet in self._subnets(blocks):
                of_subnet = blocks[subnet.definition.key]
                if any(block["returning"] for block in of_subnet):
                    self._wait_once()
                    self.given_back += self._returns.settle(subnet, site, step=task.step)
                if is_quiet:
                    self._begin(subnet, of_subnet, shown)
            task.engine.networks.end_scarcity(network)
        except (SiteRefused, Conflict, NoAddressLeft) as error:
            LOG.warning("Addresses of network %s in site %s: %s", network_id, site.name, error.message)

    def _wait_once(self) -> None:
        """See that what was under way in the site has ended: the comparison before may just have."""
        if not self._has_waited:
            wait_until_quiet()
            self._has_waited = True

    def release(self, here: Sequence[str]) -> None:
        """Give back all that the site has on networks which are not there any more.

        :param here: the ids of those that are.
        """
        for network_id in sorted(self._blocks.keys() - set(here)):
            self.given_back += self._returns.release(network_id, self._task.site, step=self._task.step)

    def _subnets(self, keys: Iterable[str]) -> list[Known]:
        found = self._task.engine.replicas.store.several([(SUBNET.name, key) for key in keys])
        site_id = self._task.site.id
        return [
            each
            for each in found
            if each.definition.state is DefinitionState.ACTIVE and each.in_step(site_id)
        ]

    def _is_quiet(self, network_id: str) -> bool:
        """Say whether no server was asked for on a network for a while: else addresses go to and fro."""
        idle = timedelta(seconds=self._task.engine.conf.xjob.network_idle_time)
        if not idle:
            return False
        with self._task.engine.database.read() as connection:
            return not was_booted_on(connection, network_id, self._task.site.id, now() - idle)

    def _begin(self, subnet: Known, blocks: Sequence[Item], shown: Sequence[Item]) -> None:
        site, there = self._task.site, subnet.id_in(self._task.site.id)
        network_id = subnet.definition.body["network_id"]
        ports = PortsThere.of(shown)
        expected = self._returns.expected(network_id, site, ports)
        used = ports.addresses.get(there or "", set())
        self._returns.begin(subnet, site, blocks, used, expected=expected, step=self._task.step)
