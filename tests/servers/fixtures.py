"""A pytest plugin: real servers, one of each for all tests, started when a test asks for the first time.

`mariadb`, `postgresql` and `rabbitmq` are the servers; a test may stop one, and whoever asks for it next
finds it running again. Where its package is not installed, a test that asks is skipped, and in CI it fails.

`databases` is where a test's databases come from: SQLite, or what the marks of the test say:
`every_database` runs it on all three, `only_on("mariadb", "postgresql")` on those. Both may stand on a
module.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from tests.servers.databases import Databases, Files, Shared
from tests.servers.mariadb import Galera, MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.server import Server

from tricircle import config
from tricircle.db import tables
from tricircle.db.engine import Database

KINDS = ("sqlite", "mariadb", "postgresql")

AnyServer = TypeVar("AnyServer", bound=Server)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    config.addinivalue_line("markers", f"every_database: runs on each of {', '.join(KINDS)}")
    config.addinivalue_line("markers", "only_on(*kinds): runs on these databases")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each database that its marks name; the mark that stands nearest counts."""
    if "databases" not in metafunc.fixturenames:
        return
    for mark in metafunc.definition.iter_markers():
        if mark.name in {"every_database", "only_on"}:
            metafunc.parametrize("databases", mark.args or KINDS, indirect=True)
            return


@pytest.fixture(scope="session")
def _mariadb() -> Iterator[MariaDB]:
    yield from _provide(MariaDB)


@pytest.fixture
def galera() -> Iterator[Galera]:
    """Give a cluster of one node, by itself."""
    yield from _provide(Galera)


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[PostgreSQL]:
    yield from _provide(PostgreSQL)


@pytest.fixture(scope="session")
def _rabbitmq() -> Iterator[RabbitMQ]:
    yield from _provide(RabbitMQ)


@pytest.fixture
def mariadb(_mariadb: MariaDB) -> MariaDB:
    """Give a MariaDB server that runs; its `url` names a database that is there."""
    _mariadb.start()
    return _mariadb


@pytest.fixture
def postgresql(_postgresql: PostgreSQL) -> PostgreSQL:
    """Give a PostgreSQL server that runs; its `url` names a database that is there."""
    _postgresql.start()
    return _postgresql


@pytest.fixture
def rabbitmq(_rabbitmq: RabbitMQ) -> RabbitMQ:
    """Give a RabbitMQ server that runs; its `url` is a transport URL."""
    _rabbitmq.start()
    return _rabbitmq


@pytest.fixture(scope="session")
def _sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("databases") / "template.db"
    conf = config.load(files=[])
    conf.set_override("connection", f"sqlite:///{path}", group="database")
    database = Database(conf)
    with database.write() as connection:
        tables.metadata.create_all(connection)
    database.close()
    return path


@pytest.fixture(scope="session")
def _databases_of_mariadb(_mariadb: MariaDB) -> Iterator[Shared]:
    shared = Shared(_mariadb)
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def _databases_of_postgresql(_postgresql: PostgreSQL) -> Iterator[Shared]:
    shared = Shared(_postgresql)
    yield shared
    shared.close()


@pytest.fixture
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """Give the source of the test's databases; see the module."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        return Files(tmp_path, request.getfixturevalue("_sqlite_with_tables"))
    shared: Shared = request.getfixturevalue(f"_databases_of_{kind}")
    return shared


def _provide(kind: type[AnyServer]) -> Iterator[AnyServer]:
    if kind.find_program() is None:
        reason = f"the Debian package {kind.PACKAGE} is not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    server = kind()
    try:
        server.start()
        yield server
    finally:
        server.remove()
