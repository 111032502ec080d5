"""Ids of networks, subnets, ports and security groups are the top's, though each site has its own."""

import json
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import Connection
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.compute.records import Action, Interface, Server
from tests.fakes.compute.servers import interface
from tests.fakes.site import Site
from tests.functional.gateway import GatewayClient
from tests.functional.workshop import Workshop

from tricircle.db.tables import definitions, realisations
from tricircle.db.timestamps import now
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT
from tricircle.sites.store import SiteStore


@dataclass(frozen=True)
class Known:
    """A network with a subnet, and a security group: what the top calls them, and what a site calls them."""

    top: dict[str, str]
    site: dict[str, str]


def know(cloud: Cloud, site: Site, kind: str, site_resource_id: str) -> str:
    """Write down what a site calls something of the top, and return what the top calls it."""
    top_id, definition_id = str(uuid4()), str(uuid4())
    (site_id,) = (each.id for each in SiteStore(cloud.database).page() if each.name == site.name)

    def work(connection: Connection) -> None:
        moment = now()
        connection.execute(
            definitions.insert().values(
                id=definition_id,
                resource_type=kind,
                resource_key=top_id,
                name="",
                project_id=PROJECT,
                body="{}",
                version=1,
                state="active",
                created_at=moment,
                updated_at=moment,
            )
        )
        connection.execute(
            realisations.insert().values(
                definition_id=definition_id,
                site_id=site_id,
                site_resource_id=site_resource_id,
                version=1,
                updated_at=moment,
            )
        )

    cloud.database.transact(work)
    return top_id


@pytest.fixture
def member(cloud: Cloud, compute: GatewayClient) -> GatewayClient:
    """A member of the project at the gateway of a top that has a network service."""
    cloud.start_network()
    return compute.at("compute 2.96")


@pytest.fixture
def server(site_two: Site) -> Server:
    """A server of SiteTwo with one port."""
    (server,) = site_two.compute.add_servers(1, PROJECT)
    server.interfaces = [interface({"uuid": str(uuid4())})]
    return server


@pytest.fixture
def port(server: Server) -> Interface:
    """Its port."""
    return server.interfaces[0]


@pytest.fixture
def known(cloud: Cloud, site_two: Site, server: Server, port: Interface) -> Known:
    """What the top knows of it."""
    theirs = {"network": port.net_id, "subnet": port.subnet_id, "security_group": str(uuid4())}
    server.group_names = site_two.compute.group_names = {theirs["security_group"]: ""}
    return Known({kind: know(cloud, site_two, kind, each) for kind, each in theirs.items()}, theirs)


def path(server: Server, below: str = "") -> str:
    return f"/v2.1/servers/{server.id}{below}"


class TestShown:
    def test_interfaces(self, member: GatewayClient, server: Server, port: Interface, known: Known) -> None:
        (shown,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        (address,) = shown["fixed_ips"]
        assert (shown["net_id"], address["subnet_id"]) == (known.top["network"], known.top["subnet"])
        assert (shown["port_id"], address["ip_address"]) == (port.port_id, port.address)
        alone = member.get(path(server, f"/os-interface/{port.port_id}"))
        assert alone.json["interfaceAttachment"] == shown

    def test_a_port_that_the_top_calls_otherwise(
        self, member: GatewayClient, cloud: Cloud, site_two: Site, server: Server, port: Interface
    ) -> None:
        top_id = know(cloud, site_two, "port", port.port_id)
        (shown,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert shown["port_id"] == top_id
        assert member.get(path(server, f"/os-interface/{top_id}")).json["interfaceAttachment"] == shown
        assert member.delete(path(server, f"/os-interface/{top_id}")).status == 202
        assert server.interfaces == []
        # The site takes it off after its answer: the job knows what it is to wait for.
        (follows,) = JobStore(cloud.database).page(JobFilters(type=ADOPT.name))
        assert ADOPT.read(follows.parameters).leaving == (port.port_id,)

    def test_security_groups(self, member: GatewayClient, server: Server, known: Known) -> None:
        server.security_groups = [known.site["security_group"]]
        (group,) = member.get(path(server, "/os-security-groups")).json["security_groups"]
        assert group["id"] == group["rules"][0]["parent_group_id"] == known.top["security_group"]

    @pytest.mark.parametrize("url", ["", "/detail"])
    def test_a_group_without_a_name_in_a_server(
        self, member: GatewayClient, site_one: Site, server: Server, known: Known, url: str
    ) -> None:
        server.security_groups = ["default", known.site["security_group"]]
        site_one.compute.add_servers(2, PROJECT)
        shown = member.get(f"/v2.1/servers{url or '/' + server.id}").json
        found = shown["server"] if not url else next(s for s in shown["servers"] if s["id"] == server.id)
        assert found["security_groups"] == [{"name": "default"}, {"name": known.top["security_group"]}]

    @pytest.mark.parametrize(
        ("words", "kind"),
        [
            ("No fixed IP addresses available for network: {}", "network"),
            ("Unable to find security_group with name or id '{}'", "security_group"),
        ],
    )
    def test_why_a_server_is_broken(
        self, member: GatewayClient, server: Server, known: Known, words: str, kind: str
    ) -> None:
        server.vm_state = "error"
        server.failure = words.format(known.site[kind])
        server.actions.append(
            Action("create", "req-1", PROJECT, PROJECT, server.created_at, failure=server.failure)
        )
        expected = words.format(known.top[kind])
        assert member.get(path(server)).json["server"]["fault"]["message"] == expected
        (listed,) = member.get("/v2.1/servers/detail").json["servers"]
        assert listed["fault"]["message"] == expected
        (event,) = member.get(path(server, "/os-instance-actions/req-1")).json["instanceAction"]["events"]
        assert event["details"] == expected

    def test_what_the_top_does_not_know_is_the_sites(
        self, member: GatewayClient, server: Server, port: Interface
    ) -> None:
        (shown,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert (shown["net_id"], shown["fixed_ips"][0]["subnet_id"]) == (port.net_id, port.subnet_id)

    def test_without_a_network_service_ids_are_the_sites(
        self, compute: GatewayClient, server: Server, port: Interface, known: Known
    ) -> None:
        (shown,) = compute.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert shown["net_id"] == port.net_id


class TestUserData:
    def test_is_never_touched(
        self, member: GatewayClient, cloud: Cloud, server: Server, known: Known
    ) -> None:
        words = f"network {known.site['network']} security group {known.site['security_group']}"
        server.metadata = {"name": known.site["security_group"], "net_id": known.site["network"], "a": words}
        server.tags = [known.site["network"]]
        server.display_name = server.display_description = words
        server.user_data = words
        server.security_groups = [known.site["security_group"]]
        server.interfaces[0].tag = known.site["network"]
        shown = member.as_(cloud.admin).get(path(server)).json["server"]
        assert shown["security_groups"] == [{"name": known.top["security_group"]}]
        assert (shown["metadata"], shown["tags"]) == (server.metadata, server.tags)
        assert shown["name"] == shown["description"] == shown["OS-EXT-SRV-ATTR:user_data"] == words
        (port,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert (port["net_id"], port["tag"]) == (known.top["network"], known.site["network"])

    def test_goes_to_the_site_as_it_came(
        self, member: GatewayClient, site_two: Site, server: Server, known: Known
    ) -> None:
        body = json.dumps({"metadata": {"net_id": known.top["network"]}}).encode()
        member.request("POST", path(server, "/metadata"), body)
        assert site_two.compute.received("POST")[-1].body == body


class TestActions:
    def test_a_group_is_taken_away_by_the_tops_id(
        self, member: GatewayClient, workshop: Workshop, server: Server, known: Known
    ) -> None:
        server.security_groups = ["default", known.site["security_group"]]
        action = {"removeSecurityGroup": {"name": known.top["security_group"]}}
        assert member.post(path(server, "/action"), action).status == 202
        assert server.security_groups == ["default"]
        (job,) = workshop.waiting("adopt")
        assert (job.resource_id, job.site_id) == (server.id, workshop.site_id("SiteTwo"))

    def test_a_refusal_speaks_of_the_tops_group(
        self, member: GatewayClient, workshop: Workshop, server: Server, known: Known
    ) -> None:
        action = {"removeSecurityGroup": {"name": known.top["security_group"]}}
        reply = member.post(path(server, "/action"), action)
        words = f"Security group {known.top['security_group']} not associated with the instance {server.id}"
        assert (reply.status, reply.fault) == (404, ("itemNotFound", words))
        assert workshop.waiting("adopt") == []


class TestDetach:
    def test_the_top_follows(self, member: GatewayClient, workshop: Workshop, server: Server) -> None:
        assert member.delete(path(server, f"/os-interface/{server.interfaces[0].port_id}")).status == 202
        (job,) = workshop.waiting("adopt")
        assert (job.resource_id, job.site_id) == (server.id, workshop.site_id("SiteTwo"))

    def test_without_a_network_service_nobody_has_to(
        self, compute: GatewayClient, workshop: Workshop, server: Server
    ) -> None:
        assert compute.delete(path(server, f"/os-interface/{server.interfaces[0].port_id}")).status == 202
        assert workshop.waiting("adopt") == []
