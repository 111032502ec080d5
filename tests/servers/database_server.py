"""A server of databases: it makes empty ones."""

from abc import abstractmethod
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from tests.servers.server import HOST, Server

DATABASE = "tricircle"


class DatabaseServer(Server):
    """A server of databases."""

    DRIVER: ClassVar[str]
    """Of SQLAlchemy: database and driver."""
    USER: ClassVar[str]
    MAINTENANCE: ClassVar[str]
    """The database from which others are made."""

    @abstractmethod
    def _drop(self, name: str) -> str:
        """Give the statement that drops a database, should there be one."""

    @abstractmethod
    def _create(self, name: str) -> str:
        """Give the statement that makes a database."""

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of a database without tables, for whoever asks first."""
        return self.url_of(DATABASE)

    def url_of(self, name: str) -> str:
        """Give SQLAlchemy's URL of a database."""
        return f"{self.DRIVER}://{self.USER}@{HOST}:{self.port}/{name}"

    def make_database(self, name: str) -> str:
        """Make a database without tables, in place of the one of that name; return its URL."""
        self.execute(self._drop(name))
        self.execute(self._create(name))
        return self.url_of(name)

    def execute(self, statement: str) -> None:
        """Run a statement as the server's administrator, outside of any transaction."""
        engine = sa.create_engine(
            self.url_of(self.MAINTENANCE), poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def start(self) -> None:
        """Start it; see `Server`. The first time, make the database of `url`."""
        is_new = not self._is_prepared
        super().start()
        if is_new:
            self.make_database(DATABASE)
