"""The migrations lead to the tables that the code works with."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from oslo_config import cfg

from tricircle.db import schema, tables
from tricircle.db.engine import Database
from tricircle.db.timestamps import now


@pytest.fixture
def empty(conf: cfg.ConfigOpts) -> Iterator[Database]:
    database = Database(conf)
    yield database
    database.close()


def test_an_empty_database_has_no_version(empty: Database) -> None:
    assert schema.current(empty) is None
    assert not schema.is_current(empty)


def test_upgrade_leads_to_the_newest_version(empty: Database) -> None:
    schema.upgrade(empty)
    assert schema.current(empty) == schema.head()
    assert schema.is_current(empty)


def test_upgrade_makes_the_tables_that_the_code_works_with(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_an_upgrade_that_finds_nothing_to_do_keeps_what_is_there(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.write() as connection:
        connection.execute(
            tables.availability_zones.insert().values(
                id="1", name="az", description="", created_at=now(), updated_at=now()
            )
        )
    schema.upgrade(empty)
    with empty.read() as connection:
        assert list(connection.scalars(sa.select(tables.availability_zones.c.name))) == ["az"]


def test_an_unknown_version_changes_nothing(empty: Database) -> None:
    with pytest.raises(CommandError, match="no-such-version"):
        schema.upgrade(empty, "no-such-version")
    assert schema.current(empty) is None
