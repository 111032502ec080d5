"""Sites as Neutron's parts name them: by name in bodies, by id in rows, by node in bindings.

While Tricircle's database is away the sites last read are used; a process that has never read them answers
503.
"""

from neutron_lib import exceptions

from tricircle.errors import DatabaseUnavailable
from tricircle.network.top import Top
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import Site


class SitesUnknown(exceptions.ServiceUnavailable):
    """The sites have never been read, and cannot be now."""

    message = "The sites cannot be read now."


def known(top: Top) -> Snapshot:
    """Return the sites.

    :raises SitesUnknown: see the module.
    """
    try:
        return top.snapshot
    except DatabaseUnavailable:
        raise SitesUnknown from None


def if_known(top: Top) -> Snapshot | None:
    """Return the sites, None where they cannot be read: for views that show them beside other things."""
    try:
        return top.snapshot
    except DatabaseUnavailable:
        return None


def find(top: Top, name: str, resource: str) -> Site:
    """Return a site by its name, or by its id.

    :param resource: what the request is about, for the error.
    :raises BadRequest: there is no such site.
    :raises SitesUnknown: see the module.
    """
    for is_fresh in (False, True):
        snapshot = known(top)
        site = snapshot.by_name.get(name) or snapshot.by_id.get(name)
        if site is not None:
            return site
        if not is_fresh:
            top.expire()  # it may have been registered a moment ago
    raise exceptions.BadRequest(resource=resource, msg=f"there is no site {name}")


def name_of(snapshot: Snapshot | None, site_id: str) -> str:
    """Return a site's name; its id where it is not registered any more."""
    site = None if snapshot is None else snapshot.by_id.get(site_id)
    return site_id if site is None else site.name


def node_of(snapshot: Snapshot, site: Site) -> str:
    """Return the name of a site's node, which is what `binding:host_id` shows."""
    return snapshot.node_name(site)


def on_node(snapshot: Snapshot, host: str) -> Site | None:
    """Return the site whose node a host is; None where it is none's."""
    return next((site for site in snapshot.by_id.values() if node_of(snapshot, site) == host), None)


def zones_of(snapshot: Snapshot, site_id: str) -> list[str]:
    """Return the names of the top's availability zones that a site belongs to, in order."""
    return [
        zone.name
        for zone in snapshot.zones.values()
        if any(member.site_id == site_id for member in zone.members)
    ]
