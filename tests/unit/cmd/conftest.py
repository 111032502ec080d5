"""A configuration file, as the programs read it."""

from pathlib import Path

import pytest
from oslo_log import log


@pytest.fixture(autouse=True)
def _keep_logging_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "setup", lambda conf, name: None)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Name a configuration file with a database that does not exist yet."""
    path = tmp_path / "tricircle.conf"
    path.write_text(f"[database]\nconnection = sqlite:///{tmp_path}/tricircle.db\n")
    return str(path)
