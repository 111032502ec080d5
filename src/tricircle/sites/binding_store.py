"""Which projects are bound to an availability zone, in the database.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
"""

import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry, DBReferenceError

from tricircle.db.engine import Database
from tricircle.db.tables import availability_zones, project_bindings
from tricircle.errors import Conflict, NotFound

_ZONE_OF = (
    sa.select(availability_zones.c.name)
    .join(project_bindings)
    .where(project_bindings.c.project_id == sa.bindparam("project_id"))
)


class BindingStore:
    """Reads and writes the zone that what a project makes goes to, where the request names none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def zone_of(self, project_id: str) -> str | None:
        """Return the name of the zone that a project is bound to; None where it is not bound."""
        with self._database.read() as connection:
            return connection.execute(_ZONE_OF, {"project_id": project_id}).scalar_one_or_none()

    def bind(self, project_id: str, zone: str) -> None:
        """Bind a project to a zone, whatever it was bound to before.

        :param zone: name.
        :raises NotFound: there is no such zone.
        :raises Conflict: another request binds the same project, or removes the zone, at this moment.
        """
        try:
            with self._database.write() as connection:
                zone_id = connection.scalar(
                    sa.select(availability_zones.c.id).where(availability_zones.c.name == zone)
                )
                if zone_id is None:
                    raise NotFound(f"Availability zone {zone} could not be found.")
                connection.execute(_of(project_id))
                connection.execute(
                    project_bindings.insert().values(project_id=project_id, availability_zone_id=zone_id)
                )
        except (DBDuplicateEntry, DBReferenceError):
            raise Conflict(f"Project {project_id} is being bound by another request.") from None

    def unbind(self, project_id: str) -> None:
        """Let a project go; does nothing where it is not bound."""
        with self._database.write() as connection:
            connection.execute(_of(project_id))


def _of(project_id: str) -> sa.Delete:
    return project_bindings.delete().where(project_bindings.c.project_id == project_id)
