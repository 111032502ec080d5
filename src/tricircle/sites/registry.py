"""The sites, their nodes and the availability zone map, as every request reads them.

They are in memory, a few seconds old.

While the database cannot be reached the last state stays in use (see `tricircle.refreshed`).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from tricircle.db.engine import Database
from tricircle.refreshed import Refreshed, Start
from tricircle.sites.binding_store import BindingStore
from tricircle.sites.node import Node
from tricircle.sites.node_store import NodeStore
from tricircle.sites.site import Site
from tricircle.sites.store import SiteStore
from tricircle.sites.zone import BLOCK_STORAGE, Zone
from tricircle.sites.zone_store import ZoneStore


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The sites and zones of one moment.

    :param asked: the sites that are called, by name: those that are not disabled.
    :param by_id: every site, the disabled ones too, as are `by_name` and `by_region`.
    :param zones: the top's availability zones by name. Their members are sites of this snapshot.
    :param nodes: what is known of sites' capacity and state, by the sites' ids.
    """

    asked: tuple[Site, ...]
    by_id: Mapping[str, Site]
    by_name: Mapping[str, Site]
    by_region: Mapping[str, Site]
    zones: Mapping[str, Zone]
    nodes: Mapping[str, Node]
    _zone_names: Mapping[tuple[str, str, bool], str]

    @classmethod
    def of(cls, sites: Iterable[Site], zones: Iterable[Zone], nodes: Iterable[Node] = ()) -> Self:
        """Make a snapshot.

        :param zones: members of a site that is not among `sites` are left out.
        """
        by_name = {site.name: site for site in sorted(sites, key=lambda site: site.name)}
        by_id = {site.id: site for site in by_name.values()}
        kept = {zone.name: _within(zone, by_id) for zone in sorted(zones, key=lambda zone: zone.name)}
        return cls(
            asked=tuple(site for site in by_name.values() if site.is_asked),
            by_id=MappingProxyType(by_id),
            by_name=MappingProxyType(by_name),
            by_region=MappingProxyType({site.region_name: site for site in by_name.values()}),
            zones=MappingProxyType(kept),
            nodes=MappingProxyType({node.site_id: node for node in nodes}),
            _zone_names=_reversed(kept.values()),
        )

    def zone_name(self, site_id: str, site_az: str, service_type: str) -> str:
        """Return what the top calls an availability zone of a site: the first by name where several do.

        :param service_type: whose zone it is; a site's Cinder may name its zones unlike its Nova.
        :return: the site's own name for it where no zone of the top stands for it.
        """
        return self._zone_names.get((site_id, site_az, service_type == BLOCK_STORAGE), site_az)

    def node_name(self, site: Site) -> str:
        """Return the name of the node that stands for a site, which is the host of its ports at the top."""
        node = self.nodes.get(site.id)
        return site.name if node is None else node.name


class SiteRegistry:
    """Keeps a snapshot that is read again at most every `interval` seconds.

    :param interval: seconds; `[sites] refresh_interval`.
    :param start: as `Refreshed` has it.
    """

    def __init__(
        self,
        database: Database,
        interval: float,
        *,
        start: Start | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sites = SiteStore(database)
        self._zones = ZoneStore(database)
        self._nodes = NodeStore(database)
        self._bindings = BindingStore(database)
        self._refreshed = Refreshed("the sites", self._read, interval, start=start, clock=clock)

    @property
    def snapshot(self) -> Snapshot:
        """The sites and zones; costs a look at the clock unless they are due.

        :raises DatabaseUnavailable: they have never been read, and cannot be now.
        """
        return self._refreshed.get()

    @property
    def at_hand(self) -> Snapshot | None:
        """The sites and zones as they were read last, without a wait; None where they never were."""
        return self._refreshed.at_hand()

    def expire(self) -> None:
        """Have the next look read them again."""
        self._refreshed.expire()

    def binding(self, project_id: str | None) -> str | None:
        """Return the name of the zone that a project is bound to; read from the database each time.

        :param project_id: None for a user without a project, who is bound to nothing.
        :raises DatabaseUnavailable: the database cannot be reached.
        """
        return None if project_id is None else self._bindings.zone_of(project_id)

    def _read(self) -> Snapshot:
        # Zones first: a site that a zone names is then among the sites, unless it was removed in between.
        zones = self._zones.page()
        return Snapshot.of(self._sites.page(), zones, self._nodes.page())


def _within(zone: Zone, by_id: Mapping[str, Site]) -> Zone:
    members = tuple(member for member in zone.members if member.site_id in by_id)
    return Zone(zone.id, zone.name, zone.description, members, zone.created_at, zone.updated_at)


def _reversed(zones: Iterable[Zone]) -> Mapping[tuple[str, str, bool], str]:
    """Map (site id, the site's zone, whether Cinder's) to the name of the first zone that stands for it."""
    names: dict[tuple[str, str, bool], str] = {}
    for zone in zones:
        for member in zone.members:
            names.setdefault((member.site_id, member.site_az, False), zone.name)
            names.setdefault((member.site_id, member.az_of(BLOCK_STORAGE), True), zone.name)
    return MappingProxyType(names)
