"""Reading and writing through the engine, and what goes wrong there."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from oslo_db import exception
from tests.unit.db.rows import add_site, site_names

from tricircle.db.engine import Database
from tricircle.db.tables import job_events, sites
from tricircle.db.timestamps import now
from tricircle.errors import DatabaseUnavailable

pytestmark = pytest.mark.every_database


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


def told(database: Database, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Let many threads use a database that is away, then one that is back; return what the log has then."""

    def fail() -> None:
        with pytest.raises(DatabaseUnavailable), database.read():
            raise exception.DBConnectionError("no route")

    with ThreadPoolExecutor(4) as threads:
        for use in [threads.submit(fail) for _ in range(20)]:
            use.result()
    assert site_names(database) == set()
    assert site_names(database) == set()
    return [record.getMessage() for record in caplog.records if record.name == "tricircle.db.engine"]


def test_that_the_database_is_away_is_said_once_and_once_that_it_is_back(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    once = ["The database cannot be used: no route", "The database can be used again"]
    assert told(database, caplog) == once
    assert told(database, caplog) == once * 2, "the next outage is another one"


def test_a_deadlock_does_not_mean_that_the_database_is_away(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DatabaseUnavailable), database.read():
        raise exception.DBDeadlock
    site_names(database)
    assert "can be used again" not in caplog.text


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.read() as connection:
        count = sa.select(sa.func.count()).select_from(sites)
        assert connection.scalar(count) == 0
        with database.write() as other:
            add_site(other, "one")
        assert connection.scalar(count) == 0
    assert site_names(database) == {"one"}
