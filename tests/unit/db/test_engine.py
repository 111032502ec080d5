"""Reading and writing through the engine, and what goes wrong there."""

from typing import Any

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from oslo_db import exception
from oslo_db.sqlalchemy import engines
from tests.unit.db.rows import add_site, site_names

from tricircle.db.engine import Database
from tricircle.db.tables import job_events
from tricircle.db.timestamps import now
from tricircle.errors import DatabaseUnavailable


def test_what_is_written_is_read(database: Database) -> None:
    with database.write() as connection:
        add_site(connection, "one")
    assert site_names(database) == {"one"}


def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    def write() -> None:
        with database.write() as connection:
            add_site(connection, "one")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert site_names(database) == set()


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
    assert site_names(database) == {"one"}


def test_deadlocks_without_end_are_unavailability(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def work(connection: sa.Connection) -> None:
        add_site(connection, "one")
        raise exception.DBDeadlock

    with pytest.raises(DatabaseUnavailable):
        database.transact(work)
    assert site_names(database) == set()


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


def test_the_cause_is_in_the_log_and_not_in_the_answer(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DatabaseUnavailable) as reading, database.read():
        raise exception.DBConnectionError("no route to host db.example")
    assert "no route to host db.example" in caplog.text
    assert "db.example" not in reading.value.message


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (
            "mysql+pymysql://top:secret@db/top",
            "mysql+pymysql://top:secret@db/top?connect_timeout=5&charset=utf8mb4",
        ),
        (
            "mysql+pymysql://top@db/top?charset=utf8&connect_timeout=1",
            "mysql+pymysql://top@db/top?connect_timeout=1&charset=utf8",
        ),
        (
            "postgresql+psycopg2://top:secret@db/top",
            "postgresql+psycopg2://top:secret@db/top?connect_timeout=5",
        ),
    ],
)
def test_other_databases_get_oslo_engines_that_do_not_wait_at_start(
    conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch, connection: str, expected: str
) -> None:
    asked: dict[str, Any] = {}

    def create_engine(url: str, **options: object) -> sa.Engine:
        asked.update(options, url=url)
        return sa.create_engine("sqlite://")

    monkeypatch.setattr(engines, "create_engine", create_engine)
    conf.set_override("connection", connection, group="database")
    conf.set_override("max_pool_size", 7, group="database")
    Database(conf)
    assert sa.make_url(asked["url"]) == sa.make_url(expected)
    assert asked["max_pool_size"] == 7
    assert asked["max_retries"] == 0
