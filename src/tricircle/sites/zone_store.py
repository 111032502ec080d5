"""The availability zone map, in the database.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry, DBReferenceError

from tricircle.db.engine import Database
from tricircle.db.tables import availability_zone_sites, availability_zones, sites
from tricircle.db.timestamps import now
from tricircle.errors import BadRequest, Conflict, NotFound
from tricircle.sites.store import find_site
from tricircle.sites.zone import Zone, ZoneMember

_MEMBERS = (
    sa.select(
        availability_zones,
        availability_zone_sites.c.site_id,
        sites.c.name.label("site_name"),
        availability_zone_sites.c.site_az,
        availability_zone_sites.c.volume_site_az,
    )
    .outerjoin_from(availability_zones, availability_zone_sites)
    .outerjoin(sites)
    .order_by(availability_zones.c.name, sites.c.name, availability_zone_sites.c.site_az)
)
"""One row a member, and one for a zone without any."""


@dataclass(frozen=True, slots=True)
class Place:
    """A member of a zone as an administrator names it.

    :param site: id or name.
    """

    site: str
    site_az: str
    volume_site_az: str | None = None


class ZoneStore:
    """Reads and writes availability zones. A zone is named by its name, and set as a whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Zone:
        """Return a zone.

        :raises NotFound: there is none.
        """
        with self._database.read() as connection:
            return _get(connection, name)

    def page(self, *, limit: int | None = None, marker: str | None = None) -> list[Zone]:
        """Return zones, by name.

        :param limit: most zones to return; None for all.
        :param marker: name of the last zone of the page before; the zone itself need not exist any more.
        """
        names = sa.select(availability_zones.c.name).order_by(availability_zones.c.name).limit(limit)
        if marker is not None:
            names = names.where(availability_zones.c.name > marker)
        with self._database.read() as connection:
            chosen = list(connection.scalars(names))
            return _zones(connection, _MEMBERS.where(availability_zones.c.name.in_(chosen)))

    def put(self, name: str, description: str, places: Iterable[Place]) -> tuple[Zone, bool]:
        """Make a zone what is given, whether it was there before or not.

        :return: the zone as it is afterwards, and whether it was made.
        :raises BadRequest: a site does not exist, or a place is named twice.
        :raises Conflict: another request sets the same zone, or removes one of its sites, at this moment.
        """
        try:
            with self._database.write() as connection:
                members = _members(connection, places)
                zone_id, created = _put_zone(connection, name, description)
                connection.execute(
                    availability_zone_sites.delete().where(
                        availability_zone_sites.c.availability_zone_id == zone_id
                    )
                )
                if members:
                    connection.execute(
                        availability_zone_sites.insert(),
                        [{"availability_zone_id": zone_id, **member} for member in members],
                    )
                return _get(connection, name), created
        except DBDuplicateEntry:
            raise Conflict(f"Availability zone {name} is being set by another request.") from None
        except DBReferenceError:
            raise Conflict(f"A site of availability zone {name} is being removed.") from None

    def delete(self, name: str) -> None:
        """Remove a zone. Resources that were made in it stay where they are.

        :raises NotFound: there is no such zone.
        :raises Conflict: projects are bound to it.
        """
        with self._database.write() as connection:
            zone = _get(connection, name)
            try:
                connection.execute(availability_zones.delete().where(availability_zones.c.id == zone.id))
            except DBReferenceError:
                raise Conflict(f"Projects are bound to availability zone {name}.") from None


def _get(connection: sa.Connection, name: str) -> Zone:
    found = _zones(connection, _MEMBERS.where(availability_zones.c.name == name))
    if not found:
        raise NotFound(f"Availability zone {name} could not be found.")
    return found[0]


def _zones(connection: sa.Connection, query: sa.Select[Any]) -> list[Zone]:
    rows = connection.execute(query).mappings()
    return [_zone(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def _zone(rows: list[sa.RowMapping]) -> Zone:
    members = (
        ZoneMember(row["site_id"], row["site_name"], row["site_az"], row["volume_site_az"])
        for row in rows
        if row["site_id"] is not None
    )
    first = rows[0]
    return Zone(
        first["id"],
        first["name"],
        first["description"],
        tuple(members),
        first["created_at"],
        first["updated_at"],
    )


def _put_zone(connection: sa.Connection, name: str, description: str) -> tuple[str, bool]:
    """Write the zone's own row; return its id, and whether it is new."""
    time = now()
    changes = {"description": description, "updated_at": time}
    found = connection.scalar(sa.select(availability_zones.c.id).where(availability_zones.c.name == name))
    if found is not None:
        connection.execute(
            availability_zones.update().where(availability_zones.c.id == found).values(changes)
        )
        return found, False
    zone_id = str(uuid.uuid4())
    connection.execute(availability_zones.insert().values(id=zone_id, name=name, created_at=time, **changes))
    return zone_id, True


def _members(connection: sa.Connection, places: Iterable[Place]) -> list[dict[str, str | None]]:
    """Find the sites of the places."""
    members = []
    seen = set()
    for place in places:
        try:
            site = find_site(connection, place.site)
        except NotFound as error:
            raise BadRequest(error.message) from None
        if (site.id, place.site_az) in seen:
            raise BadRequest(f"Zone {place.site_az} of site {site.name} is named twice.")
        seen.add((site.id, place.site_az))
        members.append({"site_id": site.id, "site_az": place.site_az, "volume_site_az": place.volume_site_az})
    return members
