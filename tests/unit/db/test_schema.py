"""The migrations lead to the tables that the code works with."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from oslo_config import cfg
from tests.unit.db.generated_rows import fill

from tricircle.db import schema, tables
from tricircle.db.engine import Database
from tricircle.db.timestamps import now

pytestmark = pytest.mark.every_database

UPGRADE = """
import sys
from tricircle.cmd.manage import main
print("ready", flush=True)
sys.stdin.read()
sys.exit(main())
"""
"""Begins when its standard input is closed, so that several do at the same time."""


@pytest.fixture
def empty(conf: cfg.ConfigOpts) -> Iterator[Database]:
    database = Database(conf)
    yield database
    database.close()


def test_an_empty_database_has_no_version(empty: Database) -> None:
    assert schema.current(empty) is None
    assert not schema.is_current(empty)


def test_upgrade_leads_to_the_newest_version(empty: Database) -> None:
    schema.upgrade(empty)
    assert schema.current(empty) == schema.head()
    assert schema.is_current(empty)


def test_upgrade_makes_the_tables_that_the_code_works_with(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_each_step_keeps_the_rows_that_it_finds(empty: Database) -> None:
    """And leads, one by one, to the tables that the code works with."""
    before: dict[str, dict[str, Any]] = {}
    for script in reversed(list(ScriptDirectory.from_config(schema._config()).walk_revisions())):
        schema.upgrade(empty, script.revision)
        assert schema.current(empty) == script.revision
        with empty.write() as connection:
            after = fill(connection)
        for table, row in before.items():
            kept = {name: after[table][name] for name in row}
            assert table == "alembic_version" or kept == row
        before = after
    assert set(before) == {*tables.metadata.tables, "alembic_version"}
    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_two_processes_may_upgrade_at_once(conf: cfg.ConfigOpts, empty: Database, tmp_path: Path) -> None:
    file = tmp_path / "tricircle.conf"
    file.write_text(f"[database]\nconnection = {conf.database.connection}\n")
    command = [sys.executable, "-c", UPGRADE, "--config-file", str(file), "db", "upgrade"]
    upgrades = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for upgrade in upgrades:
        assert upgrade.stdout is not None
        assert upgrade.stdout.readline() == "ready\n"
    answers = []
    for upgrade in upgrades:
        assert upgrade.stdin is not None
        upgrade.stdin.close()
    for upgrade in upgrades:
        assert upgrade.stdout is not None
        answers.append(upgrade.stdout.read())
        assert upgrade.wait(60) == 0
        upgrade.stdout.close()
    assert len([answer for answer in answers if "Upgraded" in answer]) >= 1
    assert schema.is_current(empty)


@pytest.mark.only_on("mariadb")
def test_all_text_compares_by_its_bytes(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT DISTINCT collation_name FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"
            " AND collation_name IS NOT NULL"
        )
        assert found.scalars().all() == ["utf8mb4_bin"]


def test_an_upgrade_that_finds_nothing_to_do_keeps_what_is_there(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.write() as connection:
        connection.execute(
            tables.availability_zones.insert().values(
                id="1", name="az", description="", created_at=now(), updated_at=now()
            )
        )
    schema.upgrade(empty)
    with empty.read() as connection:
        assert list(connection.scalars(sa.select(tables.availability_zones.c.name))) == ["az"]


def test_an_unknown_version_changes_nothing(empty: Database) -> None:
    with pytest.raises(CommandError, match="no-such-version"):
        schema.upgrade(empty, "no-such-version")
    assert schema.current(empty) is None
