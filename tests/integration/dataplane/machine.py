"""A server as one who has logged in to it would use it: to ping another one."""

import subprocess
from ipaddress import ip_address
from typing import Any

from tests.integration.conditions import eventually

REACHED_WITHIN = 30.0
"""Seconds in which flows are in place everywhere, on a busy machine too."""

TRIALS = 4
"""Packets that must all be lost before nothing is said to get through: a quarter of a second apart."""


class Machine:
    """A server whose network is a namespace of this machine.

    :param port: the server's port, as the top's Neutron shows it.
    """

    def __init__(self, directory: str, server_id: str, zone: str, port: dict[str, Any]) -> None:
        self.zone = zone
        self.port = port
        self._namespace = f"{directory}/run/{server_id}.net"

    def address(self, version: int = 4) -> str:
        """Return its address at the top."""
        addresses = [fixed["ip_address"] for fixed in self.port["fixed_ips"]]
        (found,) = [address for address in addresses if ip_address(address).version == version]
        return str(found)

    def reaches(self, address: str, *options: str) -> bool:
        """Ping an address until an answer comes, and say whether one has."""
        eventually(
            lambda: self.ping(address, "-c", "1", *options),
            f"{self} reaches {address}",
            within=REACHED_WITHIN,
        )
        return True

    def stops_reaching(self, address: str) -> bool:
        """Ping an address until no answer comes any more, and say whether that has come to be."""
        eventually(
            lambda: self.does_not_reach(address), f"{self} no longer reaches {address}", within=REACHED_WITHIN
        )
        return True

    def does_not_reach(self, address: str) -> bool:
        """Ping an address, and say whether every packet was lost.

        It means something only where the same sender is seen to reach somebody over the same way.
        """
        return not self.ping(address, "-c", str(TRIALS), "-i", "0.25")

    def ping(self, address: str, *options: str) -> bool:
        """Ping an address, and say whether an answer has come."""
        command = ["ping", "-n", "-q", "-W", "1", *options, address]
        return self.run(*command).returncode == 0

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a program on it."""
        enter = ["nsenter", f"--net={self._namespace}", "--", *command]
        done = subprocess.run(enter, capture_output=True, text=True, check=False)
        assert "nsenter" not in done.stderr, done.stderr
        return done

    def __str__(self) -> str:
        return f"the server {self.address()} in {self.zone}"
