"""SQLite, the database of a top that runs on one host.

oslo.db's own engine for SQLite opens the file anew for each use, which costs ten times the look-up itself,
and begins every transaction as a reader, which fails at once where another wrote in between. This one keeps
its connections, and a transaction that is going to write says so when it begins.

Follows https://www.sqlite.org/wal.html and https://www.sqlite.org/lang_transaction.html.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy
from oslo_db.sqlalchemy import exc_filters
from sqlalchemy import event, pool

BUSY_TIMEOUT = 10.0
"""Seconds that a writer waits for another one."""

WRITING = {"tricircle_begin": "BEGIN IMMEDIATE"}
"""Execution options of an engine whose transactions write."""


def make_engine(url: sqlalchemy.URL, options: Any) -> sqlalchemy.Engine:
    """Make the engine for a database file. Makes the file where there is none.

    :param url: `sqlite:////path/to/file`.
    :param options: oslo.db's group `[database]`.
    :raises ValueError: the URL names a database in memory, which threads cannot share.
    :raises OSError: the file cannot be made.
    """
    if not url.database or url.database == ":memory:":
        raise ValueError("[database] connection must name a file: SQLite in memory cannot be shared")
    _prepare_file(Path(url.database))
    engine = sqlalchemy.create_engine(
        url,
        poolclass=pool.QueuePool,
        pool_size=options.max_pool_size,
        max_overflow=options.max_overflow,
        pool_timeout=BUSY_TIMEOUT if options.pool_timeout is None else options.pool_timeout,
        # The driver begins nothing by itself: `begin` below does.
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: pool.ConnectionPoolEntry) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if options.sqlite_synchronous else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("tricircle_begin", "BEGIN"))

    exc_filters.register_engine(engine)
    return engine


def last_write(path: str) -> tuple[int, int]:
    """Return what is another value after any process has written: a look costs some microseconds.

    What is committed is added to the file's log, or put in at its beginning.
    """
    try:
        found = Path(f"{path}-wal").stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _prepare_file(path: Path) -> None:
    """Make the file, for its owner and group only, and let readers and a writer work side by side in it.

    It appears complete, as SQLite does not let two processes set its journal mode at once. One that is there
    is left alone: even to open and close it would take away the locks that this process has in it.
    """
    if path.exists():
        return
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as directory:
        new = Path(directory, path.name)
        new.touch(mode=0o640)
        with closing(sqlite3.connect(new)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        with suppress(FileExistsError):
            os.link(new, path)
