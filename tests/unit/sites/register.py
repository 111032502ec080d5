"""What stands in for the register of sites and zones."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.db.tables import sites as table
from tricircle.sites.node import Node
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import Site
from tricircle.sites.zone import Zone, ZoneMember

_TIME = site("any").created_at


def zone(name: str, *members: ZoneMember) -> Zone:
    """Make a zone of the top."""
    return Zone(f"id-{name}", name, "", members, _TIME, _TIME)


def member(where: Site, site_az: str, volume_site_az: str | None = None) -> ZoneMember:
    """Make a zone's place in a site."""
    return ZoneMember(where.id, where.name, site_az, volume_site_az)


@dataclass
class Register:
    """Stands in for the site registry.

    :param bindings: project id -> zone.
    :param nodes: what is known of the sites.
    """

    sites: Iterable[Site]
    zones: Iterable[Zone] = ()
    bindings: Mapping[str | None, str] = field(default_factory=dict)
    nodes: Iterable[Node] = ()

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot.of(self.sites, self.zones, self.nodes)

    def expire(self) -> None:
        """Have the next look read them again, which each does."""

    def binding(self, project_id: str | None) -> str | None:
        return self.bindings.get(project_id)


def write(database: Database, *sites: Site) -> None:
    """Put sites into the database as they are."""
    with database.write() as connection:
        connection.execute(table.insert(), [asdict(each) for each in sites])
