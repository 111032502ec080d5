"""What holds of MariaDB and PostgreSQL, and how their engines are made."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from oslo_db import exception
from tests.servers.databases import Shared
from tests.servers.mariadb import Galera
from tests.unit.db.rows import add_site, site_names

from tricircle.db.engine import Database
from tricircle.db.tables import sites

PYMYSQL = {"connect_timeout": "5", "read_timeout": "60", "write_timeout": "60", "charset": "utf8mb4"}
LIBPQ = {
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

ISOLATION = {
    "mariadb-server": ("SET GLOBAL TRANSACTION ISOLATION LEVEL {}", "repeatable read"),
    "postgresql": ("ALTER ROLE tricircle SET default_transaction_isolation = '{}'", "read committed"),
}
"""How a server's default is changed, and what it is."""

servers = pytest.mark.only_on("mariadb", "postgresql")


@pytest.mark.parametrize(
    ("connection", "expected", "parameters"),
    [
        ("mysql+pymysql://top:secret@db/top", "mysql+pymysql://top:secret@db/top", PYMYSQL),
        ("mariadb+pymysql://top:secret@db/top", "mysql+pymysql://top:secret@db/top", PYMYSQL),
        (
            "mysql+pymysql://db/top?charset=utf8&connect_timeout=1&ssl_ca=ca.pem",
            "mysql+pymysql://db/top",
            PYMYSQL | {"charset": "utf8", "connect_timeout": "1", "ssl_ca": "ca.pem"},
        ),
        ("postgresql+psycopg2://top:secret@db/top", "postgresql+psycopg2://top:secret@db/top", LIBPQ),
    ],
)
def test_a_url_gets_what_it_does_not_say(
    conf: cfg.ConfigOpts, connection: str, expected: str, parameters: dict[str, str]
) -> None:
    """And nothing is connected to: a process starts also while the database is down."""
    conf.set_override("connection", connection, group="database")
    conf.set_override("max_pool_size", 7, group="database")
    engine = Database(conf).engine
    assert engine.url.set(query={}) == sa.make_url(expected)
    assert dict(engine.url.query) == parameters
    assert isinstance(engine.pool, sa.QueuePool)
    assert engine.pool.size() == 7


def test_a_database_that_is_not_supported_is_refused(conf: cfg.ConfigOpts) -> None:
    conf.set_override("connection", "oracle://db/top", group="database")
    with pytest.raises(ValueError, match="oracle is not supported"):
        Database(conf)


@pytest.fixture(params=["read committed", "repeatable read", "serializable"])
def _default_isolation(request: pytest.FixtureRequest, databases: Shared) -> Iterator[None]:
    """Set the server up for something that the tests must not depend on."""
    setting, usual = ISOLATION[databases.server.PACKAGE]
    databases.server.execute(setting.format(request.param))
    yield
    databases.server.execute(setting.format(usual))


@servers
@pytest.mark.usefixtures("_default_isolation")
def test_a_reader_sees_one_state(database: Database) -> None:
    count = sa.select(sa.func.count()).select_from(sites)
    with database.read() as connection:
        assert connection.scalar(count) == 0
        with database.write() as other:
            add_site(other, "one")
        assert connection.scalar(count) == 0


@servers
@pytest.mark.usefixtures("_default_isolation")
def test_a_writer_sees_what_was_committed_before_each_statement(database: Database) -> None:
    count = sa.select(sa.func.count()).select_from(sites)
    with database.write() as connection:
        assert connection.scalar(count) == 0
        with database.write() as other:
            add_site(other, "one")
        assert connection.scalar(count) == 1


@servers
@pytest.mark.usefixtures("_default_isolation")
def test_a_writer_that_looked_for_rows_keeps_nobody_from_adding_others(database: Database) -> None:
    """With MariaDB's default, the second would wait for the first, and two such for each other."""
    locked = sa.select(sites.c.id).where(sites.c.name > "m").with_for_update()
    with database.write() as connection:
        assert connection.scalars(locked).all() == []
        with database.write() as other:
            add_site(other, "n")
    assert site_names(database) == {"n"}


@servers
def test_a_real_deadlock_is_tried_again(database: Database) -> None:
    with database.write() as connection:
        add_site(connection, "one")
        add_site(connection, "two")
    attempts = []
    both_hold_one = threading.Barrier(2)

    def change_in_turn(names: tuple[str, str]) -> None:
        def work(connection: sa.Connection) -> None:
            attempts.append(names)
            for name in names:
                connection.execute(sites.update().where(sites.c.name == name).values(description=names[0]))
                if attempts.count(names) == 1 and name == names[0]:
                    both_hold_one.wait(10)

        database.transact(work)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change_in_turn, [("one", "two"), ("two", "one")]))
    assert sorted(map(attempts.count, set(attempts))) == [1, 2]
    with database.read() as connection:
        assert len(set(connection.scalars(sa.select(sites.c.description)))) == 1


@pytest.mark.only_on("mariadb")
def test_a_url_that_says_mariadb_has_its_errors_understood(conf: cfg.ConfigOpts, database: Database) -> None:
    url = conf.database.connection.replace("mysql", "mariadb", 1)
    conf.set_override("connection", url, group="database")
    other = Database(conf)
    with other.write() as connection:
        add_site(connection, "one")
    with pytest.raises(exception.DBDuplicateEntry), other.write() as connection:
        add_site(connection, "one")
    other.close()


@pytest.mark.only_on("postgresql")
def test_a_transaction_that_cannot_be_put_in_an_order_is_tried_again(database: Database) -> None:
    attempts = []

    def work(connection: sa.Connection) -> None:
        attempts.append(1)
        add_site(connection, "one")
        if len(attempts) < 3:
            connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$")

    database.transact(work)
    assert len(attempts) == 3
    assert site_names(database) == {"one"}


@pytest.mark.every_database
def test_one_server_reads_what_was_written_last(database: Database) -> None:
    assert not database.may_read_the_past()


def test_a_node_of_galera_does_so_when_it_is_told_to(galera: Galera, conf: cfg.ConfigOpts) -> None:
    conf.set_override("connection", galera.url, group="database")
    for bits, may in ((None, True), (1, False), (6, True), (7, False)):
        conf.set_override("mysql_wsrep_sync_wait", bits, group="database")
        database = Database(conf)
        assert database.may_read_the_past() is may
        database.close()
