"""Makes SQLite queue writers where oslo.db would have one of them fail, and leaves readers alone.

oslo.db begins every transaction with a plain BEGIN. One that is to write reads first and asks for the write
lock later, and if another has written in between, SQLite says "database is locked" at once, whatever the
time-out. So a writer's transaction asks for the lock at its start, where it is waited for.

Readers must not: Placement reads in a transaction of its own while it has another open to write, and Neutron
leaves sessions open that have only read. With a write-ahead log they read on beside the writer.
"""

from __future__ import annotations

from typing import Any

from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import event
from sqlalchemy.engine import Engine

WRITES = "sandbox_writes"


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


def lock_at_begin(
    connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Replace the statement that begins a writer's transaction."""
    if (
        statement == "BEGIN"
        and connection.dialect.name == "sqlite"
        and connection.get_execution_options().get(WRITES)
    ):
        statement = "BEGIN IMMEDIATE"
    return statement, parameters
