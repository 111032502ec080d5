"""Starts the data plane: the wide area network, and each site's switch, which OVN knows as a chassis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import data_plane, namespaces, readiness
from sandbox.configuration.neutron import STRETCHED
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.control import Control
    from sandbox.layout import Layout, Site

    Report = Callable[[str], None]

# The bridge that the wire to the wide area network is plugged in.
BRIDGE = "br-wan"
PATIENCE_SECONDS = 30


def check_possible() -> None:
    """Raise SandboxError where a data plane cannot be on this machine, and say why."""
    missing = [program for program in data_plane.PROGRAMS if not Path(program).exists()]
    if missing:
        raise SandboxError(f"{', '.join(missing)}: not installed; `make servers` installs what is missing")
    try:
        namespaces.run_command("unshare", "--net", "ip", "link", "add", "trial", "type", "veth")
    except SandboxError as error:
        raise SandboxError(f"a data plane needs root, for network namespaces: {error}") from None


def start_wan(layout: Layout, control: Control, report: Report) -> None:
    """Start the wide area network."""
    process = data_plane.wan_process(layout)
    if process.name in running(control):
        return
    layout.namespace(data_plane.WAN).unlink(missing_ok=True)
    control.run([process])
    readiness.wait(is_there(layout, data_plane.WAN), [process], control, report)


def start(layout: Layout, site: Site, control: Control, report: Report) -> None:
    """Start the data plane of a site, as far as it does not run.

    What Neutron has written in OVN's databases stays from one start to the next. The switch begins anew each
    time, as on a host that was switched on: the wires of servers are not there until Nova plugs them.

    :raises SandboxError: one of its programs failed
    """
    host, server, *others = planned = data_plane.site_processes(layout, site)
    present = running(control)
    if host.name not in present:
        layout.namespace(host.name).unlink(missing_ok=True)
    if server.name not in present:
        make_databases(layout, site)
    control.run([host, server])
    readiness.wait(is_there(layout, host.name), [host], control, report)
    readiness.wait(serves(layout, site), [server], control, report)
    if server.name not in present:
        settle(layout, site)
    control.run(others)
    readiness.wait(has_bridges(layout, site), planned, control, report)


def running(control: Control) -> set[str]:
    """Return the names of the processes that run."""
    return {name for name, child in control.children().items() if child["running"]}


def make_databases(layout: Layout, site: Site) -> None:
    """Make the switch's configuration, and OVN's databases where they are not there."""
    directory = data_plane.directory(layout, site)
    directory.mkdir(parents=True, exist_ok=True)
    for leftover in (data_plane.database(layout, site, "switch"), *directory.glob("*.ctl")):
        leftover.unlink(missing_ok=True)
    for name, schema in data_plane.SCHEMAS.items():
        file = data_plane.database(layout, site, name)
        if not file.exists():
            namespaces.run_command(data_plane.OVSDB_TOOL, "create", str(file), schema)


def settle(layout: Layout, site: Site) -> None:
    """Tell the switch what it is, before there is one to obey."""
    remote = data_plane.database_address(layout, site)
    known_as = {
        # Neutron binds a server's port to the chassis whose host name is what Nova calls its host.
        "hostname": site.host,
        "system-id": site.host,
        "ovn-remote": remote,
        "ovn-bridge-datapath-type": "netdev",
        "ovn-bridge-mappings": f"{STRETCHED}:{BRIDGE}",
        # There is no second host in a site to which a tunnel could lead.
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": site.address,
    }
    configure(layout, site, "--no-wait", "init")
    ids = [f"external_ids:{key}={value}" for key, value in known_as.items()]
    configure(layout, site, "--no-wait", "set", "Open_vSwitch", ".", *ids)
    for bridge, fail_mode in (("br-int", "secure"), (BRIDGE, "standalone")):
        options = ("datapath_type=netdev", f"fail_mode={fail_mode}", "other_config:disable-in-band=true")
        configure(layout, site, "--no-wait", "add-br", bridge, "--", "set", "Bridge", bridge, *options)
    configure(layout, site, "--no-wait", "add-port", BRIDGE, data_plane.WAN)


def configure(layout: Layout, site: Site, *command: str) -> str:
    """Run ``ovs-vsctl`` on a site's switch, and return what it prints.

    :raises SandboxError: it failed, or the switch did not do it in time
    """
    options = (f"--db={data_plane.database_address(layout, site)}", f"--timeout={PATIENCE_SECONDS}")
    return namespaces.run_command(data_plane.OVS_VSCTL, *options, *command)


def is_there(layout: Layout, name: str) -> readiness.Condition:
    """Return the condition that a namespace is there, with all that its maker puts in it."""
    return lambda: None if layout.namespace(name).exists() else f"the network namespace of {name}"


def serves(layout: Layout, site: Site) -> readiness.Condition:
    """Return the condition that a site's OVSDB server answers."""
    return succeeds(f"the OVSDB server of {site.name}", layout, site, "--no-wait", "show")


def has_bridges(layout: Layout, site: Site) -> readiness.Condition:
    """Return the condition that a site's switch has done what it was told."""
    ready = ("set", "Open_vSwitch", ".", "external_ids:ready=1")
    return succeeds(f"the switch of {site.name}", layout, site, *ready)


def succeeds(what: str, layout: Layout, site: Site, *command: str) -> readiness.Condition:
    """Return the condition that ``ovs-vsctl`` succeeds."""

    def condition() -> str | None:
        try:
            configure(layout, site, *command)
        except SandboxError:
            return what
        return None

    return condition
