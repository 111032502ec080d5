"""Those who use a site's Neutron, and what they leave to be deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from tests.contract.site import People, Reply

Item = dict[str, Any]

COLLECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "policy": "qos/policies",
        "address_group": "address-groups",
        "rbac_policy": "rbac-policies",
        "security_group": "security-groups",
    }
)
"""Paths of those that do not have their name with an `s`."""

UNKNOWN = "11111111-2222-4333-8444-555555555555"


@dataclass
class Neutron:
    """Calls of a site's Neutron, by person: the administrator, where nobody is named."""

    people: People
    _made: list[str] = field(default_factory=list)

    @property
    def projects(self) -> dict[str, str]:
        """Their projects' ids."""
        return self.people.site.projects

    def call(self, method: str, path: str, body: object = None, *, who: str = "admin") -> Reply:
        """Send a request; a path without the version."""
        return self.people.call(method, f"/v2.0/{path}", body, who=who)

    def ask(self, kind: str, *, who: str = "admin", **fields: Any) -> Reply:
        """Ask for something new."""
        reply = self.call("POST", collection(kind), {kind: fields}, who=who)
        if reply.status == 201:
            self._made.append(f"{collection(kind)}/{reply.json[kind]['id']}")
        return reply

    def make(self, kind: str, *, who: str = "admin", **fields: Any) -> Item:
        """Make something."""
        reply = self.ask(kind, who=who, **fields)
        assert reply.status == 201, reply.text
        made: Item = reply.json[kind]
        return made

    def network(self, *cidrs: str, who: str = "admin", **fields: Any) -> tuple[Item, list[Item]]:
        """Make a network with subnets."""
        network = self.make("network", who=who, **{"name": "contract", **fields})
        return network, [self.subnet(network, cidr, who=who) for cidr in cidrs]

    def subnet(self, network: Item, cidr: str, who: str = "admin", **fields: Any) -> Item:
        """Make a subnet, without DHCP: whose ports are the agent's."""
        version = 6 if ":" in cidr else 4
        wanted = {"network_id": network["id"], "cidr": cidr, "ip_version": version, "enable_dhcp": False}
        return self.make("subnet", who=who, **(wanted | fields))

    def show(self, kind: str, identifier: str, *, who: str = "admin") -> Item:
        """Show something."""
        reply = self.call("GET", f"{collection(kind)}/{identifier}", who=who)
        assert reply.status == 200, reply.text
        shown: Item = reply.json[kind]
        return shown

    def list(self, kind: str, *, who: str = "admin", **filters: Any) -> list[Item]:
        """List what fits filters."""
        reply = self.call("GET", f"{collection(kind)}?{urlencode(filters, doseq=True)}", who=who)
        assert reply.status == 200, reply.text
        found: list[Item] = reply.json[collection(kind).split("/")[-1].replace("-", "_")]
        return found

    def change(
        self, kind: str, identifier: str, *, who: str = "admin", revision: int | None = None, **fields: Any
    ) -> Reply:
        """Ask for a change.

        :param revision: that the thing must have.
        """
        headers = {} if revision is None else {"If-Match": f"revision_number={revision}"}
        path = f"/v2.0/{collection(kind)}/{identifier}"
        return self.people.call("PUT", path, {kind: fields}, who=who, headers=headers)

    def delete(self, kind: str, identifier: str, *, who: str = "admin") -> Reply:
        """Ask that something go."""
        return self.call("DELETE", f"{collection(kind)}/{identifier}", who=who)

    def tidy(self) -> None:
        """Delete what was made, the latest first."""
        for path in reversed(self._made):
            reply = self.call("DELETE", path)
            assert reply.status in {204, 404}, reply.text


def collection(kind: str) -> str:
    """Return the path of all of a kind."""
    return COLLECTIONS.get(kind, f"{kind}s")
