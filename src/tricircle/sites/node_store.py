"""The nodes of the sites, in the database: their capacity, and whether they answer.

Every method raises DatabaseUnavailable where the database cannot be reached.
"""

import uuid
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry

from tricircle.db.engine import Database
from tricircle.db.tables import nodes as table
from tricircle.db.tables import sites
from tricircle.db.timestamps import now
from tricircle.sites.node import Figures, Node, NodeState

_FIGURES = tuple(field.name for field in fields(Figures))
_NOTHING = dict.fromkeys(_FIGURES, 0)


class NodeStore:
    """Reads and writes nodes. A site that is not registered any more gets none.

    :param clock: the present time, naive, UTC.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    def page(self) -> list[Node]:
        """Return all nodes, by name."""
        with self._database.read() as connection:
            return [_node(row) for row in connection.execute(sa.select(table).order_by(table.c.name))]

    def put(self, site_id: str, name: str, figures: Figures) -> None:
        """Keep what a site has just said of its capacity."""
        changes = asdict(figures) | {"name": name, "refreshed_at": self._clock()}
        self._write(
            lambda connection: _change(connection, site_id, changes) or _make(connection, site_id, changes)
        )

    def set_state(self, site_id: str, *, up: bool, cause: str | None) -> bool:
        """Keep whether a site answers.

        :param cause: what is wrong, if anything is: a site that is up may still lack something.
        :return: whether it was otherwise before, or not known.
        """
        state = NodeState.UP if up else NodeState.DOWN
        changes = {"state": state, "state_since": self._clock(), "cause": cause}

        def work(connection: sa.Connection) -> bool:
            if _change(connection, site_id, changes, table.c.state.is_(None) | (table.c.state != state)):
                return True
            if _change(connection, site_id, {"cause": cause}):
                return False
            return _make(connection, site_id, changes)

        return self._write(work)

    def _write(self, work: Callable[[sa.Connection], bool]) -> bool:
        try:
            return self._database.transact(work)
        except DBDuplicateEntry:  # somebody else has made the node meanwhile
            return self._database.transact(work)


def _change(
    connection: sa.Connection, site_id: str, changes: dict[str, Any], *conditions: sa.ColumnElement[bool]
) -> bool:
    statement = table.update().where(table.c.site_id == site_id, *conditions)
    return connection.execute(statement.values(**changes)).rowcount > 0


def _make(connection: sa.Connection, site_id: str, columns: dict[str, Any]) -> bool:
    """Make a node, named as its site unless the columns say otherwise; none for a site that is gone."""
    name = connection.scalar(sa.select(sites.c.name).where(sites.c.id == site_id).with_for_update())
    if name is None:
        return False
    row = {"id": str(uuid.uuid4()), "site_id": site_id, "name": name} | _NOTHING | columns
    connection.execute(table.insert(), row)
    return True


def _node(row: sa.Row[Any]) -> Node:
    return Node(
        row.id,
        row.site_id,
        row.name,
        Figures(**{name: getattr(row, name) for name in _FIGURES}),
        row.refreshed_at,
        None if row.state is None else NodeState(row.state),
        row.state_since,
        row.cause,
    )
