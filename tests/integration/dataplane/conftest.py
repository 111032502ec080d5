"""Fixtures: a cloud of two sites whose packets flow, and the people who use it by the top's APIs alone."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.clients import Client, SiteAdmin
from tests.integration.dataplane.ground import Ground
from tests.integration.people import a_stranger, a_tenant, all_sites, the_admin  # noqa: F401  # fixtures
from tests.integration.sandbox import IS_KEPT, REPOSITORY, Sandbox

DIRECTORY = REPOSITORY / ".sandbox-data-plane"
# One program of each Debian package that is not everywhere: see the Makefile's SERVERS.
PROGRAMS = {
    "/usr/sbin/ovs-vswitchd": "openvswitch-switch",
    "/usr/bin/ovn-northd": "ovn-central",
    "/usr/bin/ovn-controller": "ovn-host",
    "/usr/sbin/ethtool": "ethtool",
    "/usr/bin/ping": "iputils-ping",
}


def what_is_missing() -> str | None:
    """Say why there can be no data plane on this machine; None where there can."""
    packages = [package for program, package in PROGRAMS.items() if not Path(program).exists()]
    if packages:
        return f"not installed: {', '.join(packages)}; `make servers` installs them"
    trial = ["unshare", "--net", "ip", "link", "add", "trial", "type", "veth"]
    if subprocess.run(trial, capture_output=True, check=False).returncode:
        return "network namespaces need root"
    return None


@pytest.fixture(scope="session")
def possible() -> None:
    """This machine can have a data plane; one that tests for others must."""
    reason = what_is_missing()
    if reason is not None and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def sandbox(possible: None) -> Iterator[Sandbox]:
    """Two real sites and the top, with a data plane; one that runs already is used as it is."""
    sandbox = Sandbox(DIRECTORY)
    if not sandbox.is_running:
        sandbox.down()  # what an earlier run may have left
        sandbox.up("--sites", "2", "--profile", "data-plane")
    yield sandbox
    if not IS_KEPT:
        sandbox.down()


@pytest.fixture(scope="module")
def ground(tenant: Client, sites: list[SiteAdmin]) -> Iterator[Ground]:
    """Networks, groups and servers of the tenant, for the tests of a module."""
    ground = Ground(tenant, sites)
    yield ground
    ground.put_away()


@pytest.fixture(scope="module")
def strange_ground(stranger: Client, sites: list[SiteAdmin]) -> Iterator[Ground]:
    """The same of a member of another project."""
    ground = Ground(stranger, sites)
    yield ground
    ground.put_away()
