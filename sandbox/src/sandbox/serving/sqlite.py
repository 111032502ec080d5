"""Makes SQLite queue writers where oslo.db would have one of them fail."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def begin_immediately() -> None:
    """Have every transaction take the write lock at its start.

    oslo.db begins with a plain BEGIN: the transaction reads first and asks for the write lock later, and if
    another has written in between, SQLite says "database is locked" at once, whatever the time-out. Asked for
    at the start, the lock is waited for.
    """
    if not event.contains(Engine, "before_cursor_execute", lock_at_begin):
        event.listen(Engine, "before_cursor_execute", lock_at_begin, retval=True)


def lock_at_begin(
    connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Replace the statement that begins a transaction."""
    if statement == "BEGIN" and connection.dialect.name == "sqlite":
        statement = "BEGIN IMMEDIATE"
    return statement, parameters
