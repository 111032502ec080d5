"""Networks, security groups and servers of one user, made over the top's APIs and over nothing else."""

import uuid
from typing import Any

from tests.integration.belongings import Belongings
from tests.integration.clients import Client
from tests.integration.conditions import eventually, side_by_side
from tests.integration.dataplane.machine import Machine

Document = dict[str, Any]


class Ground:
    """What a user has made, until it is put away."""

    def __init__(self, owner: Client) -> None:
        self.owner = owner
        self.belongings = Belongings(owner)
        self._made: list[tuple[str, str]] = []

    def network(self, *cidrs: str, pool: tuple[str, str] | None = None) -> Document:
        """Make a network with a subnet of each of the addresses.

        :param pool: first and last of those that the IPv4 subnet hands out; all, unless said.
        """
        network = self.make("networks", "network")
        for cidr in cidrs:
            family: Document = {"ip_version": 4}
            if pool is not None:
                family["allocation_pools"] = [{"start": pool[0], "end": pool[1]}]
            if ":" in cidr:
                mode = "dhcpv6-stateful"
                family = {"ip_version": 6, "ipv6_address_mode": mode, "ipv6_ra_mode": mode}
            self.make("subnets", "subnet", network_id=network["id"], cidr=cidr, **family)
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
        answer = self._neutron.put(f"/ports/{machine.port['id']}", json={"port": {"security_groups": groups}})
        assert answer.status_code == 200, answer.text

    def machines(self, network: Document, *wanted: tuple[str, Document | None]) -> list[Machine]:
        """Boot a server for each pair of a zone and a group, side by side, and wait for their ports.

        One without a group is in the project's default one.
        """

        def boot(one: tuple[str, Document | None]) -> Machine:
            zone, group = one
            name = f"{zone}-{uuid.uuid4().hex[:8]}"
            wishes: Document = {"networks": [{"uuid": network["id"]}]}
            if group is not None:
                wishes["security_groups"] = [{"name": group["id"]}]
            server = self.belongings.server(name, zone, **wishes)
            port = eventually(lambda: self._active_port(server.id), f"the port of {name} at the top")
            return Machine(self.owner.facts["directory"], server.id, zone, port)

        return side_by_side(boot, wanted)

    def make(self, collection: str, member: str, **fields: Any) -> Document:
        """Make something at the top's Neutron."""
        name = {} if member == "security_group_rule" else {"name": f"{member}-{uuid.uuid4().hex[:8]}"}
        answer = self._neutron.post(f"/{collection}", json={member: {**name, **fields}})
        assert answer.status_code == 201, answer.text
        made: Document = answer.json()[member]
        self._made.append((collection, made["id"]))
        return made

    def delete(self, collection: str, made: Document) -> None:
        """Delete something at the top's Neutron."""
        answer = self._neutron.delete(f"/{collection}/{made['id']}")
        assert answer.status_code == 204, answer.text

    def put_away(self) -> None:
        """Delete all of it, and see it gone."""
        self.belongings.put_away()
        for collection, identifier in reversed(self._made):
            path = f"/{collection}/{identifier}"
            # A port goes from the top a moment after its server.
            eventually(
                lambda path=path: self._neutron.delete(path).status_code in {204, 404},  # type: ignore[misc]
                f"{path} deleted",
            )

    @property
    def _neutron(self) -> Any:
        return self.owner.connection.network

    def _active_port(self, server_id: str) -> Document | None:
        ports: list[Document] = self._neutron.get("/ports", params={"device_id": server_id}).json()["ports"]
        return ports[0] if len(ports) == 1 and ports[0]["status"] == "ACTIVE" else None
