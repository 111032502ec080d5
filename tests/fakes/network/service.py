"""The Neutron of one site: its state, its versions, and what a test asks of it directly."""

import ipaddress
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.fakes.network import (
    address_groups,
    networks,
    ports,
    qos_policies,
    quotas,
    rbac_policies,
    security_groups,
    subnets,
    tags,
)
from tests.fakes.network.rows import Words
from tests.fakes.server import Headers, Request, Response
from tests.fakes.service import Document, Route, Service, Version

_TYPES = {400: "HTTPBadRequest", 401: "NotAuthorized", 403: "PolicyNotAuthorized", 404: "HTTPNotFound"}

ROUTES = (
    *networks.ROUTES,
    *subnets.ROUTES,
    *ports.ROUTES,
    *security_groups.ROUTES,
    *address_groups.ROUTES,
    *rbac_policies.ROUTES,
    *qos_policies.ROUTES,
    *quotas.ROUTES,
    *tags.ROUTES,
)


@dataclass(kw_only=True)
class Network(Service):
    """A Neutron.

    :param mtu: the largest that its networks may have, and what they get.
    :param has_dns: whether networks have a DNS domain (extension `dns-integration`).
    :param has_hardware: whether ports have a NUMA policy and a device profile, of extension drivers.
    :param has_dhcp: whether a subnet with DHCP gets a port for that, as with ML2/OVS.
    :param physical_networks: those that it knows, for VLANs and flat networks.
    :param tenant_type: what networks are that say nothing: `vxlan`; `vlan`, of the first physical network.
    :param lacks: the aliases of extensions that it does not have.
    """

    region: str = "RegionOne"
    maximum: Version = (2, 0)
    mtu: int = 1500
    has_dns: bool = False
    has_hardware: bool = False
    has_dhcp: bool = True
    physical_networks: tuple[str, ...] = ("stretched",)
    tenant_type: str = "vxlan"
    networks: dict[str, Document] = field(default_factory=dict)
    subnets: dict[str, Document] = field(default_factory=dict)
    ports: dict[str, Document] = field(default_factory=dict)
    security_groups: dict[str, Document] = field(default_factory=dict)
    address_groups: dict[str, Document] = field(default_factory=dict)
    rbac_policies: dict[str, Document] = field(default_factory=dict)
    qos_policies: dict[str, Document] = field(default_factory=dict)
    lacks: set[str] = field(default_factory=set)

    service_type = "network"
    version_path = "/v2.0"
    public_paths = frozenset({"/"})
    minimum = (2, 0)
    error_type: ClassVar[str] = "application/json"
    routes: ClassVar[Iterable[Route]] = ROUTES

    def __post_init__(self) -> None:
        """Make the routes ready."""
        super().__post_init__()
        self.turn = threading.RLock()

    @property
    def url(self) -> str:
        """The endpoint, which has no version: as Neutron's is registered."""
        return self.server.url

    def versions(self, request: Request, path: str) -> Response:
        """Answer `GET /`."""
        links = [{"rel": "self", "href": f"{self.link_root(request)}/v2.0/"}]
        return Response.of_json({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})

    def negotiate(self, request: Request) -> Version:
        """Take whatever is asked for: there are no microversions."""
        return self.minimum

    def version_echo(self, version: Version) -> Headers:
        """Name no version."""
        return ()

    def error(self, status: int, message: str) -> Response:
        """Make an error in Neutron's shape."""
        type_ = message.type if isinstance(message, Words) else _TYPES.get(status, "HTTPServiceUnavailable")
        document = {"NeutronError": {"type": type_, "message": str(message), "detail": ""}}
        return Response(status, json.dumps(document).encode(), (("Content-Type", self.error_type),))

    def _dispatch(self, *arguments: Any) -> Response:
        # One after the other, as its database would see to it.
        with self.turn:
            return super()._dispatch(*arguments)

    def times(self) -> Document:
        """Return when something is made now; Neutron keeps seconds."""
        now = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"created_at": now, "updated_at": now, "revision_number": 1}

    def is_shared(self, object_id: str, project_id: str) -> bool:
        """Say whether something is shared with a project, or with all."""
        return not rbac_policies.targets(self, object_id).isdisjoint({"*", project_id})

    def is_external(self, network_id: str) -> bool:
        """Say whether a network is external, to whomever."""
        return bool(rbac_policies.targets(self, network_id, rbac_policies.EXTERNAL))

    def ports_on(self, subnet: Document) -> list[Document]:
        """Return the ports that have an address of a subnet."""
        return [
            port
            for port in self.ports.values()
            if any(fixed["subnet_id"] == subnet["id"] for fixed in port["fixed_ips"])
        ]

    def addresses_in_use(self, subnet: Document) -> set[str]:
        """Return the addresses of a subnet that ports have."""
        return {
            fixed["ip_address"]
            for port in self.ports.values()
            for fixed in port["fixed_ips"]
            if fixed["subnet_id"] == subnet["id"]
        }

    @staticmethod
    def contains(subnet: Document, address: str) -> bool:
        """Say whether an address is one of a subnet."""
        return ipaddress.ip_address(address) in ipaddress.ip_network(subnet["cidr"])

    @staticmethod
    def pool_size(subnet: Document) -> int:
        """Return how many addresses may be handed out."""
        return sum(
            int(ipaddress.ip_address(pool["end"])) - int(ipaddress.ip_address(pool["start"])) + 1
            for pool in subnet["allocation_pools"]
        )

    def free_address(self, subnet: Document) -> str | None:
        """Return the next address that a subnet hands out; None where it is full."""
        taken = self.addresses_in_use(subnet)
        make = type(ipaddress.ip_network(subnet["cidr"])[0])
        for pool in subnet["allocation_pools"]:
            first, last = int(ipaddress.ip_address(pool["start"])), int(ipaddress.ip_address(pool["end"]))
            for number in range(first, min(last, first + 10_000) + 1):
                if str(make(number)) not in taken and not self.is_delegated(subnet, number):
                    return str(make(number))
        return None

    def type_of_new(self, wanted: Document) -> str:
        """Return the type of a network that says none."""
        return self.tenant_type

    def is_delegated(self, subnet: Document, number: int) -> bool:
        """Say whether an address is somebody else's to hand out."""
        return False

    def serve_dhcp(self, subnet: Document) -> None:
        """Make the port of the DHCP server, where there is room for one and it has none."""
        serves = self.has_dhcp and subnet["enable_dhcp"] and subnet["ipv6_address_mode"] is None
        if not serves or subnet["ip_version"] == 6 or self.free_address(subnet) is None:
            return
        if not any(port["device_owner"] == "network:dhcp" for port in self.ports_on(subnet)):
            home = self.networks[subnet["network_id"]]
            wanted = {
                "device_owner": "network:dhcp",
                "device_id": f"dhcp-{home['id']}",
                "fixed_ips": [{"subnet_id": subnet["id"]}],
                "security_groups": [],
            }
            ports.make(self, home, subnet["project_id"], wanted)

    def give_addresses(self, subnet: Document) -> None:
        """Give the ports that are there addresses of a new subnet whose hosts make their own."""
        if subnet["ipv6_address_mode"] not in subnets.AUTOMATIC:
            return
        for port in self.ports.values():
            if port["network_id"] == subnet["network_id"]:
                address = ports.automatic_address(subnet, port["mac_address"])
                own = {"subnet_id": subnet["id"], "ip_address": address}
                port["fixed_ips"] = [*port["fixed_ips"], own]

    def marked(self, kind: str, top_id: str) -> list[Document]:
        """Return what bears the mark of something of the top.

        :param kind: `networks`, `subnets`, `ports`, `security_groups`, `address_groups` or `qos_policies`.
        """
        items: dict[str, Document] = getattr(self, kind)
        marks = {f"tricircle:{top_id}", *([f"tricircle:{top_id}."] if kind == "subnets" else ())}
        return [item for item in items.values() if item["description"] in marks]
