"""Networks of the top are in a site when the first server there needs them, and the same in each."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.faults import HangUp, Status
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api
from tests.functional.boots import boot, ports_of
from tests.functional.gateway import Gateway, GatewayClient, compute_application
from tests.functional.neutron import Neutron, calls_of, networks_in
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT

pytestmark = pytest.mark.usefixtures("workshop")


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
        workshop.carry()
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
        workshop.carry()
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
        workshop.carry()
        assert networks_in(site_two) == {"net1": ["10.0.1.0/24"]}

    # Nova is asked while the subnet is made, and may find it there.
    @pytest.mark.parametrize(("path", "statuses"), [("/networks", {503}), ("/subnets", {202, 503})])
    def test_an_answer_that_gets_lost_makes_nothing_twice(
        self,
        servers: Api,
        workshop: Workshop,
        net1: Document,
        *,
        site_one: Site,
        path: str,
        statuses: set[int],
    ) -> None:
        site_one.network.faults.put(HangUp(performed=True), path, method="POST", times=1)
        assert boot(servers, net1).status in statuses
        assert boot(servers, net1).status == 202
        workshop.carry()
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
        workshop.carry()
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}
        assert len(site_one.network.marked("security_groups", web["id"])) == 1
        assert site_one.compute.faults_seen == []
        homes = {port["network_id"] for port in site_one.network.ports.values()}
        assert homes == set(site_one.network.networks)
        (subnet,) = site_one.network.subnets.values()
        delegated = sum(block["size"] for block in top.blocks.values())
        assert site_one.network.pool_size(subnet) == delegated
        assert delegated <= 96  # both processes may find too few at the same moment
        assert workshop.parked() == []
