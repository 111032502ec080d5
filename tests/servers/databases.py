"""Databases that a test uses, and the next one after it: empty each time, without making them anew."""

import shutil
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from tests.servers.database_server import DatabaseServer

from tricircle.db import tables


class Databases(Protocol):
    """Where the databases of a test come from."""

    def without_tables(self) -> str:
        """Give the URL of a database without tables."""

    def with_tables(self) -> str:
        """Give the URL of a database with empty tables."""


class Files:
    """SQLite files in a directory of the test.

    :param template: a database with empty tables, to be copied.
    """

    def __init__(self, directory: Path, template: Path) -> None:
        self._file = directory / "tricircle.db"
        self._template = template

    def without_tables(self) -> str:
        """Give the URL of a database without tables; the file is not there yet."""
        return f"sqlite:///{self._file}"

    def with_tables(self) -> str:
        """Give the URL of a database with empty tables."""
        shutil.copyfile(self._template, self._file)
        return f"sqlite:///{self._file}"


class Shared:
    """Two databases of a server, shared by all tests, one at a time.

    :param server: the server, which a test may stop and start.
    """

    def __init__(self, server: DatabaseServer) -> None:
        self.server = server
        self._without_tables = _engine(server.make_database("without_tables"))
        self._with_tables = _engine(server.make_database("with_tables"))
        tables.metadata.create_all(self._with_tables)

    def without_tables(self) -> str:
        """Give the URL of a database without tables."""
        self.server.start()
        with self._without_tables.connect() as connection:
            is_empty = not sa.inspect(connection).get_table_names()
        if not is_empty:
            self._without_tables.dispose()
            self.server.make_database("without_tables")
        return self.server.url_of("without_tables")

    def with_tables(self) -> str:
        """Give the URL of a database with empty tables."""
        self.server.start()
        with self._with_tables.begin() as connection:
            for table in reversed(tables.metadata.sorted_tables):
                connection.execute(table.delete())
        return self.server.url_of("with_tables")

    def close(self) -> None:
        """Let go of the server."""
        self._without_tables.dispose()
        self._with_tables.dispose()


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url, pool_size=1, pool_pre_ping=True)
