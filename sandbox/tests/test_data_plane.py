"""A data plane without OpenStack: what is plugged is plugged, and all of it goes with its maker."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox import chassis, configuration, data_plane, namespaces
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.serving.virtual_server import VirtualServer
from sandbox.serving.virtual_server import configuration as commands

PATIENCE = 15.0


@pytest.fixture(scope="module")
def possible() -> None:
    """This machine can have a data plane; one that tests for others must."""
    try:
        chassis.check_possible()
    except SandboxError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def plane(possible: None, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """The data plane of one site; it is there as long as the connection to its supervisor."""
    control = Control.start(tmp_path, None)
    layout = Layout(tmp_path, control.call("hello")["subnet"], sites_count=1, profile="data-plane")
    configuration.write(layout)
    layout.save()
    chassis.start_wan(layout, control, lambda _: None)
    chassis.start(layout, layout.sites[0], control, lambda _: None)
    yield SimpleNamespace(control=control, layout=layout, site=layout.sites[0])
    control.close()


def interface(number: int) -> dict[str, Any]:
    """Return Nova's model of an interface, as far as it is read."""
    subnet = {
        "cidr": "10.9.0.0/24",
        "version": 4,
        "ips": [{"address": f"10.9.0.{number}", "version": 4}],
        "gateway": {"address": "10.9.0.254"},
        "routes": [{"cidr": "10.8.0.0/16", "gateway": {"address": "10.9.0.253"}}],
    }
    network = {"meta": {"mtu": 1400}, "subnets": [subnet]}
    return {"id": f"{number:08}-1111-2222", "address": f"fa:16:3e:00:00:{number:02}", "network": network}


def ports(plane: SimpleNamespace) -> set[str]:
    """Return what is plugged in a site's switch."""
    return set(chassis.configure(plane.layout, plane.site, "list-ports", "br-int").split())


def namespaces_in_use() -> set[str]:
    """Return every network namespace that a process is in or holds open, or that is mounted."""
    found = set()
    for link in (*Path("/proc").glob("[0-9]*/task/*/ns/net"), *Path("/proc").glob("[0-9]*/fd/*")):
        try:
            target = str(link.readlink())
        except OSError:
            continue  # it has just ended
        if target.startswith("net:"):
            found.add(target)
    mounted = [line.split()[3] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return found | {root for root in mounted if root.startswith("net:")}


def wait_until_gone(used: set[str]) -> None:
    """Wait until none of the namespaces is there."""
    deadline = time.monotonic() + PATIENCE
    while left := used & namespaces_in_use():
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


def test_a_server_is_plugged_once_and_unplugged_for_good(plane: SimpleNamespace) -> None:
    server = VirtualServer(plane.layout, plane.site, "server")
    for number in (1, 2, 1):
        server.plug(interface(number))
    assert ports(plane) == {"tap00000001-11", "tap00000002-11"}
    said = namespaces.run(server.namespace, "ip", "-brief", "address")
    assert re.findall(r"^(eth\d)@.* (10\.9\.0\.\d)/24", said, re.MULTILINE) == [
        ("eth0", "10.9.0.1"),
        ("eth1", "10.9.0.2"),
    ]
    server.unplug(interface(1)["id"])
    server.unplug(interface(1)["id"])
    assert ports(plane) == {"tap00000002-11"}
    server.plug(interface(3))
    assert "10.9.0.3/24" in namespaces.run(server.namespace, "ip", "-brief", "address", "show", "eth0")
    server.close()
    assert ports(plane) == set()
    assert not server.namespace.is_symlink()


def test_what_a_killed_nova_left_plugged_is_plugged_anew(plane: SimpleNamespace) -> None:
    left = VirtualServer(plane.layout, plane.site, "server")
    left.plug(interface(1))
    os.close(left.file)  # as the kernel does for a process that is killed
    again = VirtualServer(plane.layout, plane.site, "server")
    again.plug(interface(1))
    assert ports(plane) == {"tap00000001-11"}
    assert "10.9.0.1/24" in namespaces.run(again.namespace, "ip", "-brief", "address", "show", "eth0")
    again.close()


def test_a_started_data_plane_is_left_as_it_is(plane: SimpleNamespace) -> None:
    before = plane.control.children()
    chassis.start_wan(plane.layout, plane.control, lambda _: None)
    chassis.start(plane.layout, plane.site, plane.control, lambda _: None)
    assert plane.control.children() == before


@pytest.mark.parametrize("end", ["down", "killed supervisor", "lost connection"])
def test_no_namespace_outlives_the_sandbox(plane: SimpleNamespace, end: str) -> None:
    links = [plane.layout.namespace(name) for name in (data_plane.WAN, data_plane.host_name(plane.site))]
    used = {str(link.readlink().readlink()) for link in links}
    assert len(used) == len(links)
    assert used <= namespaces_in_use()
    if end == "down":
        plane.control.down()
    elif end == "killed supervisor":
        os.kill(plane.control.call("hello")["pid"], signal.SIGKILL)
    else:
        plane.control.close()
    wait_until_gone(used)


def test_an_interface_has_what_dhcp_would_have_told_its_server() -> None:
    vif = interface(7)
    six = {"address": "fd00::7", "version": 6}
    vif["network"]["subnets"].append(
        {"cidr": "fd00::/64", "version": 6, "ips": [six], "gateway": None, "routes": []}
    )
    assert [" ".join(command) for command in commands(vif, "eth0")] == [
        "ip link set eth0 mtu 1400",
        "ip -4 address add 10.9.0.7/24 dev eth0",
        "ip -4 route replace default via 10.9.0.254 dev eth0",
        "ip -4 route replace 10.8.0.0/16 via 10.9.0.253 dev eth0",
        "ip -6 address add fd00::7/64 dev eth0 nodad",
    ]
