"""The share of a worker that meets the others by tooz: on a hash ring of them each thing has one owner.

Who the members are is looked up again and again, so that workers come and go as they like. Where they cannot
meet, each worker takes everything for its own.
"""

import contextlib
import warnings

from oslo_log import log

with warnings.catch_warnings():
    # Of libraries about one another: eventlet is loaded by one, and used by none.
    warnings.simplefilter("ignore")
    from tooz import coordination, hashring

LOG = log.getLogger(__name__)

_GROUP = b"tricircle-xjob"


class ToozShares:
    """One worker's share.

    :param url: tooz's backend URL.
    :param name: the worker's.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._member = name.encode()
        self._coordinator: coordination.CoordinationDriver | None = None
        self._ring: hashring.HashRing | None = None
        self._failing = False

    def refresh(self) -> None:
        """Tell the others that this worker lives, and see who they are."""
        try:
            members = self._meet()
        except Exception as error:  # noqa: BLE001  # drivers raise what they like
            self._miss(error)
            return
        if self._ring is None or set(self._ring.nodes) != members:
            LOG.info("Periodic work is shared out among %d workers", len(members))
            self._ring = hashring.HashRing(members)
        self._failing = False

    def is_mine(self, thing: str) -> bool:
        """Say whether something is this worker's to do."""
        return self._ring is None or self._member in self._ring.get_nodes(thing.encode())

    def leave(self) -> None:
        """Leave the work to the others."""
        coordinator, self._coordinator = self._coordinator, None
        if coordinator is not None:
            with contextlib.suppress(Exception):  # they find out by themselves
                coordinator.stop()

    def _meet(self) -> set[bytes]:
        """Return the members, this worker among them."""
        if self._coordinator is None:
            coordinator = coordination.get_coordinator(self._url, self._member)
            coordinator.start()
            self._coordinator = coordinator
        self._coordinator.heartbeat()
        try:
            members = self._coordinator.get_members(_GROUP).get()
        except coordination.GroupNotCreated:
            members = set()
        if self._member not in members:
            # For the first time, or the backend has lost what it knew.
            with contextlib.suppress(coordination.MemberAlreadyExist):
                self._coordinator.join_group_create(_GROUP)
        return {*members, self._member}

    def _miss(self, error: Exception) -> None:
        if not self._failing:
            # Not what it says: that may quote the URL.
            what = type(error).__name__
            LOG.warning("Workers cannot meet, so this one does all periodic work: %s", what)
        self._failing = True
        self._ring = None
        LOG.debug("Meeting failed", exc_info=error)
        self.leave()
