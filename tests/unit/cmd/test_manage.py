"""`tricircle-manage`."""

import json
from pathlib import Path

import pytest

from tricircle.cmd import manage
from tricircle.db import schema
from tricircle.gateway.compute.operations import OPERATIONS as COMPUTE
from tricircle.gateway.volume.operations import OPERATIONS as VOLUME


def run(*arguments: str) -> int:
    return manage.main(arguments)


def test_upgrade_makes_the_tables_once(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config-file", file, "db", "upgrade") == 0
    assert capsys.readouterr().out == f"Upgraded the tables from version none to {schema.head()}.\n"
    assert run("--config-file", file, "db", "upgrade") == 0
    assert capsys.readouterr().out == f"The tables are at version {schema.head()} already.\n"


def test_version_tells_where_the_tables_are(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config-file", file, "db", "version") == 0
    assert capsys.readouterr().out == f"current: none\nnewest: {schema.head()}\n"
    run("--config-file", file, "db", "upgrade")
    capsys.readouterr()
    run("--config-file", file, "db", "version")
    assert capsys.readouterr().out == f"current: {schema.head()}\nnewest: {schema.head()}\n"


def test_a_directory_of_files_will_do(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config-dir", str(Path(file).parent), "db", "version") == 0
    assert "current: none" in capsys.readouterr().out


def test_what_goes_wrong_is_told_in_a_line(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.conf"
    empty.touch()
    for arguments, status, message in (
        (("--config-file", file, "db", "upgrade", "no-such-version"), 1, "no-such-version"),
        (("--config-file", str(empty), "db", "version"), 1, "[database] connection is not set"),
        (("--config-file", str(tmp_path / "missing.conf"), "db", "version"), 2, "missing.conf"),
    ):
        assert run(*arguments) == status
        told = capsys.readouterr().err
        assert told.startswith("tricircle-manage: ")
        assert message in told
        assert told.count("\n") == 1


@pytest.mark.parametrize("arguments", [(), ("db",), ("db", "downgrade"), ("operations", "--format", "xml")])
def test_a_wrong_command_line_ends_with_two(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        run(*arguments)
    assert ending.value.code == 2
    assert "usage: tricircle-manage" in capsys.readouterr().err


@pytest.mark.parametrize("command", [(), ("db",), ("db", "upgrade"), ("db", "version"), ("operations",)])
def test_every_command_has_help(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        run(*command, "--help")
    assert ending.value.code == 0
    assert capsys.readouterr().out.startswith(" ".join(("usage: tricircle-manage", *command)))


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[tuple[str, str, str]]:
    assert run("operations", "--format", "json", *options) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(set(row) == set(manage.FIELDS) for row in rows)
    return [(row["service"], row["method"], row["path"]) for row in rows]


def test_operations_are_those_of_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    compute = [("compute", operation.method, operation.path) for operation in COMPUTE]
    volume = [("volume", operation.method, operation.path) for operation in VOLUME]
    assert listed(capsys) == compute + volume
    assert listed(capsys, "--service", "compute") == compute
    assert listed(capsys, "--service", "volume") == volume


def test_undecided_operations_are_those_without_a_handler(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, "--service", "compute", "--undecided") == [
        ("compute", operation.method, operation.path) for operation in COMPUTE if operation.handler is None
    ]


def test_a_table_has_a_line_for_each_operation_and_their_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("operations", "--service", "volume") == 0
    head, *lines, blank, count = capsys.readouterr().out.splitlines()
    assert head.split() == list(manage.FIELDS)
    assert [tuple(line.split()[:3]) for line in lines] == [
        ("volume", operation.method, operation.path) for operation in VOLUME
    ]
    assert blank == ""
    decided = sum(operation.handler is not None for operation in VOLUME)
    assert count == f"{len(VOLUME)} operations, {decided} of them decided."
