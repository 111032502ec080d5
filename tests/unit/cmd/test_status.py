"""`tricircle-status upgrade check`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tricircle import config
from tricircle.cmd import status
from tricircle.db import schema
from tricircle.db.engine import Database
from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore


@pytest.fixture
def upgraded(file: str) -> Iterator[Database]:
    """Give the database that the file names, with tables."""
    database = Database(config.load(files=[file]))
    schema.upgrade(database)
    yield database
    database.close()


def check(file: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, tuple[int, str | None]]]:
    """Run the checks; return the exit status, and result and details of each."""
    code = status.main(["--config-file", file, "upgrade", "check", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    return code, {entry["check"]: (entry["result"], entry["details"]) for entry in checks}


def test_all_is_well(file: str, upgraded: Database, capsys: pytest.CaptureFixture[str]) -> None:
    SiteStore(upgraded).create("SiteOne", "RegionOne")
    SiteStore(upgraded).create("SiteTwo", "RegionTwo", state=SiteState.CORDONED)
    ZoneStore(upgraded).put("az", "", [Place("SiteOne", "nova")])
    names = ("Database schema", "Database reads", "Sites", "Availability zones")
    assert check(file, capsys) == (0, dict.fromkeys(names, (0, None)))


@pytest.mark.usefixtures("upgraded")
def test_a_top_without_sites_needs_a_look(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, results = check(file, capsys)
    assert code == 1
    assert results["Sites"] == (1, "No site is registered: nothing can be made anywhere.")
    assert results["Availability zones"] == (0, None)


def test_an_enabled_site_in_no_zone_needs_a_look(
    file: str, upgraded: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("One", "Two", "Three"):
        SiteStore(upgraded).create(name, f"Region{name}")
    ZoneStore(upgraded).put("az", "", [Place("Two", "nova")])
    code, results = check(file, capsys)
    assert code == 1
    assert results["Sites"] == (0, None)
    assert results["Availability zones"] == (1, "In no availability zone: One, Three.")


def test_a_database_that_reads_the_past_needs_a_look(
    file: str, upgraded: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "may_read_the_past", lambda _: True)
    code, results = check(file, capsys)
    assert code == 1
    assert "mysql_wsrep_sync_wait = 1" in str(results["Database reads"][1])


def test_tables_of_another_version_are_a_failure(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, results = check(file, capsys)
    assert code == 2
    assert results["Database schema"][0] == 2
    assert "tricircle-manage db upgrade" in str(results["Database schema"][1])
    assert results["Sites"][0] == results["Availability zones"][0] == 1


def test_a_database_that_cannot_work_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "empty.conf"
    file.touch()
    code, results = check(str(file), capsys)
    assert code == 2
    assert results["Database schema"] == (2, "[database] connection is not set")
