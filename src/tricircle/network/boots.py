"""Keeps a network or group while a site makes a server on or in it, of whose port the top does not know yet.

So a network's subnets are kept, and with whom it is shared. What Neutron itself sees are ports. A server's
comes to the top a moment after the server was asked for, and until then Tricircle's jobs tell that there is
one. They are not looked at for long: where they cannot be, the network or security group goes, and the site's
copy with the last server on it. A server may get an address of each of the network's subnets, so all of them
are needed as long as the network is. Neutron itself asks for these within the transaction that deletes one,
which has locked no more than its row by then.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from neutron_lib import exceptions
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import directory
from oslo_log import log

from tricircle.errors import TricircleError
from tricircle.network.top import Top
from tricircle.realise.kinds.rbac_policy import EVERYBODY, SHARED

LOG = log.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that a delete waits for Tricircle's database."""

PAUSE = 5.0
"""Seconds for which nobody asks again after it could not be asked."""

_THREADS = 4


class _Used(exceptions.InUse):
    message = "A server is being made with it"


class Boots:
    """Refuses deletions; for all threads of a process, and of those that come from it.

    :param clock: seconds.
    """

    def __init__(self, top: Top, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._top = top
        self._clock = clock
        self._quiet_until = float("-inf")
        self._making = threading.Lock()
        self._process = os.getpid()
        self._threads: ThreadPoolExecutor | None = None

    def watch(self) -> None:
        """Be asked before a network, subnet or security group is deleted, or shared no more."""
        registry.subscribe(self._refuse, resources.NETWORK, events.BEFORE_DELETE)
        registry.subscribe(self._refuse_of_policy, resources.RBAC_POLICY, events.BEFORE_DELETE)
        registry.subscribe(self._refuse_subnet, resources.SUBNET, events.BEFORE_DELETE)
        registry.subscribe(self._refuse_group, resources.SECURITY_GROUP, events.BEFORE_DELETE)

    def are_under_way(self, used: str, **projects: str) -> bool:
        """Say whether servers are being made on a network; also no, where that cannot be told in time.

        :param used: the network's id; or a security group's, that is named by it.
        :param projects: whose servers; see `Top.sites_of_boots_on`.
        """
        return self._is_so(self._top.sites_of_boots_on, used, **projects)

    def _is_so(self, look: Callable[..., object], *about: str, **more: str) -> bool:
        """Say whether a look at the jobs finds any; also no, where it cannot be taken in time."""
        if self._clock() < self._quiet_until:
            return False
        try:
            return bool(self._pool().submit(look, *about, **more).result(PATIENCE))
        except (TricircleError, TimeoutError) as error:
            self._quiet_until = self._clock() + PAUSE
            LOG.warning(
                "Networks and security groups are deleted without a look at what is being made: %r", error
            )
            return False

    def _refuse(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        if self.are_under_way(payload.resource_id):
            reason = "A server is being made on it"
            raise exceptions.NetworkInUse(net_id=payload.resource_id, reason=reason)

    def _refuse_subnet(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        subnet = directory.get_plugin().get_subnet(payload.context.elevated(), payload.resource_id)
        if self.are_under_way(subnet["network_id"]):
            reason = "A server is being made on its network"
            raise exceptions.SubnetInUse(subnet_id=payload.resource_id, reason=reason)

    def _refuse_of_policy(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        policy = payload.states[0]
        if policy.action != SHARED:
            return
        is_for_all = policy.target_project == EVERYBODY
        whose = {"not_of": policy.project_id} if is_for_all else {"of": policy.target_project}
        if self.are_under_way(policy.object_id, **whose):
            raise _Used  # Neutron says of what

    def _refuse_group(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        group_id = payload.resource_id
        group = directory.get_plugin().get_security_group(payload.context.elevated(), group_id)
        if self._is_so(self._top.is_booted_in, group_id, group["name"], group["project_id"]):
            raise _Used  # Neutron makes it a SecurityGroupInUse

    def _pool(self) -> ThreadPoolExecutor:
        """Return this process's threads: a child has none of its parent's."""
        with self._making:
            if self._threads is None or self._process != os.getpid():
                self._process = os.getpid()
                self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="boots")
            return self._threads
