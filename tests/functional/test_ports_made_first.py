"""Ports that are made at the top before their server are in the site of the server, and nowhere else."""

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api
from tests.functional.boots import boot, ports_of
from tests.functional.gateway import GatewayClient, Reply
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT, AFTER_DELETE

pytestmark = pytest.mark.usefixtures("workshop")


class TestPorts:
    """Ports that are made at the top before their server."""

    @pytest.fixture
    def port(self, neutron: Neutron, net1: Document) -> Document:
        """A port with a group of its own."""
        group = neutron.make("security_group", name="web")
        return neutron.make("port", name="p1", network_id=net1["id"], security_groups=[group["id"]])

    def boot(self, servers: Api, port: Document, zone: str) -> Reply:
        """Boot a server that takes a port."""
        return servers.create(availability_zone=zone, networks=[{"port": port["id"]}])

    @pytest.mark.parametrize(("zone", "name"), [("az1", "SiteOne"), ("az2", "SiteTwo")])
    def test_it_is_in_the_site_of_its_server_as_it_is_at_the_top(
        self, servers: Api, port: Document, cloud: Cloud, zone: str, name: str
    ) -> None:
        reply = self.boot(servers, port, zone)
        assert reply.status == 202, reply.body
        neutron = cloud.sites[name].network
        (there,) = ports_of(cloud.sites[name], reply.json["server"]["id"])
        assert (there["name"], there["mac_address"]) == ("p1", port["mac_address"])
        addresses = [fixed["ip_address"] for fixed in there["fixed_ips"]]
        assert addresses == [fixed["ip_address"] for fixed in port["fixed_ips"]]
        assert [neutron.security_groups[each]["name"] for each in there["security_groups"]] == ["web"]

    def test_without_an_address_no_server_takes_it(
        self, servers: Api, neutron: Neutron, site_one: Site
    ) -> None:
        """Only one that is said to be without any."""
        network = neutron.make("network", name="bare")
        bare = neutron.make("port", name="p2", network_id=network["id"])
        reply = self.boot(servers, bare, "az1")
        words = f"Port {bare['id']} requires a FixedIP in order to be used."
        assert (reply.status, reply.fault) == (400, ("badRequest", words))
        assert site_one.network.ports == {}
        wanted = neutron.make("port", name="p3", network_id=network["id"], fixed_ips=[])
        assert self.boot(servers, wanted, "az1").status == 202

    def test_it_can_be_attached_in_a_site_that_has_never_heard_of_it(
        self, servers: Api, port: Document, site_one: Site
    ) -> None:
        server = servers.create(availability_zone="az1", networks="none").json["server"]["id"]
        wanted = {"interfaceAttachment": {"port_id": port["id"]}}
        reply = servers.client.post(f"/v2.1/servers/{server}/os-interface", wanted)
        assert reply.status == 200, reply.body
        assert reply.json["interfaceAttachment"]["port_id"] == port["id"]
        there = [each for each in site_one.network.ports.values() if each["name"] == port["name"]]
        assert [each["mac_address"] for each in there] == [port["mac_address"]]

    def test_it_can_be_used_in_another_site_when_its_server_is_gone(
        self, servers: Api, workshop: Workshop, port: Document, site_one: Site, site_two: Site
    ) -> None:
        server = self.boot(servers, port, "az1").json["server"]["id"]
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
        workshop.hurry(ADOPT.name, AFTER_DELETE.name)
        assert len(site_one.network.marked("ports", port["id"])) == 1
        assert self.boot(servers, port, "az2").status == 202
        workshop.carry()
        assert site_one.network.marked("ports", port["id"]) == []
        (there,) = site_two.network.marked("ports", port["id"])
        assert there["mac_address"] == port["mac_address"]
        server = next(iter(site_two.compute.servers))
        servers.client.delete(f"/v2.1/servers/{server}")
        workshop.hurry(ADOPT.name, AFTER_DELETE.name)
        assert self.boot(servers, port, "az1").status == 202
        workshop.carry()
        assert len(site_one.network.marked("ports", port["id"])) == 1
        assert site_two.network.marked("ports", port["id"]) == []
        assert workshop.parked() == []

    def test_one_that_is_in_use_is_refused(
        self, servers: Api, neutron: Neutron, port: Document, site_one: Site, site_two: Site
    ) -> None:
        neutron.change("port", port["id"], device_id="somebody")
        reply = self.boot(servers, port, "az2")
        words = f"Port {port['id']} is still in use."
        assert (reply.status, reply.fault) == (409, ("conflictingRequest", words))
        assert networks_in(site_one) == networks_in(site_two) == {}

    def test_another_projects_is_as_unknown(
        self, servers: Api, port: Document, compute: GatewayClient, cloud: Cloud
    ) -> None:
        reply = self.boot(compute_api(compute.as_(cloud.stranger)), port, "az1")
        assert (reply.status, reply.fault) == (
            400,
            ("badRequest", f"Port id {port['id']} could not be found."),
        )

    def test_one_that_a_site_has_made_is_used_there_and_nowhere_else(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site, site_two: Site
    ) -> None:
        boot(servers, net1)
        there = Neutron(neutron.cloud, site_one.network, neutron.token)
        (known_as,) = site_one.network.networks
        port = there.make("port", network_id=known_as, name="site's own")
        row = {name: port[name] for name in ("id", "project_id", "mac_address", "name")}
        neutron.top.adopted[port["id"]] = {**row, "site": "SiteOne"}
        neutron.top.ports[port["id"]] = {**port, "network_id": net1["id"], "fixed_ips": []}
        assert self.boot(servers, port, "az2").status == 400
        assert site_two.compute.servers == {}
        assert self.boot(servers, port, "az1").status == 202

    def test_what_changes_at_the_top_reaches_its_site(
        self, servers: Api, workshop: Workshop, neutron: Neutron, port: Document, site_one: Site
    ) -> None:
        self.boot(servers, port, "az1")
        group = neutron.make("security_group", name="new")
        pairs = [{"ip_address": "10.0.1.77"}]
        wanted = {"name": "renamed", "security_groups": [group["id"]], "allowed_address_pairs": pairs}
        neutron.change("port", port["id"], **wanted)
        workshop.carry()
        (there,) = site_one.network.marked("ports", port["id"])
        names = [site_one.network.security_groups[each]["name"] for each in there["security_groups"]]
        assert (there["name"], names) == ("renamed", ["new"])
        assert [pair["ip_address"] for pair in there["allowed_address_pairs"]] == ["10.0.1.77"]

    def test_deleted_at_the_top_it_goes_from_its_site(
        self, servers: Api, workshop: Workshop, neutron: Neutron, port: Document, site_one: Site
    ) -> None:
        server = self.boot(servers, port, "az1").json["server"]["id"]
        servers.client.delete(f"/v2.1/servers/{server}")
        neutron.delete("port", port["id"])
        workshop.carry()
        assert site_one.network.marked("ports", port["id"]) == []
        assert workshop.definitions("port") == {}
