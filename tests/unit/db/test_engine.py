"""Reading and writing through the engine, and what goes wrong there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from oslo_db import exception
from oslo_db.sqlalchemy import engines

from tricircle.db import embedded, tables
from tricircle.db.engine import Database
from tricircle.db.tables import job_events, sites
from tricircle.db.timestamps import now
from tricircle.errors import DatabaseUnavailable


def row(name: str) -> dict[str, object]:
    time = now()
    texts = {"id": name, "name": name, "region_name": name, "description": "", "state": "enabled"}
    return texts | {"created_at": time, "updated_at": time}


def add_site(connection: sa.Connection, name: str) -> None:
    connection.execute(sites.insert(), row(name))


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(sa.select(sites.c.name)))


def test_what_is_written_is_read(database: Database) -> None:
    with database.write() as connection:
        add_site(connection, "one")
    assert names(database) == {"one"}


def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    def write() -> None:
        with database.write() as connection:
            add_site(connection, "one")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert names(database) == set()


def test_a_writer_does_not_make_readers_wait(database: Database) -> None:
    with database.write() as connection:
        add_site(connection, "one")
        assert names(database) == set()
    assert names(database) == {"one"}


def test_writers_that_read_first_wait_for_each_other(database: Database) -> None:
    """With a deferred BEGIN, SQLite would refuse all but one of them at once."""
    writers = 8
    together = threading.Barrier(writers)

    def write(number: int) -> None:
        together.wait(10)
        for step in range(5):
            with database.write() as connection:
                before = connection.scalar(sa.select(sa.func.count()).select_from(sites))
                add_site(connection, f"{number}-{step}-{before}")

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    assert {int(name.rsplit("-", 1)[1]) for name in names(database)} == set(range(40))


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(exception.DBReferenceError), database.write() as connection:
        connection.execute(
            job_events.insert().values(job_id="none", attempt=1, event="began", created_at=now())
        )


def test_a_deadlock_is_tried_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    attempts = []

    def work(connection: sa.Connection) -> str:
        attempts.append(1)
        add_site(connection, "one")
        if len(attempts) < 3:
            raise exception.DBDeadlock
        return "done"

    assert database.transact(work) == "done"
    assert len(attempts) == 3
    assert names(database) == {"one"}


def test_deadlocks_without_end_are_unavailability(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def work(connection: sa.Connection) -> None:
        add_site(connection, "one")
        raise exception.DBDeadlock

    with pytest.raises(DatabaseUnavailable):
        database.transact(work)
    assert names(database) == set()


@pytest.mark.parametrize(
    "error",
    [
        exception.DBConnectionError(),
        exception.DBNonExistentDatabase("tricircle"),
        sa.exc.OperationalError("SELECT 1", {}, Exception("gone")),
        sa.exc.TimeoutError("no connection became free"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_unreachable_database_is_one_error(database: Database, error: Exception) -> None:
    with pytest.raises(DatabaseUnavailable) as reading, database.read():
        raise error
    assert reading.value.status == 503
    assert reading.value.__cause__ is error
    with pytest.raises(DatabaseUnavailable), database.write():
        raise error


def test_a_writer_that_never_ends_makes_others_give_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BUSY_TIMEOUT", 0.01)
    with database.write(), pytest.raises(DatabaseUnavailable, match="busy"), database.write():
        pytest.fail("two writers at once")


def test_another_process_that_writes_makes_writers_wait_and_give_up(
    conf: cfg.ConfigOpts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BUSY_TIMEOUT", 0.01)
    other = Database(conf)
    with database.write(), pytest.raises(DatabaseUnavailable), other.write():
        pytest.fail("two writers at once")
    other.close()


def test_the_file_is_for_its_owner_and_group_only(tmp_path: Path, conf: cfg.ConfigOpts) -> None:
    path = tmp_path / "state" / "top" / "tricircle.db"
    conf.set_override("connection", f"sqlite:///{path}", group="database")
    database = Database(conf)
    with database.write() as connection:
        tables.metadata.create_all(connection)
        files = list(path.parent.iterdir())
        assert len(files) == 3
        assert all(file.stat().st_mode & 0o037 == 0 for file in files)
    assert path.parent.stat().st_mode & 0o027 == 0
    database.close()


def test_many_processes_may_begin_with_the_same_new_file(conf: cfg.ConfigOpts) -> None:
    beginners = 8
    together = threading.Barrier(beginners)

    def begin(_: int) -> Database:
        together.wait(10)
        return Database(conf)

    with ThreadPoolExecutor(beginners) as pool:
        databases = list(pool.map(begin, range(beginners)))
    for database in databases:
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        database.close()


@pytest.mark.parametrize("connection", [None, "", "sqlite://", "sqlite:///:memory:"])
def test_a_connection_that_cannot_work_is_refused(conf: cfg.ConfigOpts, connection: str | None) -> None:
    conf.set_override("connection", connection, group="database")
    with pytest.raises(ValueError, match=r"\[database\] connection"):
        Database(conf)


@pytest.mark.parametrize("synchronous", [True, False])
def test_synchronous_writes_can_be_given_up(conf: cfg.ConfigOpts, *, synchronous: bool) -> None:
    conf.set_override("sqlite_synchronous", synchronous, group="database")
    database = Database(conf)
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == (2 if synchronous else 0)
    database.close()


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ("mysql+pymysql://top:secret@db/top", "mysql+pymysql://top:secret@db/top?charset=utf8mb4"),
        ("mysql+pymysql://top@db/top?charset=utf8", "mysql+pymysql://top@db/top?charset=utf8"),
        ("postgresql+psycopg2://top:secret@db/top", "postgresql+psycopg2://top:secret@db/top"),
    ],
)
def test_other_databases_get_oslo_engines_that_do_not_wait_at_start(
    conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch, connection: str, expected: str
) -> None:
    asked = {}

    def create_engine(url: str, **options: object) -> sa.Engine:
        asked.update(options, url=url)
        return sa.create_engine("sqlite://")

    monkeypatch.setattr(engines, "create_engine", create_engine)
    conf.set_override("connection", connection, group="database")
    conf.set_override("max_pool_size", 7, group="database")
    Database(conf)
    assert asked["url"] == expected
    assert asked["max_pool_size"] == 7
    assert asked["max_retries"] == 0
