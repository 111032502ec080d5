"""What a process of a web service does first."""

from pathlib import Path

import pytest
from oslo_config import cfg

from tricircle.config import CONFIG_FILES_VARIABLE
from tricircle.web.application import Application
from tricircle.wsgi.process import serve


def test_what_is_in_memory_when_it_is_ready_is_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tricircle.conf"
    file.write_text("[database]\nconnection = sqlite:///named-by-the-file\n")
    monkeypatch.setenv(CONFIG_FILES_VARIABLE, str(file))
    steps = []
    monkeypatch.setattr("gc.freeze", lambda: steps.append("frozen"))

    def make(conf: cfg.ConfigOpts) -> Application:
        steps.append(conf.database.connection)
        return lambda environ, start_response: []

    serve(make)
    assert steps == ["sqlite:///named-by-the-file", "frozen"]
