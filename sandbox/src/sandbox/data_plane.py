"""The data plane of the profile of that name: a wide area network, and a switch with OVN in each site.

Each site's compute host is a network namespace with an Open vSwitch in it, in user space, for the kernel
needs no module then. OVN is the site's own. What leaves a host goes by one wire into the namespace ``wan``,
whose bridge hands on the frames of every VLAN: that is what the physical network ``stretched`` stands for.

A table of processes, as plain data; ``chassis`` starts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.process import COMMAND, Process

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.layout import Layout, Site

WAN = "wan"
NAMESPACE = "namespace"
HOST = "host"

OVSDB_SERVER = "/usr/sbin/ovsdb-server"
OVSDB_TOOL = "/usr/bin/ovsdb-tool"
OVS_VSWITCHD = "/usr/sbin/ovs-vswitchd"
OVS_VSCTL = "/usr/bin/ovs-vsctl"
OVN_NORTHD = "/usr/bin/ovn-northd"
OVN_CONTROLLER = "/usr/bin/ovn-controller"
PROGRAMS = (
    *(OVSDB_SERVER, OVSDB_TOOL, OVS_VSWITCHD, OVS_VSCTL, OVN_NORTHD, OVN_CONTROLLER),
    *("/usr/sbin/ip", "/usr/sbin/ethtool", "/usr/bin/nsenter"),
)
# What a site's one database server serves: the switch's configuration, and OVN's two.
SCHEMAS = {
    "switch": "/usr/share/openvswitch/vswitch.ovsschema",
    "northbound": "/usr/share/ovn/ovn-nb.ovsschema",
    "southbound": "/usr/share/ovn/ovn-sb.ovsschema",
}
# They write to standard output, which is their log.
LOGGING = ("-vconsole:info", "-vfile:off", "-vsyslog:off")


def wan_process(layout: Layout) -> Process:
    """Return the process that the wide area network lives by."""
    return namespace_process(layout, WAN, WAN, WAN)


def site_processes(layout: Layout, site: Site) -> list[Process]:
    """Return the data plane of a site: what its host lives by, and the programs on it."""
    address = database_address(layout, site)
    host = namespace_process(layout, site.name, HOST, host_name(site))
    databases = (str(database(layout, site, name)) for name in SCHEMAS)
    server = (OVSDB_SERVER, *databases, f"--remote=p{address}", *LOGGING)
    switch = (OVS_VSWITCHD, address, *LOGGING)
    northd = (OVN_NORTHD, f"--ovnnb-db={address}", f"--ovnsb-db={address}", *LOGGING)
    controller = (OVN_CONTROLLER, address, *LOGGING)
    return [
        host,
        program(layout, site, "ovsdb", server, within=False),
        program(layout, site, "vswitchd", switch, within=True),
        program(layout, site, "northd", northd, within=False),
        program(layout, site, "ovn-controller", controller, within=True),
    ]


def host_name(site: Site) -> str:
    """Return what the process that a site's host lives by is called."""
    return f"{site.name}-{HOST}"


def directory(layout: Layout, site: Site) -> Path:
    """Return where all is that Open vSwitch and OVN of a site keep, their sockets too."""
    return layout.data(f"{site.name}-ovs")


def database(layout: Layout, site: Site, name: str) -> Path:
    """Return the file of one of a site's OVSDB databases."""
    return directory(layout, site) / f"{name}.db"


def database_address(layout: Layout, site: Site) -> str:
    """Return where a site's OVSDB databases are served, as Open vSwitch and OVN are told of it."""
    return f"unix:{directory(layout, site) / 'databases.sock'}"


def namespace_process(layout: Layout, owner: str, part: str, name: str) -> Process:
    """Return a process that is in a network namespace of its own, and holds it for others."""
    return Process(
        name=name,
        program=NAMESPACE,
        owner=owner,
        type="",
        address="",
        port=0,
        log=str(layout.log(name)),
        conf=str(layout.conf(owner)),
        part=part,
        environment={"NAMESPACE": str(layout.namespace(name)), "WAN": str(layout.namespace(WAN))},
    )


def program(layout: Layout, site: Site, name: str, arguments: tuple[str, ...], *, within: bool) -> Process:
    """Return one of a site's programs.

    :param within: it runs in the namespace of the site's host
    """
    name = f"{site.name}-{name}"
    keeps = str(directory(layout, site))
    return Process(
        name=name,
        program=NAMESPACE if within else COMMAND,
        owner=site.name,
        type="",
        address="",
        port=0,
        log=str(layout.log(name)),
        conf=str(layout.conf(site.name)),
        arguments=arguments,
        environment={
            "OVS_RUNDIR": keeps,
            "OVN_RUNDIR": keeps,
            "NAMESPACE": str(layout.namespace(host_name(site))),
        },
    )
