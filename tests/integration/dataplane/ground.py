"""Networks, security groups and servers of one user, made over the top's APIs and over nothing else."""

import uuid

from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import side_by_side
from tests.integration.dataplane.machine import Machine
from tests.integration.drawing import Document, Drawing, adopted, on


class Ground(Drawing):
    """What a user has made, until it is put away."""

    def __init__(self, owner: Client, sites: list[SiteAdmin]) -> None:
        super().__init__(owner, sites)
        self.owner = owner
        self.belongings = Belongings(owner)

    def network_of(self, *cidrs: str, pool: tuple[str, str] | None = None) -> Document:
        """Make a network with a subnet of each of the addresses.

        :param pool: first and last of those that the IPv4 subnet hands out; all, unless said.
        """
        network = self.make("networks", "network")
        for cidr in cidrs:
            more: Document = {}
            if ":" in cidr:
                more = dict.fromkeys(("ipv6_address_mode", "ipv6_ra_mode"), "dhcpv6-stateful")
            elif pool is not None:
                more["allocation_pools"] = [{"start": pool[0], "end": pool[1]}]
            self.subnet(network, cidr, **more)
        return network

    def group(self) -> Document:
        """Make a security group that lets everything out and nothing in."""
        return self.make("security-groups", "security_group")

    def let_in(self, group: Document, **rule: str) -> Document:
        """Let something in where a group is worn."""
        rule = {"ethertype": "IPv4", **rule}
        return self.make(
            "security-group-rules",
            "security_group_rule",
            security_group_id=group["id"],
            direction="ingress",
            **rule,
        )

    def wear(self, machine: Machine, groups: list[str]) -> None:
        """Have a server's port be in other groups, by their ids."""
        self.change("ports", machine.port, security_groups=groups)

    def machines(self, network: Document, *wanted: tuple[str, Document | None]) -> list[Machine]:
        """Boot a server for each pair of a zone and a group, side by side, and wait for their ports.

        One without a group is in the project's default one.
        """

        def boot(one: tuple[str, Document | None]) -> Machine:
            zone, group = one
            name = f"{zone}-{uuid.uuid4().hex[:8]}"
            wishes: Document = {"networks": on(network)}
            if group is not None:
                wishes["security_groups"] = [{"name": group["id"]}]
            server = self.belongings.server(name, zone, **wishes)
            return Machine(self.owner.facts["directory"], server.id, zone, adopted(self, server))

        return side_by_side(boot, wanted)

    def put_away(self) -> None:
        """Delete all of it, and see it gone."""
        self.belongings.put_away()
        super().put_away()
