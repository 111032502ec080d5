"""Candidates for a new resource: the sites of its availability zone, narrowed by what it is bound to, those
with more room before the others more often than not."""

from collections.abc import Sequence
from dataclasses import dataclass

from oslo_config import cfg

from tricircle.errors import BadRequest, SiteUnavailable
from tricircle.scheduler.ranking import Ranking
from tricircle.sites.health import HealthBoard
from tricircle.sites.registry import SiteRegistry, Snapshot
from tricircle.sites.site import Site


@dataclass(frozen=True, slots=True)
class Pin:
    """A resource that the new one is bound to, and the site that holds it.

    :param what: for the message to the user: `volume 8f...`.
    """

    what: str
    site: Site


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place for a new resource.

    :param site_az: what the site calls the availability zone; None leaves the choice to the site.
    """

    site: Site
    site_az: str | None


class Scheduler:
    """Chooses sites; the first of its candidates is the best one, the others are for when it is down."""

    def __init__(self, registry: SiteRegistry, health: HealthBoard, conf: cfg.ConfigOpts) -> None:
        self._registry = registry
        self._health = health
        self._default_zone: str | None = conf.default_availability_zone

    def candidates(
        self,
        service_type: str,
        zone: str | None,
        project_id: str | None,
        pins: Sequence[Pin],
        *,
        unknown_zone: str,
        placed: bool = True,
    ) -> list[Candidate]:
        """Return the places for a new resource, best first.

        A pin decides before the default zone does; a zone that was asked for must agree with it.

        :param zone: the top availability zone that was asked for.
        :param unknown_zone: the service's own words for a zone that does not exist.
        :param placed: False for what has no place of its own (a snapshot, an attachment): it goes where what
            it is bound to is, also in a site that gets nothing new.
        :raises BadRequest: no such zone, or it and the pins, or two pins, contradict each other.
        :raises SiteUnavailable: none of the sites takes anything now.
        """
        snapshot = self._registry.snapshot
        pinned = _agreed(pins)
        if not placed:
            return [Candidate(pinned.site if pinned else site, None) for site in snapshot.asked[:1]]
        asked = zone
        if zone is None and pinned is None:
            zone = self._registry.binding(project_id) or self._default_zone
        if zone is not None:
            places = _places(snapshot, zone, service_type, unknown_zone)
        else:
            places = [Candidate(site, None) for site in snapshot.asked]
        if pinned is not None:
            places = [place for place in places if place.site.id == pinned.site.id]
            if not places and asked is None:
                raise SiteUnavailable(f"Site {pinned.site.name} is disabled.", site=pinned.site.name)
            if not places:
                site = pinned.site.name
                raise BadRequest(f"{pinned.what} is in site {site}, where zone {asked} has no place.")
        return self._ready(places, service_type, snapshot)

    def _ready(self, places: list[Candidate], service_type: str, snapshot: Snapshot) -> list[Candidate]:
        taking = [place for place in places if place.site.takes_new]
        up = [place for place in taking if self._health.of(place.site.id, place.site.name).is_up]
        if not up:
            names = ", ".join(sorted({place.site.name for place in places}))
            which = f"{names} not available" if names else "no site has been registered for it"
            raise SiteUnavailable(f"Nothing new can be made now: {which}.", site=names or None)
        rank = Ranking(snapshot.nodes, [place.site.id for place in up], service_type)
        return sorted(up, key=lambda place: rank(place.site.id))


def _agreed(pins: Sequence[Pin]) -> Pin | None:
    for pin in pins[1:]:
        if pin.site.id != pins[0].site.id:
            raise BadRequest(
                f"{pins[0].what} is in site {pins[0].site.name} and {pin.what} is in site {pin.site.name}: "
                "they cannot be used together."
            )
    return pins[0] if pins else None


def _places(snapshot: Snapshot, zone: str, service_type: str, unknown_zone: str) -> list[Candidate]:
    found = snapshot.zones.get(zone)
    if found is None:
        raise BadRequest(unknown_zone.format(zone=zone))
    places = []
    for member in found.members:
        site = snapshot.by_id.get(member.site_id)
        if site is not None:
            places.append(Candidate(site, member.az_of(service_type)))
    return places
