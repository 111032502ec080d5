"""What a migration does to tables that a process of the release before still uses.

The rule is in doc/source/contributor/migrations.md.
"""

from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from alembic.operations import Operations
from alembic.operations import ops as operations
from alembic.operations.base import AbstractOperations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column

Migration = Callable[[], None]


def recorded(upgrade: Migration) -> list[operations.MigrateOperation]:
    """Give the operations of a migration, in order. They are written down, not carried out."""
    done: list[operations.MigrateOperation] = []
    invoke = AbstractOperations.invoke

    def record(self: AbstractOperations, operation: operations.MigrateOperation) -> object:
        done.append(operation)
        return invoke(self, operation)

    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": StringIO()}
    )
    with pytest.MonkeyPatch.context() as patch, Operations.context(context):
        patch.setattr(AbstractOperations, "invoke", record)
        upgrade()
    return done


class Expansion:
    """Judges the operations of a migration that may only add.

    What it has added itself it may shape: no older process writes there.
    """

    def __init__(self) -> None:
        self._new_tables: set[str] = set()
        self._empty_columns: set[tuple[str, str]] = set()

    def offences(self, upgrade: Migration) -> Iterator[str]:
        """Tell each operation that an older process might not survive."""
        for operation in recorded(upgrade):
            judge = self._JUDGES.get(type(operation))
            reason = "may not be in an expansion" if judge is None else judge(self, operation)
            if reason:
                table = getattr(operation, "table_name", "no table")
                yield f"{type(operation).__name__} on {table}: {reason}"

    def _create_table(self, operation: operations.CreateTableOp) -> str | None:
        self._new_tables.add(operation.table_name)
        return None

    def _add_column(self, operation: operations.AddColumnOp) -> str | None:
        column: Column[object] = operation.column
        if column.nullable and column.server_default is None:
            self._empty_columns.add((operation.table_name, column.name))
        if column.nullable or column.server_default is not None or operation.table_name in self._new_tables:
            return None
        return "an older process writes no value there"

    def _create_index(self, operation: operations.CreateIndexOp) -> str | None:
        names = {getattr(column, "name", column) for column in operation.columns}
        is_new = operation.table_name in self._new_tables
        # An older process leaves NULL there, and any number of NULLs are unique.
        is_free = any((operation.table_name, name) in self._empty_columns for name in names)
        if not operation.unique or is_new or is_free:
            return None
        return "an older process may write what it forbids"

    _JUDGES: dict[type, Callable[..., str | None]] = {  # noqa: RUF012  # nothing changes it
        operations.CreateTableOp: _create_table,
        operations.AddColumnOp: _add_column,
        operations.CreateIndexOp: _create_index,
    }
