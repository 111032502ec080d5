"""The sandbox: a second one beside the first, and no process left however it ends.

What `sandbox/tests` states of an `up` that is ended while it begins, without a top, is not repeated here.
"""

import fcntl
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.clients import Client
from tests.integration.conditions import BOUND, eventually
from tests.integration.sandbox import Sandbox

MARK = "SANDBOX_DIRECTORY"
"""Every process of a sandbox has this in its environment, with the sandbox's directory."""


def processes_of(sandbox: Sandbox) -> set[int]:
    """Return the ids of all processes that belong to a sandbox, whoever their parents are."""
    mark = f"{MARK}={sandbox.directory}\0".encode()
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environment.read_bytes():
                found.add(int(environment.parent.name))
        except OSError:
            continue  # it has just ended, or is someone else's
    return found


def running(sandbox: Sandbox) -> dict[str, int]:
    """Return the processes that the sandbox says are running, by name."""
    return {row["name"]: row["pid"] for row in sandbox.status()["processes"] if row["state"] == "running"}


def is_free(address: str, port: int) -> bool:
    """Say whether one could listen there."""
    try:
        socket.create_server((address, port)).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def second(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of one site, beside the one that all tests share."""
    second = Sandbox(tmp_path_factory.mktemp("second"))
    second.up("--sites", "1")
    yield second
    second.down()
    assert processes_of(second) == set()


SITE_PROCESSES = 4
"""A site's Placement, Neutron, Cinder and Nova."""


class TestTwo:
    def test_have_addresses_of_their_own(self, sandbox: Sandbox, second: Sandbox) -> None:
        assert second.facts["subnet"] != sandbox.facts["subnet"]
        assert {row["address"].rpartition(".")[0] for row in second.status()["processes"]} == {
            second.facts["subnet"]
        }
        assert processes_of(sandbox).isdisjoint(processes_of(second))

    def test_are_both_at_work_and_know_nothing_of_each_other(
        self, sandbox: Sandbox, second: Sandbox, tenant: Client
    ) -> None:
        other = Client(second, "tricircle")
        volume = other.volume.create_volume(name="there", size=1)
        other.volume.wait_for_status(volume, "available", ["error"], interval=0.1, wait=BOUND)
        assert tenant.volume.get(f"/volumes/{volume.id}").status_code == 404
        assert other.volume.delete(f"/volumes/{volume.id}").status_code == 202
        assert len(running(sandbox)) == 2 + 5 + 2 * 4
        assert len(running(second)) == 2 + 5 + 4

    def test_are_begun_one_at_a_time_in_one_directory(self, second: Sandbox) -> None:
        with (second.directory / "run" / "up.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            refused = second.start()
            assert "another `sandbox up` is at work" in refused.communicate()[0]
        assert refused.returncode == 1


class TestEnd:
    """In this order: each test leaves the second sandbox as the next one needs it."""

    @pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
    def test_of_an_up_that_adds_a_site_ends_what_it_began_and_nothing_else(
        self, second: Sandbox, by: signal.Signals
    ) -> None:
        before, all_before = running(second), processes_of(second)
        up = second.start("--sites", "2")
        eventually(lambda: len(processes_of(second) - all_before) >= SITE_PROCESSES, "SiteTwo's processes")
        up.send_signal(by)
        up.communicate()
        assert up.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}[by]
        eventually(lambda: processes_of(second) == all_before, "what was begun is ended")
        assert running(second) == before

    def test_of_the_supervisor_is_the_end_of_all(self, second: Sandbox) -> None:
        os.kill(second.status()["supervisor_pid"], signal.SIGKILL)
        eventually(lambda: not processes_of(second), "no process left")
        assert not second.is_running

    def test_is_followed_by_a_beginning_with_all_that_was_there(self, second: Sandbox) -> None:
        made = json.loads((second.directory / "sandbox.json").read_text())
        second.up()
        assert json.loads((second.directory / "sandbox.json").read_text())["subnet"] == made["subnet"]
        assert {name.partition("-")[0] for name in running(second)} >= {"top", "SiteOne"}
        tenant: Any = Client(second, "tricircle").compute
        assert "az1" in {zone.name for zone in tenant.availability_zones() if zone.state["available"]}

    def test_by_down_leaves_no_process_and_no_address(self, second: Sandbox) -> None:
        listening = [(row["address"], row["port"]) for row in second.status()["processes"]]
        second.run("down")
        assert processes_of(second) == set()
        assert [place for place in listening if not is_free(*place)] == []
        assert second.run("down") == ""
