"""The plugin's migrations make the tables that its code works with, on each database."""

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from neutron.db.migration import cli
from neutron.db.migration.models import head
from neutron_lib.db import model_base
from tests.servers.databases import Databases

from tricircle.network.db import models
from tricircle.network.db.migration import alembic_migrations

VERSION_TABLE = "alembic_version_tricircle"


def config(url: str = "sqlite://") -> Config:
    """Make alembic's configuration as `neutron-db-manage --subproject tricircle` does."""
    made: Any = Config()
    made.set_main_option("script_location", f"{alembic_migrations.__name__}:")
    made.set_main_option("path_separator", "space")
    made.neutron_config = SimpleNamespace(database=SimpleNamespace(connection=url))
    cli._set_version_locations(made)
    return made  # type: ignore[no-any-return]


@pytest.mark.every_database
def test_the_migrations_make_the_models(databases: Databases) -> None:
    engine = sa.create_engine(databases.without_tables())
    conf = config()
    with engine.connect() as connection:
        for name in ("networks", "subnets", "ports"):  # Neutron's own, of which only the id matters here
            connection.exec_driver_sql(f"CREATE TABLE {name} (id VARCHAR(36) NOT NULL PRIMARY KEY)")
        connection.commit()
        conf.attributes["connection"] = connection
        command.upgrade(conf, "heads")
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "include_object": lambda _object, name, kind, *_: (
                    kind != "table" or name.startswith("tricircle_")
                ),
            },
        )
        assert compare_metadata(context, head.get_metadata()) == []
        assert set(context.get_current_heads()) == {"e0003", "c0001"}
    engine.dispose()


def test_the_branches_are_as_neutron_wants_them() -> None:
    conf = config()
    cli.validate_head_files(conf)
    script = ScriptDirectory.from_config(conf)
    assert script.get_bases() == ["start_tricircle"]
    labels = {label for revision in script.walk_revisions() for label in revision.branch_labels}
    assert labels == {"expand", "contract"}


def test_every_table_of_the_plugin_is_named_as_such() -> None:
    tables = [model.__tablename__ for model in (models.AddressBlock, models.AdoptedPort, models.JournalEntry)]
    assert all(name.startswith("tricircle_") for name in tables)
    ours = {name for name in model_base.BASEV2.metadata.tables if name.startswith("tricircle_")}
    assert set(tables) == ours
