"""Networks of the top are in a site when the first server there needs them, and the same from then on."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.faults import HangUp, Status
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api
from tests.functional.gateway import Gateway, GatewayClient, Reply, compute_application
from tests.functional.neutron import Neutron, calls_of, networks_in, rules_of
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, INTENT, REPLICATE

pytestmark = pytest.mark.usefixtures("workshop")


def boot(servers: Api, *networks: Document, zone: str = "az1", **fields: Any) -> Reply:
    """Boot a server on networks."""
    wanted = [{"uuid": network["id"]} for network in networks]
    return servers.create(availability_zone=zone, networks=wanted, **fields)


def ports_of(site: Site, server_id: str) -> list[Document]:
    """Return the ports of a server."""
    return [port for port in site.network.ports.values() if port["device_id"] == server_id]


def run(workshop: Workshop) -> None:
    """Have all jobs done but those that adopt ports, which are about something else."""
    workshop.hurry(FOLLOW.name, REPLICATE.name)


class TestFirstBoot:
    def test_an_empty_site_gets_network_subnet_and_block(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        reply = boot(servers, net1)
        assert reply.status == 202, reply.body
        (there,) = site_one.network.marked("networks", net1["id"])
        assert (there["name"], there["project_id"]) == ("net1", PROJECT)
        (subnet,) = (site_one.network.subnets[each] for each in there["subnets"])
        (block,) = top.blocks.values()
        assert (block["site"], block["size"], block["subnet_id"]) == ("SiteOne", 32, net1["subnets"][0])
        assert subnet["allocation_pools"] == [{"start": block["start"], "end": block["end"]}]
        assert (subnet["cidr"], subnet["gateway_ip"]) == ("10.0.1.0/24", "10.0.1.1")
        (port,) = ports_of(site_one, reply.json["server"]["id"])
        assert port["network_id"] == there["id"]
        assert networks_in(site_two) == {}

    def test_later_boots_ask_nobody_but_nova(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1)
        for service in (top, site_one.network, site_one.compute):
            service.requests.clear()
        for _ in range(3):
            assert boot(servers, net1).status == 202
        assert calls_of(top) == calls_of(site_one.network) == []
        assert [request.target for request in site_one.compute.received()] == ["/v2.1/servers"] * 3

    def test_two_zones_have_the_same_network_with_addresses_of_their_own(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        for zone in ("az1", "az2"):
            assert boot(servers, net1, zone=zone).status == 202
        assert networks_in(site_one) == networks_in(site_two) == {"net1": ["10.0.1.0/24"]}
        addresses = [
            {fixed["ip_address"] for port in site.network.ports.values() for fixed in port["fixed_ips"]}
            for site in (site_one, site_two)
        ]
        assert addresses[0]
        assert addresses[1]
        assert not addresses[0] & addresses[1]
        assert sorted(block["site"] for block in top.blocks.values()) == ["SiteOne", "SiteTwo"]

    def test_the_jobs_that_follow_find_all_done(
        self, servers: Api, workshop: Workshop, net1: Document, site_one: Site, top: TopNetwork
    ) -> None:
        boot(servers, net1)
        before = (networks_in(site_one), dict(top.blocks), dict(site_one.network.security_groups))
        site_one.network.requests.clear()
        run(workshop)
        assert calls_of(site_one.network, "POST", "PUT", "DELETE") == []
        assert (networks_in(site_one), top.blocks, site_one.network.security_groups) == before
        assert workshop.parked() == []

    def test_what_networks_have_besides_is_the_same(
        self, servers: Api, neutron: Neutron, site_one: Site
    ) -> None:
        site_one.network.has_dns = True
        fields = {"mtu": 1400, "dns_domain": "example.org.", "port_security_enabled": False}
        network = neutron.make_network("plain", **fields)
        neutron.make_subnet(
            network,
            "10.7.0.0/24",
            gateway_ip=None,
            enable_dhcp=False,
            dns_nameservers=["10.9.9.9", "10.9.9.8"],
            host_routes=[{"destination": "10.8.0.0/16", "nexthop": "10.7.0.9"}],
        )
        neutron.make_subnet(network, "2001:db8::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
        neutron.make_subnet(network, "2001:db8:1::/64")
        assert boot(servers, network).status == 202
        (there,) = site_one.network.marked("networks", network["id"])
        assert {name: there[name] for name in fields} == fields
        names = ("cidr", "gateway_ip", "enable_dhcp", "dns_nameservers", "host_routes", "ipv6_address_mode")
        shown = [
            {name: subnet[name] for name in names}
            for subnet in sorted(site_one.network.subnets.values(), key=lambda each: each["cidr"])
        ]
        wanted = [
            {name: subnet[name] for name in names}
            for subnet in sorted(neutron.top.subnets.values(), key=lambda each: each["cidr"])
        ]
        assert shown == wanted
        sizes = {each["cidr"]: site_one.network.pool_size(each) for each in site_one.network.subnets.values()}
        assert sizes.pop("2001:db8::/64") > 10**18
        assert sizes == {"10.7.0.0/24": 32, "2001:db8:1::/64": 32}

    def test_a_site_with_a_smaller_underlay_and_without_dns_gets_what_it_can_have(
        self, servers: Api, neutron: Neutron, site_one: Site
    ) -> None:
        site_one.network.mtu = 1450
        network = neutron.make_network("net", "10.0.1.0/24", mtu=1500, dns_domain="example.org.")
        assert boot(servers, network).status == 202
        (there,) = site_one.network.marked("networks", network["id"])
        assert (there["mtu"], "dns_domain" in there) == (1450, False)


class TestWhichNetworks:
    def test_without_networks_the_only_one_of_the_project_is_meant(
        self, servers: Api, net1: Document, cloud: Cloud, top: TopNetwork, site_one: Site
    ) -> None:
        Neutron(cloud, top, cloud.stranger).make_network("theirs", "10.0.1.0/24")
        for wanted in ({}, {"networks": "auto"}):
            reply = servers.create(availability_zone="az1", **wanted)
            assert reply.status == 202, reply.body
            (port,) = ports_of(site_one, reply.json["server"]["id"])
            assert site_one.network.networks[port["network_id"]]["name"] == "net1"

    def test_of_several_none_is_chosen(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        neutron.make_network("net2", "10.0.2.0/24")
        for wanted in ({}, {"networks": "auto"}):
            reply = servers.create(availability_zone="az1", **wanted)
            words = "Multiple possible networks found, use a Network ID to be more specific."
            assert (reply.status, reply.fault) == (409, ("conflictingRequest", words))
        assert networks_in(site_one) == {}

    def test_a_project_without_networks_is_left_to_the_site(
        self, servers: Api, top: TopNetwork, site_one: Site
    ) -> None:
        reply = servers.create(availability_zone="az1")
        assert reply.status == 202
        assert ports_of(site_one, reply.json["server"]["id"]) == []

    def test_none_is_none(self, servers: Api, net1: Document, site_one: Site) -> None:
        assert servers.create(availability_zone="az1", networks="none").status == 202
        assert networks_in(site_one) == {}

    def test_an_unknown_network_is_refused_in_novas_words(
        self, servers: Api, top: TopNetwork, cloud: Cloud, site_one: Site, workshop: Workshop
    ) -> None:
        theirs = Neutron(cloud, top, cloud.stranger).make_network("theirs", "10.0.1.0/24")
        nobodys = {"id": "b1f3c2a4-0d5e-4a6f-8b7c-9d0e1f2a3b4c"}
        for network in (nobodys, theirs):
            reply = boot(servers, network)
            words = f"Network {network['id']} could not be found."
            assert (reply.status, reply.fault) == (400, ("badRequest", words))
        assert networks_in(site_one) == {}
        assert workshop.definitions("network") == {}

    def test_another_projects_is_as_unknown_where_the_site_has_it(
        self, servers: Api, net1: Document, compute: GatewayClient, cloud: Cloud
    ) -> None:
        boot(servers, net1)
        reply = boot(compute_api(compute.as_(cloud.stranger)), net1)
        words = f"Network {net1['id']} could not be found."
        assert (reply.status, reply.fault) == (400, ("badRequest", words))

    def test_one_that_was_made_in_the_site_before_is_used_as_it_is(
        self, servers: Api, cloud: Cloud, top: TopNetwork, site_one: Site
    ) -> None:
        old = Neutron(cloud, site_one.network, cloud.member)  # type: ignore[arg-type]
        network = old.make_network("old", "192.168.0.0/24")
        assert boot(servers, network).status == 202

    def test_a_network_is_kept_to_the_zones_of_its_hints(
        self, servers: Api, neutron: Neutron, site_one: Site, site_two: Site
    ) -> None:
        network = neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az2"])
        reply = boot(servers, network, zone="az1")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")
        assert all(word in reply.fault[1] for word in (network["id"], "az2", "SiteOne"))
        assert networks_in(site_one) == {}
        for _ in range(4):
            wanted = [{"uuid": network["id"]}]
            assert servers.create(networks=wanted).status == 202
        assert len(site_two.compute.servers) == 4

    def test_two_projects_may_use_the_same_addresses(
        self, servers: Api, neutron: Neutron, net1: Document, compute: GatewayClient, site_one: Site
    ) -> None:
        cloud = neutron.cloud
        theirs = Neutron(cloud, neutron.top, cloud.stranger).make_network("theirs", "10.0.1.0/24")
        assert boot(servers, net1).status == 202
        assert boot(compute_api(compute.as_(cloud.stranger)), theirs).status == 202
        owners = {item["name"]: item["project_id"] for item in site_one.network.networks.values()}
        assert owners == {"net1": PROJECT, "theirs": OTHER_PROJECT}


class TestGroups:
    def default(self, site: Site) -> Document:
        """Return the project's default group of a site."""
        (found,) = [
            group
            for group in site.network.security_groups.values()
            if (group["name"], group["project_id"]) == ("default", PROJECT)
        ]
        return found

    def names(self, *services: Any) -> dict[str, str]:
        """Return the names of all groups by id."""
        return {group["id"]: group["name"] for each in services for group in each.security_groups.values()}

    def test_the_default_group_has_the_rules_of_the_tops(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        group = neutron.default_group()
        neutron.add_rule(group["id"], protocol="tcp", port_range_min=22, port_range_max=22)
        neutron.delete_rule(group["id"], neutron.default_group()["security_group_rules"][0]["id"])
        assert boot(servers, net1).status == 202
        names = self.names(neutron.top, site_one.network)
        wanted = rules_of(neutron.default_group(), names)
        assert len(wanted) == 4
        assert rules_of(self.default(site_one), names) == wanted

    def test_rules_that_change_reach_every_site_that_has_the_group(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
    ) -> None:
        site_one, site_two = neutron.cloud.sites.values()
        for zone in ("az1", "az2"):
            boot(servers, net1, zone=zone)
        run(workshop)
        group = neutron.default_group()
        rule = neutron.add_rule(group["id"], protocol="tcp", remote_ip_prefix="10.0.0.0/8")
        run(workshop)
        for site in (site_one, site_two):
            names = self.names(neutron.top, site.network)
            assert rules_of(self.default(site), names) == rules_of(neutron.default_group(), names)
        neutron.delete_rule(group["id"], rule["id"])
        run(workshop)
        for site in (site_one, site_two):
            assert len(rules_of(self.default(site))) == 4

    @pytest.mark.parametrize("by", ["id", "name"])
    def test_one_that_names_another_has_that_one_there_too(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site, by: str
    ) -> None:
        web, database = neutron.make("security_group", name="web"), neutron.make("security_group", name="db")
        neutron.add_rule(
            database["id"],
            protocol="tcp",
            port_range_min=5432,
            port_range_max=5432,
            remote_group_id=web["id"],
        )
        neutron.add_rule(web["id"], protocol="icmp", remote_group_id=database["id"])
        reply = boot(servers, net1, security_groups=[{"name": database[by]}])
        assert reply.status == 202, reply.body
        names = self.names(neutron.top, site_one.network)
        for group in (web, database):
            (there,) = site_one.network.marked("security_groups", group["id"])
            assert rules_of(there, names) == rules_of(neutron.show("security_group", group["id"]), names)
        (port,) = ports_of(site_one, reply.json["server"]["id"])
        assert [names[each] for each in port["security_groups"]] == ["db"]

    def test_later_boots_with_groups_ask_nobody_but_nova(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        web = neutron.make("security_group", name="web")
        wanted = [{"name": web["id"]}, {"name": "default"}]
        boot(servers, net1, security_groups=wanted)
        for service in (neutron.top, site_one.network):
            service.requests.clear()
        assert boot(servers, net1, security_groups=wanted).status == 202
        assert calls_of(neutron.top) == calls_of(site_one.network) == []

    def test_of_two_of_one_name_none_is_chosen(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        for _ in range(2):
            neutron.make("security_group", name="web")
        reply = boot(servers, net1, security_groups=[{"name": "web"}])
        assert (reply.status, reply.fault[0]) == (409, "conflictingRequest")
        assert site_one.compute.servers == {}

    def test_a_group_that_goes_takes_the_rules_that_name_it_along(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        web, database = neutron.make("security_group", name="web"), neutron.make("security_group", name="db")
        neutron.add_rule(database["id"], protocol="tcp", remote_group_id=web["id"])
        boot(servers, net1, security_groups=[{"name": "db"}])
        run(workshop)
        neutron.delete("security_group", web["id"])
        run(workshop)
        assert site_one.network.marked("security_groups", web["id"]) == []
        (there,) = site_one.network.marked("security_groups", database["id"])
        assert len(there["security_group_rules"]) == 2
        assert set(workshop.definitions("security_group").values()) == {"active"}
        assert workshop.parked() == []


class TestChanges:
    def test_a_network_that_no_site_has_concerns_nobody(
        self, workshop: Workshop, net1: Document, site_one: Site
    ) -> None:
        run(workshop)
        assert workshop.definitions("network") == workshop.definitions("subnet") == {}
        assert networks_in(site_one) == {}

    def test_a_network_with_hints_is_in_their_sites_from_the_start(
        self, workshop: Workshop, neutron: Neutron, site_one: Site, site_two: Site
    ) -> None:
        neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az2"])
        run(workshop)
        assert (networks_in(site_one), networks_in(site_two)) == ({}, {"near": ["10.0.1.0/24"]})

    def test_a_change_reaches_the_sites_that_have_it(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
    ) -> None:
        site_one, site_two = neutron.cloud.sites.values()
        boot(servers, net1)
        neutron.change("network", net1["id"], name="renamed")
        neutron.change("subnet", net1["subnets"][0], dns_nameservers=["10.0.0.53"])
        run(workshop)
        assert (networks_in(site_one), networks_in(site_two)) == ({"renamed": ["10.0.1.0/24"]}, {})
        (subnet,) = site_one.network.subnets.values()
        assert subnet["dns_nameservers"] == ["10.0.0.53"]

    def test_a_subnet_that_is_added_later_arrives(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
    ) -> None:
        site_one, site_two = neutron.cloud.sites.values()
        for zone in ("az1", "az2"):
            boot(servers, net1, zone=zone)
        neutron.make_subnet(net1, "10.0.2.0/24")
        run(workshop)
        wanted = {"net1": ["10.0.1.0/24", "10.0.2.0/24"]}
        assert networks_in(site_one) == networks_in(site_two) == wanted

    def test_a_subnet_that_goes_goes_everywhere(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        boot(servers, net1)
        other = neutron.make_subnet(net1, "10.0.2.0/24")
        run(workshop)
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24", "10.0.2.0/24"]}
        neutron.delete("subnet", other["id"])
        run(workshop)
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}
        assert workshop.definitions("subnet") == {net1["subnets"][0]: "active"}

    def test_a_network_that_goes_goes_everywhere_also_from_a_site_that_was_down(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
    ) -> None:
        site_one, site_two = neutron.cloud.sites.values()
        for zone in ("az1", "az2"):
            server = boot(servers, net1, zone=zone).json["server"]["id"]
            assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
        run(workshop)
        site_two.network.stop()
        neutron.delete("network", net1["id"])
        workshop.run()
        assert networks_in(site_one) == {}
        assert workshop.definitions("network") == {net1["id"]: "deleted"}
        reply = boot(servers, net1)
        assert (reply.status, reply.fault[1]) == (400, f"Network {net1['id']} could not be found.")
        site_two.network.start()
        workshop.catch_up("SiteTwo")
        run(workshop)
        assert networks_in(site_two) == {}
        assert workshop.definitions("network") == workshop.definitions("subnet") == {}
        assert workshop.parked() == []

    def test_a_404_of_one_of_its_parts_does_not_count_as_its_own(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        server = boot(servers, net1).json["server"]["id"]
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
        run(workshop)
        (there,) = site_one.network.networks
        gone = Status(404, "Subnet 1 could not be found.")
        site_one.network.faults.put(gone, f"/networks/{there}", "DELETE", times=1)
        neutron.delete("network", net1["id"])
        workshop.run()
        assert set(networks_in(site_one)) == {"net1"}
        run(workshop)
        assert networks_in(site_one) == {}
        assert workshop.definitions("network") == {}

    def test_what_somebody_deletes_in_a_site_is_made_again_when_that_is_asked_for(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        server = boot(servers, net1).json["server"]["id"]
        servers.client.delete(f"/v2.1/servers/{server}")
        run(workshop)
        site_one.network.networks.clear()
        site_one.network.subnets.clear()
        site_one.network.ports.clear()
        workshop.look_for_drift("SiteOne", mend=True)
        run(workshop)
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}
        assert boot(servers, net1).status == 202


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
        run(workshop)
        assert site_one.network.marked("ports", port["id"]) == []
        (there,) = site_two.network.marked("ports", port["id"])
        assert there["mac_address"] == port["mac_address"]
        server = next(iter(site_two.compute.servers))
        servers.client.delete(f"/v2.1/servers/{server}")
        workshop.hurry(ADOPT.name, AFTER_DELETE.name)
        assert self.boot(servers, port, "az1").status == 202
        run(workshop)
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
        there = Neutron(neutron.cloud, site_one.network, neutron.token)  # type: ignore[arg-type]
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
        run(workshop)
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
        run(workshop)
        assert site_one.network.marked("ports", port["id"]) == []
        assert workshop.definitions("port") == {}


class TestTrouble:
    def test_another_site_is_taken_where_the_first_is_down(
        self, servers: Api, net1: Document, site_one: Site, site_two: Site
    ) -> None:
        site_one.network.stop()
        wanted = [{"uuid": net1["id"]}]
        for _ in range(4):
            assert servers.create(networks=wanted).status == 202
        assert len(site_two.compute.servers) == 4

    def test_where_the_only_site_is_down_nothing_is_half_made(
        self, servers: Api, workshop: Workshop, net1: Document, site_one: Site
    ) -> None:
        site_one.network.stop()
        reply = boot(servers, net1)
        assert (reply.status, reply.fault[0]) == (503, "serviceUnavailable")
        assert reply.header("Retry-After") is not None
        assert site_one.compute.servers == {}
        site_one.network.start()
        run(workshop)
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}  # what was begun is finished

    def test_while_the_top_is_down_boots_go_on_where_the_network_is(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_two: Site
    ) -> None:
        boot(servers, net1)
        neutron.top.stop()
        assert boot(servers, net1).status == 202
        assert boot(servers, net1, zone="az2").status == 503
        assert site_two.compute.servers == {}
        neutron.top.start()
        run(workshop)
        assert networks_in(site_two) == {"net1": ["10.0.1.0/24"]}

    @pytest.mark.parametrize("path", ["/networks", "/subnets"])
    def test_an_answer_that_gets_lost_makes_nothing_twice(
        self, servers: Api, workshop: Workshop, net1: Document, site_one: Site, path: str
    ) -> None:
        site_one.network.faults.put(HangUp(performed=True), path, method="POST", times=1)
        assert boot(servers, net1).status == 503
        assert boot(servers, net1).status == 202
        run(workshop)
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}

    def test_a_sites_refusal_is_told(
        self, servers: Api, net1: Document, site_one: Site, workshop: Workshop
    ) -> None:
        words = "Quota exceeded for resources: ['network']."
        site_one.network.faults.put(Status(409, words), "/networks", method="POST")
        reply = boot(servers, net1)
        assert (reply.status, reply.fault[0]) == (409, "conflictingRequest")
        assert words in reply.fault[1]
        assert site_one.compute.servers == {}

    def test_a_boot_that_the_site_refuses_leaves_no_job_to_adopt(
        self, servers: Api, workshop: Workshop, net1: Document, site_one: Site
    ) -> None:
        assert boot(servers, net1, flavorRef="none").status == 400
        assert workshop.waiting(ADOPT.name) == []
        server = boot(servers, net1).json["server"]["id"]
        assert [job.resource_id for job in workshop.waiting(ADOPT.name)] == [server]


class TestRoom:
    def test_fifty_at_once_have_addresses(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        reply = boot(servers, net1, min_count=50, max_count=50)
        assert reply.status == 202, reply.body
        assert len(site_one.compute.servers) == 50
        assert site_one.compute.faults_seen == []
        assert sum(block["size"] for block in top.blocks.values()) == 96  # 50, and some to spare

    def test_a_network_that_is_too_small_says_so(
        self, servers: Api, neutron: Neutron, site_one: Site
    ) -> None:
        small = neutron.make_network("small", "10.0.1.0/27")
        reply = boot(servers, small, min_count=50, max_count=50)
        words = f"No fixed IP addresses available for network: {small['id']}"
        assert (reply.status, reply.fault) == (400, ("badRequest", words))
        assert site_one.compute.servers == {}

    def test_a_subnet_of_few_addresses_is_shared_one_by_one(
        self, servers: Api, neutron: Neutron, top: TopNetwork, workshop: Workshop
    ) -> None:
        site_one, site_two = neutron.cloud.sites.values()
        few = neutron.make_network("few", "10.0.1.0/28")
        for zone in ("az1", "az2", "az1", "az2", "az1"):
            assert boot(servers, few, zone=zone).status == 202
            run(workshop)
        assert site_one.compute.faults_seen == site_two.compute.faults_seen == []
        assert max(block["size"] for block in top.blocks.values()) <= 3

    def test_the_ports_of_all_of_them_are_to_be_adopted(
        self, servers: Api, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        boot(servers, net1, min_count=3, max_count=3)
        workshop.hurry(INTENT.name)
        assert {job.resource_id for job in workshop.done if job.type == ADOPT.name} == set(
            site_one.compute.servers
        )

    def test_many_boots_one_after_the_other_never_run_out(
        self, servers: Api, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        for _ in range(60):
            assert boot(servers, net1).status == 202
        assert site_one.compute.faults_seen == []

    def test_a_worker_makes_room_ahead_of_need(
        self, servers: Api, net1: Document, workshop: Workshop, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1, min_count=8, max_count=8)
        for _ in range(2):
            boot(servers, net1, min_count=8, max_count=8)
        workshop.run()
        (subnet,) = site_one.network.subnets.values()
        free = site_one.network.pool_size(subnet) - len(site_one.network.addresses_in_use(subnet))
        assert free >= 8
        assert free >= site_one.network.pool_size(subnet) / 4


class TestScarce:
    @pytest.fixture
    def scarce(self, neutron: Neutron) -> Document:
        """A network whose subnet has a few addresses for whoever names none."""
        network = neutron.make_network("scarce")
        neutron.make_subnet(
            network, "10.0.1.0/24", allocation_pools=[{"start": "10.0.1.100", "end": "10.0.1.123"}]
        )
        return neutron.show("network", network["id"])

    def full(self, network: Document) -> tuple[int, tuple[str, str]]:
        """Return how a boot is refused where there is no address."""
        return 400, ("badRequest", f"No fixed IP addresses available for network: {network['id']}")

    def test_the_first_site_does_not_get_all_there_is(
        self, servers: Api, scarce: Document, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        for zone in ("az1", "az2"):
            assert boot(servers, scarce, zone=zone).status == 202
        assert site_one.compute.faults_seen == site_two.compute.faults_seen == []
        sizes = {each["site"]: each["size"] for each in top.blocks.values()}
        assert sizes == {"SiteOne": 7, "SiteTwo": 7}  # a spare quarter, and one for DHCP

    def test_it_can_be_used_to_the_last_address_and_then_boots_are_refused_at_once(
        self, servers: Api, scarce: Document, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        booted, refused = 0, set()
        for number in range(60):
            zone = ("az1", "az2")[number % 2]
            reply = boot(servers, scarce, zone=zone)
            if reply.status == 202:
                booted += 1
            else:
                refused.add(zone)
                assert (reply.status, reply.fault) == self.full(scarce)
        assert refused == {"az1", "az2"}
        assert site_one.compute.faults_seen == site_two.compute.faults_seen == []
        assert len(site_one.compute.servers) + len(site_two.compute.servers) == booted == 24 - 2  # two DHCP
        assert sum(each["size"] for each in top.blocks.values()) == 24

    def test_a_site_for_which_nothing_is_left_gets_no_subnet_of_all_addresses(
        self, servers: Api, scarce: Document, top: TopNetwork, site_two: Site, workshop: Workshop
    ) -> None:
        assert boot(servers, scarce, min_count=20, max_count=20).status == 202
        reply = boot(servers, scarce, zone="az2")
        assert (reply.status, reply.fault) == self.full(scarce)
        workshop.run()
        assert site_two.compute.servers == {}
        assert site_two.network.subnets == {}
        assert {each["site"] for each in top.blocks.values()} == {"SiteOne"}

    def test_another_site_is_taken_where_nothing_is_left_for_the_first(
        self, servers: Api, scarce: Document, site_one: Site, site_two: Site
    ) -> None:
        assert boot(servers, scarce, zone="az2", min_count=20, max_count=20).status == 202
        wanted = [{"uuid": scarce["id"]}]
        assert [servers.create(networks=wanted).status for _ in range(4)] == [202, 202, 202, 400]
        assert len(site_two.compute.servers) == 23
        assert (site_one.compute.servers, site_two.compute.faults_seen) == ({}, [])

    def test_when_the_pools_grow_there_is_room_again(
        self, servers: Api, neutron: Neutron, scarce: Document, workshop: Workshop, site_one: Site
    ) -> None:
        assert boot(servers, scarce, min_count=23, max_count=23).status == 202
        assert boot(servers, scarce).status == 400
        pools = [{"start": "10.0.1.100", "end": "10.0.1.250"}]
        neutron.change("subnet", scarce["subnets"][0], allocation_pools=pools)
        run(workshop)
        assert boot(servers, scarce, min_count=20, max_count=20).status == 202
        assert site_one.compute.faults_seen == []
        site_one.network.requests.clear()
        assert boot(servers, scarce).status == 202

    def test_processes_that_do_not_know_of_each_other_do_not_use_more_than_there_is(
        self, cloud: Cloud, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        gateways = [
            compute_api(GatewayClient(Gateway(cloud, compute_application), cloud.member)) for _ in range(4)
        ]
        for _ in range(25):
            for servers in gateways:
                assert boot(servers, net1).status == 202
        assert len(site_one.compute.servers) == 100
        assert site_one.compute.faults_seen == []


class TestAtOnce:
    def test_twenty_first_boots_make_one_network(
        self, cloud: Cloud, net1: Document, neutron: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        top = neutron.top
        web = neutron.make("security_group", name="web")
        clients = [GatewayClient(Gateway(cloud, compute_application), cloud.member) for _ in range(2)]
        for client in clients:
            client.get("/v2.1/servers")
        start = threading.Barrier(20)

        def boot_one(number: int) -> int:
            start.wait(10)
            groups = [{"name": web["id"]}]
            return boot(compute_api(clients[number % 2]), net1, security_groups=groups).status

        with ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(boot_one, range(20)))
        assert statuses == [202] * 20
        run(workshop)
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}
        assert len(site_one.network.marked("security_groups", web["id"])) == 1
        assert site_one.compute.faults_seen == []
        homes = {port["network_id"] for port in site_one.network.ports.values()}
        assert homes == set(site_one.network.networks)
        (subnet,) = site_one.network.subnets.values()
        delegated = sum(block["size"] for block in top.blocks.values())
        assert site_one.network.pool_size(subnet) == delegated
        assert delegated <= 64
        assert workshop.parked() == []
