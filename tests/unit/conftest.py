"""What unit tests share: a configuration, an empty database, and no network.

The database is an SQLite file, unless the test's marks say otherwise (`tests.servers.fixtures`).
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg
from tests.servers.databases import Databases
from tests.servers.port import PORTS

from tricircle import config
from tricircle.db.engine import Database

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Turn warnings of the tests of this folder into errors."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"), append=False)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every socket, but for those of the servers that the tests themselves start."""

    def guard(method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(self: socket.socket, address: Any) -> Any:
            if not (isinstance(address, tuple) and address[1] in PORTS):
                raise AssertionError("a unit test must not use the network")
            return method(self, address)

        return guarded

    for name in ("bind", "connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guard(getattr(socket.socket, name)))


@pytest.fixture
def embedded_conf(tmp_path: Path) -> cfg.ConfigOpts:
    """Give a configuration that names an SQLite file which does not exist yet."""
    return _configuration(f"sqlite:///{tmp_path}/tricircle.db")


@pytest.fixture
def conf(databases: Databases) -> cfg.ConfigOpts:
    """Give a configuration that names a database without tables, or, beside `database`, that one."""
    return _configuration(databases.without_tables())


@pytest.fixture
def database(conf: cfg.ConfigOpts, databases: Databases) -> Iterator[Database]:
    """Give a database with empty tables."""
    conf.set_override("connection", databases.with_tables(), group="database")
    database = Database(conf)
    yield database
    database.close()


def _configuration(url: str) -> cfg.ConfigOpts:
    conf = config.load(files=[])
    conf.set_override("connection", url, group="database")
    conf.set_override("sqlite_synchronous", False, group="database")
    return conf
