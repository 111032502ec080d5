"""The command line."""

from pathlib import Path

import pytest

from sandbox import manual
from sandbox.cli import HANDLERS

PARSER = manual.parser(HANDLERS, Path("/srv/sandbox"))


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("fault SiteOne --delay 1.5", "delay", 1.5),
        ("fault SiteOne --slow 4", "slow", 4.0),
        ("fault SiteOne --status 503", "status", 503),
        ("fault SiteOne --hang", "hang", None),
        ("fault SiteOne --html", "html", None),
        ("fault SiteOne --half", "half", None),
        ("fault SiteOne --off", "off", None),
        ("fault SiteOne", None, None),
    ],
)
def test_a_kind_of_fault_comes_with_its_value(line: str, kind: str | None, value: float | None) -> None:
    arguments = PARSER.parse_args(line.split())
    assert (arguments.kind, arguments.value) == (kind, value)


@pytest.mark.parametrize(
    "line",
    ["fault SiteOne --hang --html", "fault SiteOne --slow 0.5", "up --sites 0", "up --sites 21", "", "fly"],
)
def test_what_makes_no_sense_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        PARSER.parse_args(line.split())
    assert "usage: sandbox" in capsys.readouterr().err


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in HANDLERS:
        with pytest.raises(SystemExit, match="0"):
            PARSER.parse_args([name, "--help"])
        assert f"usage: sandbox {name}" in capsys.readouterr().out


def test_a_process_is_stopped_by_its_name_and_killed_only_where_that_is_asked() -> None:
    stopped = PARSER.parse_args(["stop-process", "top-xjob-1"])
    assert (stopped.process, stopped.kill) == ("top-xjob-1", False)
    assert PARSER.parse_args(["stop-process", "mariadb", "--kill"]).kill
    assert PARSER.parse_args(["up", "--profile", "full"]).profile == "full"
    assert PARSER.parse_args(["up"]).profile is None
