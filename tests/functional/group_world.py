"""A project whose servers, in two sites, are in security groups; and whom these let in there."""

from dataclasses import dataclass

from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.jobs.job import Job, Request
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, MEMBERS, PORTS, REPLICATE

_TYPES = (ADOPT.name, AFTER_DELETE.name, MEMBERS.name, FOLLOW.name, REPLICATE.name)


@dataclass
class World:
    """A project with one network, at a top of two sites."""

    cloud: Cloud
    top: AdoptingTop
    neutron: Neutron
    servers: Api
    workshop: Workshop
    network: Document

    def boot(self, zone: str, *groups: str) -> str:
        """Boot a server, and have its port adopted; return its id."""
        named = {"security_groups": [{"name": name} for name in groups]} if groups else {}
        reply = self.servers.create(availability_zone=zone, networks=[{"uuid": self.network["id"]}], **named)
        assert reply.status == 202, reply.body
        server_id = str(reply.json["server"]["id"])
        site = self.site_of(server_id)
        site.compute.servers[server_id].vm_state = "active"
        for port in self.ports(server_id):
            port["status"] = "ACTIVE"
        self.finish()
        return server_id

    def delete(self, server_id: str) -> None:
        """Delete a server."""
        assert self.servers.client.delete(f"/v2.1/servers/{server_id}").status == 204
        self.finish()

    def finish(self, *more: str) -> None:
        """Have all done that waits.

        :param more: types of jobs besides those that are about ports and groups.
        """
        self.workshop.hurry(*_TYPES, *more)

    def site_of(self, server_id: str) -> Site:
        """Return the site of a server."""
        return next(site for site in self.cloud.sites.values() if server_id in site.compute.servers)

    def ports(self, server_id: str) -> list[Document]:
        """Return a server's ports, in its site."""
        ports = self.site_of(server_id).network.ports.values()
        return [port for port in ports if port["device_id"] == server_id]

    def addresses(self, *server_ids: str) -> set[str]:
        """Return the addresses of servers."""
        ports = [port for server_id in server_ids for port in self.ports(server_id)]
        return {cidr_of(fixed["ip_address"]) for port in ports for fixed in port["fixed_ips"]}

    def jobs(self, kind: str = MEMBERS.name) -> list[Job]:
        """Return all jobs of a type that ever were."""
        return JobStore(self.workshop.engine.database).page(JobFilters(type=kind))

    def compare(self, site: Site) -> None:
        """Compare a site with the definitions, and have all done that follows."""
        self.workshop.look_for_drift(site.name)
        self.finish()

    def compare_ports(self, site: Site) -> None:
        """Compare a site's ports with those of the top, and have all done that follows."""
        site_id = self.workshop.site_id(site.name)
        self.workshop.engine.requester.request(Request(PORTS.name, "site", site_id, site_id))
        self.finish()


def cidr_of(address: str) -> str:
    """Return an address as a rule has it."""
    return f"{address}/{128 if ':' in address else 32}"


def default_in(site: Site) -> Document:
    """Return the project's default group in a site."""
    (found,) = [
        group
        for group in site.network.security_groups.values()
        if (group["name"], group["project_id"]) == ("default", PROJECT)
    ]
    return found


def let_in(site: Site, group: Document) -> dict[str, set[str]]:
    """Return whom of other sites the rules of a site's group let in: addresses, by direction and version."""
    return {
        f"{rule['direction']} {rule['ethertype']}": set(
            site.network.address_groups[rule["remote_address_group_id"]]["addresses"]
        )
        for rule in group["security_group_rules"]
        if rule["remote_address_group_id"] is not None
    }


def both(addresses: set[str], direction: str = "ingress") -> dict[str, set[str]]:
    """Return what `let_in` does of a pair of rules, for IPv4 and IPv6."""
    return {f"{direction} IPv4": addresses, f"{direction} IPv6": addresses}
