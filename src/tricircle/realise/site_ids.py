"""What each site calls the networks, subnets, security groups and ports of the top, and the other way round.

A site's id stands for the same thing at the top for good, and is looked up once. The other way round it does
not: what has left a site and comes back, which any process may see to, has another id there.
"""

import threading

from cachetools import LRUCache

from tricircle.errors import DatabaseUnavailable
from tricircle.realise.realisation_store import RealisationStore

_MOST = 50_000
"""Ids that one process keeps in each direction; some 20 MB."""


class SiteIds:
    """Looks ids up. For all threads of a process."""

    def __init__(self, store: RealisationStore, *, most: int = _MOST) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._in_site: LRUCache[tuple[str, str, str], str] = LRUCache(most)
        self._at_top: LRUCache[tuple[str, str, str], str] = LRUCache(most)

    def in_site(self, kind: str, top_id: str, site_id: str) -> str | None:
        """Return what a site calls something; None where it has none, or calls it as the top does.

        While the database is away, what it was called last.

        :raises DatabaseUnavailable: it is not kept, and cannot be read.
        """
        try:
            found = self._store.id_in_site(kind, top_id, site_id)
        except DatabaseUnavailable:
            with self._lock:
                found = self._in_site.get((kind, top_id, site_id))
            if found is None:
                raise
        else:
            if found is not None:
                self.keep(kind, top_id, site_id, found)
        return found

    def at_top(self, kind: str, site_id: str, site_resource_id: str) -> str | None:
        """Return what the top calls something of a site; None where it knows none, or calls it as the site.

        :raises DatabaseUnavailable: it is not kept, and cannot be read.
        """
        with self._lock:
            found: str | None = self._at_top.get((kind, site_id, site_resource_id))
        if found is None:
            found = self._store.key_at_top(kind, site_id, site_resource_id)
            if found is not None:
                self.keep(kind, found, site_id, site_resource_id)
        return found

    def keep(self, kind: str, top_id: str, site_id: str, site_resource_id: str) -> None:
        """Keep a pair."""
        with self._lock:
            self._in_site[kind, top_id, site_id] = site_resource_id
            self._at_top[kind, site_id, site_resource_id] = top_id
