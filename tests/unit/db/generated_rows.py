"""One row of each table, whatever its columns are."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # as the columns hold it


def fill(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    """Write a row into every table that has none; return the rows of all, by table."""
    tables = sa.MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        if table.name != "alembic_version" and not _rows(connection, table):
            connection.execute(table.insert(), {column.name: _value(column) for column in table.columns})
    return {table.name: _rows(connection, table)[0] for table in tables.sorted_tables}


def _rows(connection: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(table.select()).mappings()]


def _value(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.Integer):
        return 7
    if isinstance(column.type, sa.DateTime):
        return NOON
    # Also what refers to another table: its row has the same, and so can nobody be its own requirement.
    return "x"
