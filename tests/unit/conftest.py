"""What unit tests share: a configuration, an empty database, and no network."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from oslo_config import cfg

from tricircle import config
from tricircle.db import tables
from tricircle.db.engine import Database


def pytest_configure(config: pytest.Config) -> None:
    """Turn warnings into errors."""
    config.addinivalue_line("filterwarnings", "error")
    # WebOb, which keystonemiddleware needs, still imports it; no code of ours does.
    config.addinivalue_line("filterwarnings", "ignore:'cgi' is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a unit test must not use the network")

    for method in ("bind", "connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, refuse)


@pytest.fixture
def conf(tmp_path: Path) -> cfg.ConfigOpts:
    """Give a configuration that names a database which does not exist yet."""
    conf = config.load(files=[])
    conf.set_override("connection", f"sqlite:///{tmp_path}/tricircle.db", group="database")
    conf.set_override("sqlite_synchronous", False, group="database")
    return conf


@pytest.fixture
def database(conf: cfg.ConfigOpts) -> Iterator[Database]:
    """Give a database with empty tables."""
    database = Database(conf)
    with database.write() as connection:
        tables.metadata.create_all(connection)
    yield database
    database.close()
