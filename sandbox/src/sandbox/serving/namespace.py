"""What a data plane lives by: a process that holds a network namespace, and programs that run in one.

A process without a command line makes its namespace, furnishes it by what it is (``wan`` or ``host``), lets
others find it, and stays. One with a command line becomes that program in the namespace it is told of.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import namespaces
from sandbox.serving import command, wsgi

if TYPE_CHECKING:
    from sandbox.process import Process

# Either end of a site's wire, and the bridge in the middle.
WAN = "wan"


def preload() -> None:
    """Import nothing more."""


def run(process: Process) -> None:
    """Hold a namespace, or become a program in one."""
    namespace = Path(process.environment["NAMESPACE"])
    if process.arguments:
        namespaces.enter(namespace)
        command.run(process)
    namespaces.leave()
    namespaces.run_command("ip", "link", "set", "lo", "up")
    {"wan": furnish_wan, "host": furnish_host}[process.part](process)
    namespaces.publish(namespace, "ns/net")
    wsgi.wait_for_end()


def furnish_wan(_process: Process) -> None:
    """Put a bridge in it, which hands on every frame whatever its VLAN."""
    namespaces.run_command("ip", "link", "add", WAN, "type", "bridge")
    namespaces.run_command("ip", "link", "set", WAN, "up")


def furnish_host(process: Process) -> None:
    """Put the end of a wire in it, whose other end is in the wide area network's bridge."""
    wan, site = Path(process.environment["WAN"]), process.owner
    namespaces.connect(Path(f"/proc/{os.getpid()}/ns/net"), WAN, wan, site)
    namespaces.run(wan, "ip", "link", "set", site, "master", WAN)
