"""Rows to write and to look for."""

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.db.tables import sites
from tricircle.db.timestamps import now


def add_site(connection: sa.Connection, name: str) -> None:
    """Write a site, whatever it is."""
    texts = {"id": name, "name": name, "region_name": name, "description": "", "state": "enabled"}
    time = now()
    connection.execute(sites.insert(), texts | {"created_at": time, "updated_at": time})


def site_names(database: Database) -> set[str]:
    """Read the names of all sites."""
    with database.read() as connection:
        return set(connection.scalars(sa.select(sites.c.name)))
