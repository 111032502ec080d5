"""Runs the migrations with Neutron's connection and a version table of our own."""

from typing import Any

from alembic import context
from neutron.db.migration.connection import DBConnection
from neutron_lib.db import model_base

from tricircle.network.db import models  # noqa: F401  # fills the metadata

VERSION_TABLE = "alembic_version_tricircle"
PREFIX = "tricircle_"


def is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Say whether a thing of the database is to be compared: the metadata holds Neutron's tables too."""
    return kind != "table" or str(name).startswith(PREFIX)


def run() -> None:
    """Run them, or write them out as SQL."""
    neutron: Any = context.config  # Neutron hands its own configuration on in it
    url = neutron.neutron_config.database.connection
    options = {
        "target_metadata": model_base.BASEV2.metadata,
        "version_table": VERSION_TABLE,
        "include_object": is_ours,
    }
    if context.is_offline_mode():
        context.configure(url=url, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    with DBConnection(url, context.config.attributes.get("connection")) as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()


run()
