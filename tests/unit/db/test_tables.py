"""Every database that is supported takes the tables."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, DateTime, Integer, String, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from tricircle.db.tables import metadata

INNODB_KEY_BYTES = 3072
UTF8_BYTES = 4
LONGEST_NAME = 63

TABLES = metadata.sorted_tables


def keys(table: Table) -> Iterator[tuple[str, list[Column[object]]]]:
    for index in table.indexes:
        yield str(index.name), list(index.columns)
    for constraint in table.constraints:
        columns = getattr(constraint, "columns", ())
        yield str(constraint.name), list(columns)


def key_bytes(column: Column[object]) -> int:
    if isinstance(column.type, String):
        assert column.type.length, f"{column} has no length"
        return column.type.length * UTF8_BYTES
    assert isinstance(column.type, Integer | DateTime)
    return 8


@pytest.mark.parametrize("dialect", [sqlite, mysql, postgresql], ids=lambda module: module.__name__)
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_dialect_can_write_the_table(dialect: object, table: Table) -> None:
    compiler = dialect.dialect()  # type: ignore[attr-defined]
    assert table.name in str(CreateTable(table).compile(dialect=compiler))
    for index in table.indexes:
        assert index.name in str(CreateIndex(index).compile(dialect=compiler))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_key_is_longer_than_innodb_takes(table: Table) -> None:
    for name, columns in keys(table):
        assert sum(map(key_bytes, columns)) <= INNODB_KEY_BYTES, name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_key_has_a_name_that_postgresql_keeps(table: Table) -> None:
    for name, _ in keys(table):
        assert name != "None"
        assert len(name) <= LONGEST_NAME, name


def test_mariadb_keeps_microseconds_and_compares_bytes() -> None:
    statement = str(CreateTable(metadata.tables["routes"]).compile(dialect=mysql.dialect()))
    assert "created_at DATETIME(6)" in statement
    assert "COLLATE utf8mb4_bin" in statement
    assert "ENGINE=InnoDB" in statement
