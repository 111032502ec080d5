"""A subnet of which sites get addresses."""

from typing import Any

import netaddr
from tests.unit.network.base import TricircleTestCase


def addresses(block: dict[str, Any]) -> set[str]:
    """Return the addresses of a block."""
    return {str(address) for address in netaddr.iter_iprange(block["start"], block["end"])}


class DelegatingTestCase(TricircleTestCase):
    """Has a subnet of 13 addresses."""

    def setUp(self) -> None:
        """Make the subnet."""
        super().setUp()
        network = self._make_network(self.fmt, "blue", True)
        self.subnet = self._make_subnet(self.fmt, network, "10.0.0.1", "10.0.0.0/28")["subnet"]
        self.subnet_id = self.subnet["id"]

    def ports(self, count: int) -> set[str]:
        """Make ports at the top; return their addresses."""
        made = (self._make_port(self.fmt, self.subnet["network_id"])["port"] for _ in range(count))
        return {port["fixed_ips"][0]["ip_address"] for port in made}

    def adopt_at(self, address: str, **port: Any) -> dict[str, Any]:
        """Adopt a port with this address."""
        fixed_ips = [{"subnet_id": self.subnet_id, "ip_address": address}]
        return self.adopt(network_id=self.subnet["network_id"], fixed_ips=fixed_ips, **port)

    def ask_for(self, address: str, status: int | None = None) -> None:
        """Make a port at the top with this address."""
        fixed_ips = [{"subnet_id": self.subnet_id, "ip_address": address}]
        body = {"port": {"network_id": self.subnet["network_id"], "fixed_ips": fixed_ips}}
        self.call("POST", "ports", body, status=status)
