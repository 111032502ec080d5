"""What the sandbox changes of how services use SQLite."""

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy
from oslo_db.sqlalchemy import engines

from sandbox.serving import sqlite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (name TEXT)")
    connection.close()
    return path


def connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)


def test_a_writer_begins_when_the_one_before_has_ended(file: Path) -> None:
    first, second = connect(file), connect(file)
    sqlite.begin_when_free(first.cursor())
    waiting = threading.Thread(target=sqlite.begin_when_free, args=[second.cursor()])
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    first.execute("INSERT INTO things VALUES ('one')")
    first.execute("COMMIT")
    waiting.join(10)
    assert not waiting.is_alive()
    assert second.execute("SELECT name FROM things").fetchall() == [("one",)]
    second.execute("ROLLBACK")
    first.close()
    second.close()


def test_one_that_waits_in_vain_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.05)
    first, second = connect(file), connect(file)
    sqlite.begin_when_free(first.cursor())
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        sqlite.begin_when_free(second.cursor())
    first.close()
    second.close()


def test_a_connection_is_used_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlalchemy, "create_engine", sqlalchemy.create_engine)
    sqlite.keep_connections()
    engine = engines.create_engine(f"sqlite:///{file}")
    seen = []
    for _ in range(3):
        with engine.connect() as connection:
            seen.append(connection.connection.dbapi_connection)
    engine.dispose()
    assert len(set(map(id, seen))) == 1
