"""The network of a server that has no machine: a network namespace, with an interface for each of its ports.

An interface is one end of a wire whose other end is in the host's switch, as that of a virtual machine is; it
bears the port's MAC address, and has the addresses, the routes and the MTU that Neutron gave the port.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sandbox import chassis, namespaces
from sandbox.data_plane import host_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.layout import Layout, Site

BRIDGE = "br-int"


class VirtualServer:
    """A server's namespace, which is there until it is closed or this process ends.

    :param server_id: by which it can be found: ``nsenter --net=RUN/ID.net``
    """

    def __init__(self, layout: Layout, site: Site, server_id: str) -> None:
        self.layout = layout
        self.site = site
        self.namespace = layout.namespace(server_id)
        self.file = namespaces.make()
        self.ports: dict[str, str] = {}
        namespaces.publish(self.namespace, f"fd/{self.file}")
        namespaces.run(self.namespace, "ip", "link", "set", "lo", "up")

    def plug(self, vif: Any) -> None:
        """Give it the interface of a port; one that it has already stays as it is.

        :param vif: Nova's model of it
        """
        if vif["id"] in self.ports:
            return
        tap, interface = f"tap{vif['id'][:11]}", self.free_name()
        # Nothing is there but what a killed Nova has left in the switch.
        self.switch("--if-exists", "del-port", BRIDGE, tap)
        host = self.layout.namespace(host_name(self.site))
        namespaces.connect(self.namespace, interface, host, tap, address=vif["address"])
        for command in configuration(vif, interface):
            namespaces.run(self.namespace, *command)
        port = {"iface-id": vif["id"], "attached-mac": vif["address"], "iface-status": "active"}
        ids = [f'external_ids:{key}="{value}"' for key, value in port.items()]
        self.switch("add-port", BRIDGE, tap, "--", "set", "Interface", tap, *ids)
        self.ports[vif["id"]] = interface

    def unplug(self, port_id: str) -> None:
        """Take the interface of a port away, if it is there."""
        interface = self.ports.pop(port_id, None)
        if interface is not None:
            self.switch("--if-exists", "del-port", BRIDGE, f"tap{port_id[:11]}")
            namespaces.run(self.namespace, "ip", "link", "delete", interface)

    def close(self) -> None:
        """Take all of it away."""
        for port_id in tuple(self.ports):
            self.unplug(port_id)
        self.namespace.unlink(missing_ok=True)
        os.close(self.file)

    def free_name(self) -> str:
        """Return the first name that no interface has."""
        taken = set(self.ports.values())
        return next(name for number in range(len(taken) + 1) if (name := f"eth{number}") not in taken)

    def switch(self, *command: str) -> None:
        """Have the host's switch do something, and be done."""
        chassis.configure(self.layout, self.site, *command)


def configuration(vif: Any, interface: str) -> Iterator[tuple[str, ...]]:
    """Return what a server would do with what DHCP told it, as command lines."""
    network = vif["network"]
    if mtu := network["meta"].get("mtu"):
        yield ("ip", "link", "set", interface, "mtu", str(mtu))
    for subnet in network["subnets"]:
        length = subnet["cidr"].rpartition("/")[2]
        for address in subnet["ips"]:
            given = ("add", f"{address['address']}/{length}", "dev", interface)
            # An IPv6 address is used at once: Neutron vouches that nobody else has it.
            quickly = ("nodad",) if address["version"] == 6 else ()
            yield ("ip", f"-{address['version']}", "address", *given, *quickly)
        for route in routes(subnet):
            yield ("ip", f"-{subnet['version']}", "route", "replace", *route, "dev", interface)


def routes(subnet: Any) -> Iterator[tuple[str, ...]]:
    """Return the routes of a subnet: through its gateway, and those that the tenant gave it."""
    gateway = subnet["gateway"] and subnet["gateway"]["address"]
    if gateway:
        yield ("default", "via", gateway)
    for route in subnet["routes"]:
        yield (route["cidr"], "via", route["gateway"]["address"])
