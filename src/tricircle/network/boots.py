"""Keeps a network at the top while a site makes a server on it, of whose port the top does not know yet.

What Neutron itself sees are ports. A server's comes to the top a moment after the server was asked for, and
until then Tricircle's jobs tell that there is one. They are looked at outside of any transaction, and not for
long: where they cannot be, the network goes, and the site's copy with the last server on it.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from neutron_lib import exceptions
from neutron_lib.callbacks import events, registry, resources
from oslo_log import log

from tricircle.errors import TricircleError
from tricircle.network.top import Top

LOG = log.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that a delete waits for Tricircle's database."""

PAUSE = 5.0
"""Seconds for which nobody asks again after it could not be asked."""

_THREADS = 4


class Boots:
    """Refuses the deletion of networks; for all threads of a process, and of those that come from it.

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
        """Be asked before a network is deleted."""
        registry.subscribe(self._refuse, resources.NETWORK, events.BEFORE_DELETE)

    def are_under_way(self, network_id: str) -> bool:
        """Say whether servers are being made on a network; also no, where that cannot be told in time."""
        if self._clock() < self._quiet_until:
            return False
        try:
            return bool(self._pool().submit(self._top.sites_of_boots_on, network_id).result(PATIENCE))
        except (TricircleError, TimeoutError) as error:
            self._quiet_until = self._clock() + PAUSE
            LOG.warning("Networks are deleted without a look at what is being made on them: %r", error)
            return False

    def _refuse(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        if self.are_under_way(payload.resource_id):
            reason = "A server is being made on it"
            raise exceptions.NetworkInUse(net_id=payload.resource_id, reason=reason)

    def _pool(self) -> ThreadPoolExecutor:
        """Return this process's threads: a child has none of its parent's."""
        with self._making:
            if self._threads is None or self._process != os.getpid():
                self._process = os.getpid()
                self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="boots")
            return self._threads
