"""A cloud of one site and a top that adopts ports, with a network that both have."""

import json
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.service import Service
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.workshop import Workshop

from tricircle.jobs.job import Job, Request
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT, PORTS

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"


@dataclass
class Ground:
    """One network with a subnet and a group at the top, which the site has, too.

    :param names: ids at the top, by the site's.
    """

    cloud: Cloud
    site: Site
    top: AdoptingTop
    workshop: Workshop
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        network = self.as_user("POST", "/v2.0/networks", {"network": {"name": "blue"}})["network"]["id"]
        subnet = {"network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4}
        self.as_user("POST", "/v2.0/subnets", {"subnet": subnet})
        group = {"security_group": {"name": "web"}}
        self.as_user("POST", "/v2.0/security-groups", group)
        engine = self.workshop.engine
        engine.networks.prepare(
            engine.registry.snapshot.by_id[self.site_id],
            [network],
            ["web"],
            project_id=PROJECT,
            token=self.cloud.member.id,
            count=1,
        )
        self.workshop.clear()
        names = engine.replicas.store.realised.names(["network", "subnet", "security_group"])
        self.names = {there: at_top for _, at_top, _, there in names}

    @property
    def site_id(self) -> str:
        return self.workshop.site_id(self.site.name)

    def call(self, service: Service, method: str, path: str, body: object = None) -> Any:
        """Call a service as an administrator."""
        return self._call(self.cloud.admin.id, service, method, path, body)

    def _call(self, token: str, service: Service, method: str, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        url = service.server.url + path
        asked = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  # the fake's own URL
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
            said = answer.read()
        return json.loads(said) if said else None

    # -- what the site does ----------------------------------------------------------------------------------

    def boot(self, *, vm_state: str = "active", port_status: str = "ACTIVE") -> str:
        """Have the site's Nova boot a server, as the gateway would; return its id."""
        (home,) = self.site.network.networks
        wanted = {
            "name": "one",
            "flavorRef": "1",
            "imageRef": IMAGE,
            "networks": [{"uuid": home}],
            "security_groups": [{"name": "web"}],
        }
        token = self.cloud.member.id
        made = self._call(token, self.site.compute, "POST", "/v2.1/servers", {"server": wanted})["server"][
            "id"
        ]
        self.site.compute.servers[made].vm_state = vm_state
        for port in self.ports_of(made):
            port["status"] = port_status
        return str(made)

    def delete(self, server_id: str) -> None:
        """Have the site's Nova delete a server."""
        self.call(self.site.compute, "DELETE", f"/v2.1/servers/{server_id}")

    def ports_of(self, server_id: str) -> list[dict[str, Any]]:
        """Return a server's ports in the site."""
        return [port for port in self.site.network.ports.values() if port["device_id"] == server_id]

    # -- what the top has ------------------------------------------------------------------------------------

    def expected(self, *ports: dict[str, Any]) -> dict[str, Any]:
        """Return what the top should have of ports of the site."""
        return {
            port["id"]: {
                "id": port["id"],
                "project_id": port["project_id"],
                "network_id": self.names[port["network_id"]],
                "site": self.site.name,
                "mac_address": port["mac_address"],
                "fixed_ips": [
                    {"subnet_id": self.names[each["subnet_id"]], "ip_address": each["ip_address"]}
                    for each in port["fixed_ips"]
                ],
                "binding:host_id": self.site.name,
                "device_id": port["device_id"],
                "device_owner": port["device_owner"].replace("compute:nova", "compute:az1"),
                "name": port["name"],
                "admin_state_up": port["admin_state_up"],
                "security_groups": [self.names[group] for group in port["security_groups"]],
                "status": port["status"],
                "allowed_address_pairs": port["allowed_address_pairs"],
                "port_security_enabled": port["port_security_enabled"],
                "tags": port["tags"],
            }
            for port in ports
        }

    # -- jobs ------------------------------------------------------------------------------------------------

    def ask(self, kind: str, resource_type: str, resource_id: str) -> None:
        """Ask for a job about something of the site."""
        request = Request(kind, resource_type, resource_id, self.site_id, PROJECT)
        self.workshop.engine.requester.request(request)

    def adopt(self, server_id: str) -> None:
        """Have a server's ports adopted."""
        self.ask(ADOPT.name, "server", server_id)
        self.workshop.finish(ADOPT.name)

    def sweep(self) -> Job:
        """Have the site's ports compared."""
        self.ask(PORTS.name, "site", self.site_id)
        self.workshop.finish(PORTS.name)
        return JobStore(self.workshop.engine.database).page(JobFilters(type=PORTS.name), limit=1)[0]

    def as_user(self, method: str, path: str, body: object = None) -> Any:
        """Call the top's Neutron as the project's user."""
        return self._call(self.cloud.member.id, self.top, method, path, body)
