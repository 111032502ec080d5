"""Where a network may be, and as which of its segments.

A network that is in the fabric is, in a site, the one of its segments whose physical network the site has.
One that is not, or that is limited to one site without that, each site makes as it likes. One that is local
stays in the site that has it, also where its availability zone gets another one.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from tricircle.errors import BadRequest
from tricircle.realise.definition import Body
from tricircle.realise.segments import Segment, defined_segments, is_local
from tricircle.sites.registry import SiteRegistry, Snapshot
from tricircle.sites.site import Site


class OutOfReach(BadRequest):
    """A site cannot have a network, or a port; another one may.

    :param zones: the availability zones, or names of sites, of which one would have it; none where that is
        not known.
    """

    def __init__(
        self,
        message: str,
        *,
        site: str | None = None,
        request_id: str | None = None,
        zones: Sequence[str] = (),
    ) -> None:
        super().__init__(message, site=site, request_id=request_id)
        self.zones = zones


class Reach:
    """Tells by the sites that are registered."""

    def __init__(self, registry: SiteRegistry) -> None:
        self._registry = registry

    def sites_of(self, hints: Iterable[str]) -> set[str]:
        """Return the ids of the sites that availability zone hints stand for: of zones, or by name."""
        return sites_of(self._registry.snapshot, hints)

    def require_within(self, body: Body, site: Site, holders: Collection[str] = ()) -> None:
        """See to it that a network may be in a site.

        :param body: the definition's.
        :param holders: the ids of the sites that have it.
        :raises OutOfReach: its hints name others only; or it is local to another one.
        """
        hints = body["availability_zone_hints"]
        if hints and site.id not in self.sites_of(hints):
            raise OutOfReach(
                f"Network {body['id']} is limited to the availability zones {', '.join(hints)}; site "
                f"{site.name} is in none.",
                site=site.name,
                zones=hints,
            )
        if site.id not in holders and holders and is_local(defined_segments(body), hints):
            raise OutOfReach(
                f"Network {body['id']} is local to another site of its availability zones than {site.name}.",
                site=site.name,
            )

    def segment(self, body: Body, site: Site) -> Segment | None:
        """Return what a network is in a site, by the site's names; None where that is left to the site.

        :param body: the definition's.
        :raises OutOfReach: the site has none of the physical networks that it would need; or several, and
            nothing tells which one it is to be.
        """
        try:
            return _chosen_now(body, site, self._registry.snapshot)
        except OutOfReach:
            self._registry.expire()  # an administrator may have changed that a moment ago
            return _chosen_now(body, site, self._registry.snapshot)

    def own(self, body: Body, site: Site) -> Body:
        """Return what a site has of its own of a network, as `Realiser` wants it; raises as `segment`."""
        segment = self.segment(body, site)
        return {} if segment is None else {"segment": segment}


def _chosen_now(body: Body, site: Site, snapshot: Snapshot) -> Segment | None:
    return chosen(body, snapshot.by_id.get(site.id, site), snapshot)


def chosen(body: Body, site: Site, snapshot: Snapshot) -> Segment | None:
    """Choose the segment that a network is in a site; see `Reach.segment`."""
    segments = defined_segments(body)
    physical = [each for each in segments if each.is_physical]
    if not physical:
        return None
    there = candidates(physical, site, snapshot)
    if len(there) == 1:
        (segment,) = there
        return replace(segment, physical_network=site.physical_network(str(segment.physical_network)))
    network = f"Network {body['id']}"
    if there:
        raise OutOfReach(
            f"{network} has {len(there)} segments that it could be in site {site.name}. An administrator has "
            "to say with the site's physical_networks which it has.",
            site=site.name,
        )
    is_for_it_alone = sites_of(snapshot, body["availability_zone_hints"]) == {site.id}
    if is_for_it_alone or len(physical) < len(segments):
        return None
    raise OutOfReach(
        f"{network} cannot be in site {site.name}, which has none of its physical networks. Choose another "
        "availability zone, limit a new network to this one, or have an administrator add one to the site's "
        "physical_networks.",
        site=site.name,
    )


def candidates(physical: Iterable[Segment], site: Site, snapshot: Snapshot) -> list[Segment]:
    """Return the segments whose physical networks a site has; what no other site has goes first."""
    there = [each for each in physical if _has(site, each)]
    others = [other for other in snapshot.by_id.values() if other.id != site.id]
    alone = [each for each in there if not any(_has(other, each) for other in others)]
    return alone if len(alone) == 1 else there


def _has(site: Site, segment: Segment) -> bool:
    return site.physical_network(str(segment.physical_network)) is not None


def sites_of(snapshot: Snapshot, hints: Iterable[str]) -> set[str]:
    """Return the ids of the sites that availability zone hints stand for: of zones, or by name."""
    found: set[str] = set()
    for hint in hints:
        if hint in snapshot.zones:
            found |= {member.site_id for member in snapshot.zones[hint].members}
        elif hint in snapshot.by_name:
            found.add(snapshot.by_name[hint].id)
    return found
