"""Which version the database's tables are, and how they become the newest."""

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tricircle.db.engine import Database

MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(database: Database, version: str = "head") -> None:
    """Bring the tables to a version; does nothing where they are there already.

    Several processes may do so at once: one goes first, the others find it done.

    :param version: revision, or `head` for the newest.
    :raises DatabaseUnavailable: the database cannot be reached.
    :raises alembic.util.CommandError: there is no such version.
    """
    with database.migrate() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def current(database: Database) -> str | None:
    """Tell the version of the tables; None where there are none yet.

    :raises DatabaseUnavailable: the database cannot be reached.
    """
    with database.read() as connection:
        return _current(connection)


def head() -> str:
    """Tell the newest version, the one that this code works with."""
    (version,) = ScriptDirectory.from_config(_config()).get_heads()
    return version


def is_current(database: Database) -> bool:
    """Tell whether the tables are what this code works with."""
    return current(database) == head()


def _current(connection: sqlalchemy.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    # A percent sign in the path would be taken for an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
