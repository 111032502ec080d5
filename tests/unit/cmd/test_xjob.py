"""The command line of `tricircle-xjob`. What it does as a program is in the functional tests."""

from pathlib import Path

import pytest

from tricircle.cmd import xjob


def test_its_help_says_what_an_operator_must_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        xjob.main(["--help"])
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for word in ("--config-file", "SIGTERM", "SIGHUP", "[xjob] shutdown_timeout", "Exits with 2"):
        assert word in said


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("[xjob]\nthreads = 0\n", "threads"),
        ("", "[database] connection is not set"),
        ("[DEFAULT]\ntransport_url = pigeon://u:secret@h/\n", "transport_url cannot be used"),
    ],
)
def test_a_wrong_configuration_is_told_and_nothing_begins(
    file: str, capsys: pytest.CaptureFixture[str], lines: str, words: str
) -> None:
    path = Path(file)
    path.write_text(lines + (path.read_text() if lines else ""))
    assert xjob.main(["--config-file", file]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tricircle-xjob: ")
    assert words in said
    assert "secret" not in said


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert xjob.main(["--config-file", "/nowhere/tricircle.conf"]) == 2
    assert "/nowhere/tricircle.conf" in capsys.readouterr().err
