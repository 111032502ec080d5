"""Makes SQLite queue writers where oslo.db would have one of them fail, and leaves readers alone.

oslo.db begins every transaction with a plain BEGIN. One that is to write reads first and asks for the write
lock later, and if another has written in between, SQLite says "database is locked" at once, whatever the
time-out. So a writer's transaction asks for the lock at its start, where it is waited for.

Readers must not: Placement reads in a transaction of its own while it has another open to write, and Neutron
leaves sessions open that have only read. With a write-ahead log they read on beside the writer.

It also keeps connections open from one transaction to the next, as services do with every other database. To
open the file, and read its schema again, is a fifth of what Neutron computes.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import sqlalchemy
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import event, pool
from sqlalchemy.engine import Engine

WRITES = "sandbox_writes"

PATIENCE_SECONDS = 60.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.001, 0.02

KEPT = 5
"""Connections that a process keeps of each database; what needs more opens them."""


def begin_immediately() -> None:
    """Have every transaction that oslo.db knows as a writer's take the write lock at its start."""
    factory = enginefacade._AbstractTransactionFactory
    create_session, create_connection = factory._create_session, factory._create_connection

    def create_marked_session(self: Any, mode: Any, bind: Any = None) -> Any:
        session = create_session(self, mode, bind)
        if mode is enginefacade._WRITER and bind is None:
            session.bind = session.bind.execution_options(**{WRITES: True})
        return session

    def create_marked_connection(self: Any, mode: Any) -> Any:
        connection = create_connection(self, mode)
        return connection.execution_options(**{WRITES: mode is enginefacade._WRITER})

    factory._create_session = create_marked_session
    factory._create_connection = create_marked_connection
    event.listen(Engine, "before_cursor_execute", lock_at_begin, retval=True)


def keep_connections() -> None:
    """Have oslo.db, which opens an SQLite file for every use of it, use its connections again."""
    create_engine = sqlalchemy.create_engine

    def create_pooling_engine(url: Any, **arguments: Any) -> Engine:
        if arguments.get("poolclass") is pool.NullPool:
            arguments |= {"poolclass": pool.QueuePool, "pool_size": KEPT, "max_overflow": -1}
        return create_engine(url, **arguments)

    sqlalchemy.create_engine = create_pooling_engine


def lock_at_begin(
    connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Replace the statement that begins a writer's transaction."""
    if (
        statement == "BEGIN"
        and connection.dialect.name == "sqlite"
        and connection.get_execution_options().get(WRITES)
    ):
        begin_when_free(cursor)
        statement = f"PRAGMA busy_timeout = {1000 * PATIENCE_SECONDS:.0f}"
    return statement, parameters


def begin_when_free(cursor: sqlite3.Cursor) -> None:
    """Begin a writer's transaction as soon as no other one is under way.

    SQLite waits for it, too, but looks less and less often, at last every tenth of a second.
    """
    cursor.execute("PRAGMA busy_timeout = 0")
    until = time.monotonic() + PATIENCE_SECONDS
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(wait)
            wait = min(1.5 * wait, LONGEST_WAIT_SECONDS)
        else:
            return
