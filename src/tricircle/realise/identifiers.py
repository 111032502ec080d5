"""What sites call the replicated resources that have another id in each: volume types and QoS specs.

In memory, a few seconds old; read again when an id is met that is not known, as it may be of something new.
While the database cannot be reached the last state stays in use, and an id that is not known stays as it is.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tricircle.errors import DatabaseUnavailable
from tricircle.realise.realisation_store import RealisationStore
from tricircle.refreshed import Refreshed

KINDS = ("qos_spec", "volume_type")

_PAUSE = 1.0
"""Seconds between two readings because of ids that are not known."""


@dataclass(frozen=True, slots=True)
class _Names:
    """The ids of one moment: by kind, key and site; and by kind, site and the site's id."""

    in_site: Mapping[tuple[str, str, str], str]
    at_top: Mapping[tuple[str, str, str], str]
    anywhere: Mapping[tuple[str, str], str]


class Identifiers:
    """Translates ids between the top and the sites.

    :param interval: seconds for which what was read is used.
    """

    def __init__(
        self, store: RealisationStore, interval: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._names = Refreshed("the ids of replicated resources", self._read, interval, clock=clock)

    def in_site(self, kind: str, key: str, site_id: str) -> str | None:
        """Return what a site calls something; None where that is not known.

        What is not known yet may have been made this moment, by another process: it is looked up.
        """
        try:
            found = self._names.get().in_site.get((kind, key, site_id))
            return self._store.id_in_site(kind, key, site_id) if found is None else found
        except DatabaseUnavailable:
            return None

    def at_top(self, kind: str, site_id: str, site_resource_id: str) -> str:
        """Return what the top calls something of a site; where that is not known, as the site does."""
        found = self._look(lambda names: names.at_top.get((kind, site_id, site_resource_id)))
        return site_resource_id if found is None else found

    def key_of(self, kind: str, identifier: str) -> str | None:
        """Return what the top calls something that some site calls so."""
        return self._look(lambda names: names.anywhere.get((kind, identifier)))

    def expire(self) -> None:
        """Have them read again: something has been made, renamed or deleted just now."""
        self._names.expire()

    def _look(self, find: Callable[[_Names], str | None]) -> str | None:
        try:
            found = find(self._names.get())
            if found is None:
                self._names.expire(older_than=_PAUSE)
                found = find(self._names.get())
        except DatabaseUnavailable:
            return None
        return found

    def _read(self) -> _Names:
        rows = self._store.names(KINDS)
        return _Names(
            {(kind, key, site_id): known_as for kind, key, site_id, known_as in rows},
            {(kind, site_id, known_as): key for kind, key, site_id, known_as in rows},
            {(kind, known_as): key for kind, key, _, known_as in rows},
        )
