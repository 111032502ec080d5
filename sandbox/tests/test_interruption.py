"""An ``up`` that is ended at any moment, in whatever way, leaves no process behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.control import MARK

SANDBOX = [sys.executable, "-m", "sandbox"]
PATIENCE = 15.0


def processes_of(directory: Path) -> list[str]:
    """Return the process ids of all that belongs to a sandbox."""
    mark = f"{MARK}={directory}\0".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environment.read_bytes():
                found.append(environment.parent.name)
        except OSError:
            continue  # it has just ended, or is someone else's
    return found


def wait_until_some(directory: Path) -> None:
    """Wait until something of a sandbox is there, which on a busy machine takes its time."""
    deadline = time.monotonic() + 4 * PATIENCE
    while not processes_of(directory):
        assert time.monotonic() < deadline, "nothing was started"
        time.sleep(0.1)


def wait_until_none(directory: Path) -> None:
    """Wait until nothing of a sandbox is left."""
    deadline = time.monotonic() + PATIENCE
    while left := processes_of(directory):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


# Early on while databases are written, while programs are imported, and while sites start.
@pytest.mark.parametrize(
    ("by", "after"),
    [(signal.SIGKILL, 1.0), (signal.SIGINT, 4.0), (signal.SIGTERM, 8.0), (signal.SIGKILL, 11.0)],
)
def test_no_process_is_left(tmp_path: Path, by: signal.Signals, after: float) -> None:
    up = subprocess.Popen([*SANDBOX, "--dir", str(tmp_path), "up", "--without-top"], stderr=subprocess.PIPE)
    try:
        wait_until_some(tmp_path)
        up.wait(after)
    except subprocess.TimeoutExpired:
        up.send_signal(by)
    except BaseException:
        up.kill()
        raise
    up.communicate()
    if up.returncode == 0:
        # It was faster than we: then `down` has to do it.
        subprocess.run([*SANDBOX, "--dir", str(tmp_path), "down"], check=True)
    wait_until_none(tmp_path)
