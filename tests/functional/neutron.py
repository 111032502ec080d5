"""Somebody who uses the top's Neutron, and what tests ask of the sites' ones."""

import json
from dataclasses import dataclass
from typing import Any

from tests.fakes.cloud import Cloud
from tests.fakes.keystone import Token
from tests.fakes.network import Network, TopNetwork
from tests.fakes.server import Request, Response
from tests.fakes.service import Document
from tests.fakes.site import Site

from tricircle.jobs.job import Request as JobRequest
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import FOLLOW


@dataclass
class Neutron:
    """A user at the top's Neutron, whose plugin asks for jobs as the real one's journal does.

    :param token: theirs.
    """

    cloud: Cloud
    top: TopNetwork
    token: Token

    def make_network(self, name: str = "net1", *cidrs: str, **fields: Any) -> Document:
        """Make a network with subnets."""
        network = self.make("network", name=name, **fields)
        for cidr in cidrs:
            self.make_subnet(network, cidr)
        return self.show("network", network["id"])

    def make_subnet(self, network: Document, cidr: str, **fields: Any) -> Document:
        """Make a subnet."""
        version = 6 if ":" in cidr else 4
        wanted = {"network_id": network["id"], "cidr": cidr, "ip_version": version, "name": cidr}
        return self.make("subnet", **(wanted | fields))

    def make(self, kind: str, **fields: Any) -> Document:
        """Make something."""
        return self.call("POST", kind, body={kind: fields})

    def change(self, kind: str, identifier: str, **fields: Any) -> Document:
        """Change something."""
        return self.call("PUT", kind, identifier, {kind: fields})

    def show(self, kind: str, identifier: str) -> Document:
        """Show something."""
        return self.call("GET", kind, identifier)

    def delete(self, kind: str, identifier: str) -> None:
        """Delete something."""
        self.call("DELETE", kind, identifier)

    def default_group(self) -> Document:
        """Return the project's default security group."""
        reply = self._send("GET", "/v2.0/security-groups?name=default&project_id=" + self.token.project_id)
        (group,) = json.loads(reply.body)["security_groups"]
        return dict(group)

    def add_rule(self, group_id: str, **fields: Any) -> Document:
        """Add a rule to a group."""
        wanted = {"security_group_id": group_id, "direction": "ingress", "ethertype": "IPv4", **fields}
        reply = self._send("POST", "/v2.0/security-group-rules", {"security_group_rule": wanted})
        assert reply.status == 201, reply.body
        self._follow("security_group", group_id)
        return dict(json.loads(reply.body)["security_group_rule"])

    def delete_rule(self, group_id: str, rule_id: str) -> None:
        """Delete a rule of a group."""
        assert self._send("DELETE", f"/v2.0/security-group-rules/{rule_id}").status == 204
        self._follow("security_group", group_id)

    def call(self, method: str, kind: str, identifier: str = "", body: object = None) -> Document:
        """Send a request; the plugin follows what it changes."""
        collection = kind.replace("_", "-") + "s"
        reply = self._send(method, f"/v2.0/{collection}" + (f"/{identifier}" if identifier else ""), body)
        assert reply.status < 300, (reply.status, reply.body)
        item: Document = json.loads(reply.body)[kind] if reply.body else {}
        if method != "GET":
            self._follow(kind, identifier or item["id"])
        return dict(item)

    def _send(self, method: str, target: str, body: object = None) -> Response:
        headers = (("X-Auth-Token", self.token.id), ("Host", "top"), ("Content-Type", "application/json"))
        data = b"" if body is None else json.dumps(body).encode()
        return self.top._respond(Request(method, target, headers, data), "req-user")

    def _follow(self, kind: str, identifier: str) -> None:
        JobRequester(self.cloud.database).request(JobRequest(FOLLOW.name, kind, identifier))


def calls_of(network: Network, *methods: str) -> list[tuple[str, str]]:
    """Return what a Neutron was asked: methods and targets; all methods where none is named."""
    return [
        (request.method, request.target)
        for request in network.received()
        if request.method in (methods or (request.method,))
    ]


def networks_in(site: Site) -> dict[str, list[str]]:
    """Return what a site has: names of networks, and the addresses of their subnets."""
    neutron = site.network
    return {
        item["name"]: sorted(neutron.subnets[each]["cidr"] for each in item["subnets"])
        for item in neutron.networks.values()
    }


def rules_of(group: Document, names: dict[str, str] | None = None) -> set[tuple[Any, ...]]:
    """Return the rules of a group, other groups by name; but for those about members in other sites.

    :param names: of groups by id.
    """
    fields = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix")
    return {
        (
            *(rule[field] for field in fields),
            (names or {}).get(rule["remote_group_id"], rule["remote_group_id"]),
        )
        for rule in group["security_group_rules"]
        if rule["remote_address_group_id"] is None
    }
