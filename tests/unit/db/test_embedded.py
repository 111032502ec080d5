"""What holds of SQLite only."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from tests.unit.db.rows import add_site, site_names

from tricircle.db import embedded, tables
from tricircle.db.engine import Database
from tricircle.db.tables import sites
from tricircle.errors import DatabaseUnavailable


@pytest.fixture
def database(embedded_conf: cfg.ConfigOpts) -> Iterator[Database]:
    """Give an SQLite database with empty tables."""
    database = Database(embedded_conf)
    with database.write() as connection:
        tables.metadata.create_all(connection)
    yield database
    database.close()


def test_a_writer_does_not_make_readers_wait(database: Database) -> None:
    with database.write() as connection:
        add_site(connection, "one")
        assert site_names(database) == set()
    assert site_names(database) == {"one"}


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
    assert {int(name.rsplit("-", 1)[1]) for name in site_names(database)} == set(range(40))


def test_a_writer_that_never_ends_makes_others_give_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BUSY_TIMEOUT", 0.01)
    with database.write(), pytest.raises(DatabaseUnavailable, match="busy"), database.write():
        pytest.fail("two writers at once")


def test_another_process_that_writes_makes_writers_wait_and_give_up(
    embedded_conf: cfg.ConfigOpts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BUSY_TIMEOUT", 0.01)
    other = Database(embedded_conf)
    with database.write(), pytest.raises(DatabaseUnavailable), other.write():
        pytest.fail("two writers at once")
    other.close()


def test_the_file_is_for_its_owner_and_group_only(tmp_path: Path, embedded_conf: cfg.ConfigOpts) -> None:
    path = tmp_path / "state" / "top" / "tricircle.db"
    embedded_conf.set_override("connection", f"sqlite:///{path}", group="database")
    database = Database(embedded_conf)
    with database.write() as connection:
        tables.metadata.create_all(connection)
        files = list(path.parent.iterdir())
        assert len(files) == 3
        assert all(file.stat().st_mode & 0o037 == 0 for file in files)
    assert path.parent.stat().st_mode & 0o027 == 0
    database.close()


def test_many_processes_may_begin_with_the_same_new_file(embedded_conf: cfg.ConfigOpts) -> None:
    beginners = 8
    together = threading.Barrier(beginners)

    def begin(_: int) -> Database:
        together.wait(10)
        return Database(embedded_conf)

    with ThreadPoolExecutor(beginners) as pool:
        databases = list(pool.map(begin, range(beginners)))
    for database in databases:
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        database.close()


@pytest.mark.parametrize("connection", [None, "", "sqlite://", "sqlite:///:memory:"])
def test_a_connection_that_cannot_work_is_refused(
    embedded_conf: cfg.ConfigOpts, connection: str | None
) -> None:
    embedded_conf.set_override("connection", connection, group="database")
    with pytest.raises(ValueError, match=r"\[database\] connection"):
        Database(embedded_conf)


@pytest.mark.parametrize("synchronous", [True, False])
def test_synchronous_writes_can_be_given_up(embedded_conf: cfg.ConfigOpts, *, synchronous: bool) -> None:
    embedded_conf.set_override("sqlite_synchronous", synchronous, group="database")
    database = Database(embedded_conf)
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == (2 if synchronous else 0)
    database.close()


def test_that_somebody_has_written_is_easily_told(database: Database, embedded_conf: cfg.ConfigOpts) -> None:
    other = Database(embedded_conf)
    before = database.last_write()
    assert site_names(other) == set()
    assert database.last_write() == before
    seen = {before}
    for name in ("one", "two", "three"):
        with other.write() as connection:
            add_site(connection, name)
        assert database.last_write() not in seen
        seen.add(database.last_write())
    other.close()
