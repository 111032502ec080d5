"""What ``up`` makes of a wish and of what is there."""

from pathlib import Path

import pytest

from sandbox import servers, up
from sandbox.errors import SandboxError
from sandbox.layout import Layout

SUBNET = "127.77.5"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All programs of the full profile are there."""
    monkeypatch.setattr(servers, "PROGRAMS", ("/bin/sh",))


def planned(directory: Path, profile: str | None) -> str:
    """Return the profile that a wish leads to."""
    return up.plan(up.Wishes(directory, profile=profile), SUBNET).profile


def test_a_new_sandbox_is_lite_unless_wished_otherwise(tmp_path: Path) -> None:
    assert planned(tmp_path, None) == "lite"
    assert planned(tmp_path, "full") == "full"


def test_a_sandbox_stays_what_it_is(tmp_path: Path) -> None:
    Layout(tmp_path, SUBNET, profile="full").save()
    assert planned(tmp_path, None) == "full"
    assert planned(tmp_path, "full") == "full"
    with pytest.raises(
        SandboxError, match="is full: `sandbox down --delete` first, to make one that is lite"
    ):
        planned(tmp_path, "lite")


def test_a_sandbox_from_before_there_were_profiles_is_lite(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_text('{"subnet": "127.77.5", "sites_count": 3, "token_lifetime": 60}')
    assert planned(tmp_path, None) == "lite"
    with pytest.raises(SandboxError, match="is lite"):
        planned(tmp_path, "full")


def test_a_missing_program_is_named_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "PROGRAMS", ("/bin/sh", "/nowhere/mariadbd"))
    assert planned(tmp_path, "lite") == "lite"
    with pytest.raises(SandboxError, match=r"^/nowhere/mariadbd: .*`make servers`"):
        planned(tmp_path, "full")
