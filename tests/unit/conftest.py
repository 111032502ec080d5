"""What unit tests share: a configuration, an empty database, and no network.

The database is an SQLite file. TRICIRCLE_TEST_DATABASE names another one, as an SQLAlchemy URL: everything in
it is dropped, and the tests that use a database are run against it.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from oslo_config import cfg

from tricircle import config
from tricircle.db import tables
from tricircle.db.engine import Database

DATABASE = os.environ.get("TRICIRCLE_TEST_DATABASE")


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Turn warnings of the tests of this folder into errors."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"), append=False)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    if DATABASE:
        return

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a unit test must not use the network")

    for method in ("bind", "connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, refuse)


@pytest.fixture
def embedded_conf(tmp_path: Path) -> cfg.ConfigOpts:
    """Give a configuration that names an SQLite file which does not exist yet."""
    conf = config.load(files=[])
    conf.set_override("connection", f"sqlite:///{tmp_path}/tricircle.db", group="database")
    conf.set_override("sqlite_synchronous", False, group="database")
    return conf


@pytest.fixture
def conf(embedded_conf: cfg.ConfigOpts) -> cfg.ConfigOpts:
    """Give a configuration that names a database without tables."""
    if DATABASE:
        embedded_conf.set_override("connection", DATABASE, group="database")
        database = Database(embedded_conf)
        with database.write() as connection:
            tables.metadata.drop_all(connection)
            connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        database.close()
    return embedded_conf


@pytest.fixture
def database(conf: cfg.ConfigOpts) -> Iterator[Database]:
    """Give a database with empty tables."""
    database = Database(conf)
    with database.write() as connection:
        tables.metadata.create_all(connection)
    yield database
    database.close()
