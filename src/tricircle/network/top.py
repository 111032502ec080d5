"""The rest of the top, as Neutron's processes reach it: the register of sites, and the asking for jobs.

Neutron has one global configuration with a `[database]` of its own; Tricircle's is an object beside it, read
from files of its own. Connections are made at the first use in each process, so a process that forks
hands none to its children.
"""

import os
import threading
from collections.abc import Sequence

from oslo_config import cfg

from tricircle import config
from tricircle.db.engine import Database
from tricircle.jobs import boots
from tricircle.jobs.bus import make_bus
from tricircle.jobs.job import Job, Request
from tricircle.jobs.requester import JobRequester
from tricircle.network import options
from tricircle.refreshed import in_background
from tricircle.sites.registry import SiteRegistry, Snapshot


class _Connected:
    """What one process has of the top. To make it connects to nothing yet."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.process = os.getpid()
        self.database = Database(conf)
        self.registry = SiteRegistry(self.database, conf.sites.refresh_interval, start=in_background)
        self.requester = JobRequester(self.database)
        self.bus = make_bus(conf)


class Top:
    """The register of sites and the jobs, for all threads of all processes that come from this one.

    :param conf: Tricircle's configuration.
    :raises ValueError: `[database] connection` or `transport_url` cannot work.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._lock = threading.Lock()
        self._connected: _Connected | None = _Connected(conf)

    @property
    def snapshot(self) -> Snapshot:
        """The sites and zones, a few seconds old, or older while the database is away.

        :raises DatabaseUnavailable: they have never been read by this process, and cannot be now.
        """
        return self._parts.registry.snapshot

    @property
    def at_hand(self) -> Snapshot | None:
        """The sites and zones as this process read them last, None where it never did.

        For what is within a transaction of Neutron's, which is not to wait for another database. Another
        thread reads what is due.
        """
        return self._parts.registry.at_hand

    def expire(self) -> None:
        """Have the next look at the sites read them again."""
        self._parts.registry.expire()

    def request(self, requests: Sequence[Request]) -> list[Job]:
        """Ask for jobs, all or none of them, and wake workers.

        :raises DatabaseUnavailable: the database cannot be reached.
        """
        parts = self._parts
        jobs = parts.requester.request(*requests)
        parts.bus.wake(jobs)
        return jobs

    def sites_of_boots_on(self, used: str, **projects: str) -> set[str]:
        """Return the ids of the sites in which servers are being made on a network or port, or in a group.

        :param projects: `of` or `not_of`: whose servers; see `tricircle.jobs.boots`.
        :raises DatabaseUnavailable: the database cannot be reached.
        """
        with self._parts.database.read() as connection:
            return boots.sites_of_boots_on(connection, used, **projects)

    def is_booted_in(self, group_id: str, name: str, project_id: str) -> bool:
        """Say whether servers are being made in a security group.

        :raises DatabaseUnavailable: the database cannot be reached.
        """
        with self._parts.database.read() as connection:
            return boots.is_booted_in(connection, group_id, name, project_id)

    def close(self) -> None:
        """Let go of the database and the bus; the next use takes hold of them again."""
        with self._lock:
            parts, self._connected = self._connected, None
        if parts is not None and parts.process == os.getpid():
            parts.bus.close()
            parts.database.close()

    @property
    def _parts(self) -> _Connected:
        parts = self._connected
        if parts is not None and parts.process == os.getpid():
            return parts
        with self._lock:
            parts = self._connected
            if parts is None or parts.process != os.getpid():
                if parts is not None:
                    # The connections are the parent's, who goes on using them: they are not to be closed.
                    parts.database.engine.dispose(close=False)
                parts = self._connected = _Connected(self._conf)
            return parts


_tops: dict[tuple[str, ...], Top] = {}
_making = threading.Lock()


def of(conf: cfg.ConfigOpts = cfg.CONF) -> Top:
    """Return the top that Neutron's configuration names: the same for all parts of the plugin.

    :raises oslo_config.cfg.Error: a file is missing, or an option in it is wrong.
    :raises ValueError: `[database] connection` or `transport_url` in it cannot work.
    """
    options.register(conf)
    files = tuple(conf.tricircle.config_file)
    with _making:
        if files not in _tops:
            _tops[files] = Top(config.load(files=files))
        return _tops[files]


def forget() -> None:
    """Let go of every top that this process has used."""
    with _making:
        while _tops:
            _tops.popitem()[1].close()
