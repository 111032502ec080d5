"""The index of resources, in the database: which site holds which, as far as anybody has learnt.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.

Lists are in Nova's and Cinder's default order: the newest first. Of resources made at the same instant the
greater id stands first; those whose time is not known yet stand last.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from oslo_db.exception import DBReferenceError
from sqlalchemy.dialects import mysql, postgresql, sqlite

from tricircle.db.engine import Database
from tricircle.db.tables import routes as table
from tricircle.db.tables import sites
from tricircle.db.timestamps import now
from tricircle.routing.route import Route

Point = tuple[datetime | None, str]
"""A place in the order of lists: time of creation and id."""

_LEARNT = ("project_id", "created_at")
"""What the first answer that shows a resource may leave out, and a later one may add."""

_COLUMNS = tuple(
    table.c[name]
    for name in ("top_id", "resource_type", "site_id", "site_resource_id", "project_id", "created_at")
)
_ROUTES = sa.select(*_COLUMNS)
_BY_ID = _ROUTES.where(table.c.top_id == sa.bindparam("top_id")).order_by(
    table.c.recorded_at, table.c.site_id
)
_FIND = _BY_ID.where(table.c.resource_type == sa.bindparam("resource_type")).limit(1)


def _insert_with_conflict(insert: Any) -> sa.Insert:
    """Make SQLite's and PostgreSQL's statement: where the row exists, fill in what it lacks."""
    new = insert.excluded
    learns = sa.or_(*(table.c[name].is_(None) & new[name].is_not(None) for name in _LEARNT))
    statement: sa.Insert = insert.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={name: sa.func.coalesce(table.c[name], new[name]) for name in _LEARNT},
        where=learns,  # otherwise PostgreSQL would write each row anew
    )
    return statement


def _insert_with_duplicate_key(insert: mysql.Insert) -> sa.Insert:
    """Make MariaDB's and MySQL's, which writes nothing by itself where nothing changes."""
    return insert.on_duplicate_key_update(
        {name: sa.func.coalesce(table.c[name], insert.inserted[name]) for name in _LEARNT}
    )


_RECORD = MappingProxyType(
    {
        "sqlite": _insert_with_conflict(sqlite.insert(table)),
        "postgresql": _insert_with_conflict(postgresql.insert(table)),
        "mysql": _insert_with_duplicate_key(mysql.insert(table)),
        "mariadb": _insert_with_duplicate_key(mysql.insert(table)),
    }
)


class RouteStore:
    """Reads and writes routes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, top_id: str, resource_type: str) -> Route | None:
        """Return the route of a homed resource, or None.

        Where several sites claim to hold it, the one that was recorded first.
        """
        with self._database.read() as connection:
            row = connection.execute(_FIND, {"top_id": top_id, "resource_type": resource_type}).one_or_none()
        return None if row is None else Route(*row)

    def all(self, top_id: str) -> list[Route]:
        """Return every route of an id, of any type and site, the one recorded first first."""
        with self._database.read() as connection:
            return [Route(*row) for row in connection.execute(_BY_ID, {"top_id": top_id})]

    def record(self, routes: Iterable[Route]) -> None:
        """Keep routes that an answer has shown, all or none of them.

        The first to record a resource in a site wins: a row is never changed but for a project or a time of
        creation that it lacked. A resource that turns up in another site gets a second row, and the first
        one stays what `find` returns, until it is forgotten. Routes to a site that is not registered any
        more are left out.
        """
        rows = _rows(routes)
        if not rows:
            return
        try:
            self._database.transact(_recording(rows), is_idempotent=True)
        except DBReferenceError:
            self._database.transact(_recording(rows, registered_only=True), is_idempotent=True)

    @staticmethod
    def recording(routes: Iterable[Route]) -> Callable[[sa.Connection], None]:
        """Return what keeps routes as `record` does, within a transaction of somebody else's."""
        return _recording(_rows(routes), registered_only=True)

    def forget(self, top_id: str, resource_type: str, site_id: str) -> None:
        """Drop a route; does nothing where there is none."""
        self._database.transact(self.forgetting(top_id, resource_type, site_id), is_idempotent=True)

    @staticmethod
    def forgetting(top_id: str, resource_type: str, site_id: str) -> Callable[[sa.Connection], None]:
        """Return what drops a route as `forget` does, within a transaction of somebody else's."""
        statement = table.delete().where(
            table.c.top_id == top_id, table.c.resource_type == resource_type, table.c.site_id == site_id
        )

        def work(connection: sa.Connection) -> None:
            connection.execute(statement)

        return work

    def known(self, resource_type: str, site_id: str, top_ids: Collection[str]) -> dict[str, str | None]:
        """Return which of some resources have a route to a site, each with its project."""
        query = sa.select(table.c.top_id, table.c.project_id).where(
            table.c.top_id.in_(top_ids),
            table.c.resource_type == resource_type,
            table.c.site_id == site_id,
        )
        with self._database.read() as connection:
            return {row.top_id: row.project_id for row in connection.execute(query)}

    def between(
        self,
        resource_type: str,
        site_id: str,
        after: str,
        until: str | None,
        *,
        recorded_before: datetime,
        limit: int,
    ) -> list[str]:
        """Return the ids of the first routes of a site after an id, in their order.

        :param until: the last id that counts; None for no end.
        :param recorded_before: those recorded since are left out. Naive, UTC.
        """
        query = sa.select(table.c.top_id).where(
            table.c.top_id > after,
            table.c.resource_type == resource_type,
            table.c.site_id == site_id,
            table.c.recorded_at < recorded_before,
        )
        if until is not None:
            query = query.where(table.c.top_id <= until)
        with self._database.read() as connection:
            return list(connection.scalars(query.order_by(table.c.top_id).limit(limit)))

    def page(
        self,
        project_id: str | None,
        resource_type: str,
        site_id: str,
        limit: int | None,
        *,
        after: Point | None = None,
    ) -> list[Route]:
        """Return the routes of one site, in the order of lists.

        :param project_id: None for all projects.
        :param limit: most routes to return; None for all.
        :param after: those that come after this point; it need not be that of any route.
        """
        scope = _scope(project_id, resource_type, site_id)
        found: list[Route] = []
        with self._database.read() as connection:
            # Databases disagree on where NULLs stand, hence two queries.
            for query in (_dated(scope, after), _undated(scope, after)):
                rest = None if limit is None else limit - len(found)
                if query is not None and rest != 0:
                    found += [Route(*row) for row in connection.execute(query.limit(rest))]
        return found

    def nearest_before(
        self,
        project_id: str | None,
        resource_type: str,
        site_id: str,
        created_at: datetime,
        top_id: str | None = None,
    ) -> Route | None:
        """Return the last route of one site that stands before a point in the order of lists, or None.

        It is the marker to give to this site so that its page begins where the point is in the list of all.

        :param project_id: None for all projects.
        :param top_id: the id of the point; None counts every route of the very time as before it.
        """
        query = _scope(project_id, resource_type, site_id).where(table.c.created_at >= created_at)
        if top_id is not None:
            query = query.where((table.c.created_at > created_at) | (table.c.top_id > top_id))
        query = query.order_by(table.c.created_at, table.c.top_id).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Route(*row)

    def projects(self, resource_type: str, site_id: str) -> list[str]:
        """Return the ids of the projects that have resources of a type in a site, sorted."""
        query = (
            sa.select(table.c.project_id)
            .where(
                table.c.site_id == site_id,
                table.c.resource_type == resource_type,
                table.c.project_id.is_not(None),
            )
            .distinct()
            .order_by(table.c.project_id)
        )
        with self._database.read() as connection:
            return [project_id for project_id in connection.scalars(query) if project_id is not None]


def _rows(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """Make rows in one order, so that two writers of the same do not wait for each other in a circle."""
    time = now()
    rows = (asdict(route) | {"recorded_at": time} for route in routes)
    return sorted(rows, key=lambda row: (row["top_id"], row["resource_type"], row["site_id"]))


def _recording(
    rows: list[dict[str, Any]], *, registered_only: bool = False
) -> Callable[[sa.Connection], None]:
    def work(connection: sa.Connection) -> None:
        chosen = rows
        if registered_only:
            registered = set(connection.scalars(sa.select(sites.c.id)))
            chosen = [row for row in rows if row["site_id"] in registered]
        if chosen:
            connection.execute(_RECORD[connection.dialect.name], chosen)

    return work


def _scope(project_id: str | None, resource_type: str, site_id: str) -> sa.Select[Any]:
    query = _ROUTES.where(table.c.site_id == site_id, table.c.resource_type == resource_type)
    return query if project_id is None else query.where(table.c.project_id == project_id)


def _dated(scope: sa.Select[Any], after: Point | None) -> sa.Select[Any] | None:
    """Select the routes with a time that come after a point; None if that is past all of them."""
    query = scope.where(table.c.created_at.is_not(None)).order_by(
        table.c.created_at.desc(), table.c.top_id.desc()
    )
    if after is None:
        return query
    created_at, top_id = after
    if created_at is None:
        return None
    # The first comparison alone decides where an index is entered.
    return query.where(
        table.c.created_at <= created_at, (table.c.created_at < created_at) | (table.c.top_id < top_id)
    )


def _undated(scope: sa.Select[Any], after: Point | None) -> sa.Select[Any]:
    """Select the routes without a time that come after a point."""
    query = scope.where(table.c.created_at.is_(None)).order_by(table.c.top_id.desc())
    if after is None or after[0] is not None:
        return query
    return query.where(table.c.top_id < after[1])
