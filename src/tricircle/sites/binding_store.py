"""Which projects are bound to an availability zone, in the database.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
"""

from dataclasses import dataclass

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

_BINDINGS = (
    sa.select(project_bindings.c.project_id, availability_zones.c.name)
    .join_from(project_bindings, availability_zones)
    .order_by(project_bindings.c.project_id)
)


@dataclass(frozen=True, slots=True)
class Binding:
    """A project and the name of the zone that it is bound to."""

    project_id: str
    availability_zone: str


class BindingStore:
    """Reads and writes the zone that what a project makes goes to, where the request names none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def zone_of(self, project_id: str) -> str | None:
        """Return the name of the zone that a project is bound to; None where it is not bound."""
        with self._database.read() as connection:
            return connection.execute(_ZONE_OF, {"project_id": project_id}).scalar_one_or_none()

    def page(
        self, *, zone: str | None = None, limit: int | None = None, marker: str | None = None
    ) -> list[Binding]:
        """Return bindings, by project id.

        :param zone: name of the only zone whose bindings are wanted; None for all zones.
        :param limit: most bindings to return; None for all.
        :param marker: the last project of the page before; it need not be bound any more.
        """
        query = _BINDINGS.limit(limit)
        if zone is not None:
            query = query.where(availability_zones.c.name == zone)
        if marker is not None:
            query = query.where(project_bindings.c.project_id > marker)
        with self._database.read() as connection:
            return [Binding(*row) for row in connection.execute(query)]

    def bind(self, project_id: str, zone: str) -> bool:
        """Bind a project to a zone, whatever it was bound to before.

        :param zone: name.
        :return: whether it was not bound before.
        :raises NotFound: there is no such zone.
        :raises Conflict: another request binds the same project, or removes the zone, at this moment.
        """

        def work(connection: sa.Connection) -> bool:
            zone_id = connection.scalar(
                sa.select(availability_zones.c.id).where(availability_zones.c.name == zone)
            )
            if zone_id is None:
                raise NotFound(f"Availability zone {zone} could not be found.")
            was_bound = connection.execute(_of(project_id)).rowcount > 0
            connection.execute(
                project_bindings.insert().values(project_id=project_id, availability_zone_id=zone_id)
            )
            return not was_bound

        try:
            return self._database.transact(work)
        except (DBDuplicateEntry, DBReferenceError):
            raise Conflict(f"Project {project_id} is being bound by another request.") from None

    def unbind(self, project_id: str) -> bool:
        """Let a project go; return whether it was bound."""
        return self._database.transact(lambda connection: connection.execute(_of(project_id)).rowcount > 0)


def _of(project_id: str) -> sa.Delete:
    return project_bindings.delete().where(project_bindings.c.project_id == project_id)
