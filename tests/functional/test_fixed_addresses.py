"""An address that a user asks for is its site's before a server there gets it, and no other site's."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.faults import HangUp
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api
from tests.functional.gateway import Gateway, GatewayClient, Reply, compute_application
from tests.functional.neutron import Neutron, calls_of
from tests.functional.workshop import Workshop

from tricircle.jobs.types import FOLLOW, REPLICATE

pytestmark = pytest.mark.usefixtures("workshop")


def boot(servers: Api, network: Document, address: str | None = None, **fields: Any) -> Reply:
    """Boot a server that asks for an address."""
    wanted = {"uuid": network["id"]} | ({} if address is None else {"fixed_ip": address})
    return servers.create(networks=[wanted], **fields)


def addresses_of(site: Site) -> list[str]:
    """Return the addresses of a site's servers."""
    return [
        fixed["ip_address"]
        for port in site.network.ports.values()
        if port["device_owner"].startswith("compute")
        for fixed in port["fixed_ips"]
    ]


def singles(top: TopNetwork) -> list[tuple[str, str]]:
    """Return the blocks of one address: site and address."""
    return [(each["site"], each["start"]) for each in top.blocks.values() if each["size"] == 1]


def taken(address: str) -> tuple[int, tuple[str, str]]:
    """Return how a boot is refused because of an address in use."""
    return 400, ("badRequest", f"Fixed IP {address} is already in use.")


class TestBoot:
    def test_a_free_address_becomes_the_sites(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        reply = boot(servers, net1, "10.0.1.50", availability_zone="az1")
        assert reply.status == 202, reply.body
        assert addresses_of(site_one) == ["10.0.1.50"]
        assert singles(top) == [("SiteOne", "10.0.1.50")]

    def test_the_sites_pools_take_it_in(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site, workshop: Workshop
    ) -> None:
        boot(servers, net1, "10.0.1.50", availability_zone="az1")
        (subnet,) = site_one.network.subnets.values()
        (block,) = (each for each in top.blocks.values() if each["size"] > 1)
        usual = {"start": block["start"], "end": block["end"]}
        assert subnet["allocation_pools"] == [usual]
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        assert subnet["allocation_pools"] == [{"start": "10.0.1.50", "end": "10.0.1.50"}, usual]
        assert workshop.parked() == []

    def test_the_pools_do_not_take_in_what_the_top_hands_to_nobody(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site, workshop: Workshop
    ) -> None:
        pools = [{"start": "10.0.1.100", "end": "10.0.1.254"}]
        neutron.change("subnet", net1["subnets"][0], allocation_pools=pools)
        wanted = ["10.0.1.1", "10.0.1.7"]  # the gateway's, and one that is in no pool
        for address in wanted:
            assert boot(servers, net1, address, availability_zone="az1").status == 202
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        (subnet,) = site_one.network.subnets.values()
        assert site_one.network.pool_size(subnet) == 32
        assert addresses_of(site_one) == wanted
        assert workshop.parked() == []

    def test_those_out_of_the_pools_take_no_room(
        self, servers: Api, neutron: Neutron, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        pools = [{"start": "10.0.1.223", "end": "10.0.1.254"}]
        neutron.change("subnet", net1["subnets"][0], allocation_pools=pools)
        for number in range(10, 16):
            assert boot(servers, net1, f"10.0.1.{number}", availability_zone="az1").status == 202
        for _ in range(31):  # of 32, as a DHCP server has one
            assert boot(servers, net1, availability_zone="az1").status == 202
        assert site_one.compute.faults_seen == []
        assert boot(servers, net1, availability_zone="az1").status == 400
        assert boot(servers, net1, "10.0.1.16", availability_zone="az1").status == 202
        assert boot(servers, net1, "10.0.1.16", availability_zone="az2").status == 400

    def test_those_that_are_named_are_not_counted_on_for_others(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1, availability_zone="az1")
        (block,) = top.blocks.values()
        last = int(block["end"].rpartition(".")[2])
        for number in range(last - 29, last + 1):
            assert boot(servers, net1, f"10.0.1.{number}", availability_zone="az1").status == 202
        for _ in range(8):
            assert boot(servers, net1, availability_zone="az1").status == 202
        assert site_one.compute.faults_seen == []

    def test_one_of_the_sites_own_block_is_only_looked_up(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1, availability_zone="az1")
        (block,) = top.blocks.values()
        for service in (top, site_one.network):
            service.requests.clear()
        assert boot(servers, net1, block["end"], availability_zone="az1").status == 202
        target = f"/v2.0/address-blocks?subnet_id={net1['subnets'][0]}&site=SiteOne"
        assert calls_of(top) == [("GET", target)]
        assert calls_of(site_one.network) == []
        assert block["end"] in addresses_of(site_one)
        assert list(top.blocks.values()) == [block]

    def test_one_that_a_server_of_the_site_has_is_for_the_site_to_refuse(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        for _ in range(2):
            boot(servers, net1, "10.0.1.50", availability_zone="az1")
        assert addresses_of(site_one) == ["10.0.1.50"]
        assert [words[:32] for words in site_one.compute.faults_seen] == ["IP address 10.0.1.50 already all"]
        assert singles(top) == [("SiteOne", "10.0.1.50")]

    def test_one_of_another_sites_block_is_in_use(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1, availability_zone="az2")
        (block,) = top.blocks.values()
        reply = boot(servers, net1, block["start"], availability_zone="az1")
        assert (reply.status, reply.fault) == taken(block["start"])
        assert site_one.compute.servers == {}
        assert singles(top) == []

    def test_without_a_zone_the_site_that_has_it_is_taken(
        self, servers: Api, net1: Document, top: TopNetwork, site_two: Site
    ) -> None:
        boot(servers, net1, availability_zone="az2")
        (block,) = top.blocks.values()
        wanted = [f"10.0.1.{int(block['end'].rpartition('.')[2]) - number}" for number in range(4)]
        assert [boot(servers, net1, address).status for address in wanted] == [202] * 4
        assert set(wanted) <= set(addresses_of(site_two))

    def test_one_that_a_port_of_the_top_has_is_in_use(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        port = neutron.make("port", network_id=net1["id"])
        (address,) = (fixed["ip_address"] for fixed in port["fixed_ips"])
        reply = boot(servers, net1, address, availability_zone="az1")
        assert (reply.status, reply.fault) == taken(address)
        assert site_one.compute.servers == {}

    @pytest.mark.parametrize("address", ["10.0.2.5", "10.0.1.255", "2001:db8::5"])
    def test_one_that_no_port_there_may_have_is_refused(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site, address: str
    ) -> None:
        reply = boot(servers, net1, address, availability_zone="az1")
        words = (
            f"Invalid input received: Fixed IP {address} is not a valid ip address for network {net1['id']}."
        )
        assert (reply.status, reply.fault) == (400, ("badRequest", words))
        assert site_one.compute.servers == {}
        assert singles(top) == []

    def test_ipv6(self, servers: Api, neutron: Neutron, net1: Document, top: TopNetwork) -> None:
        neutron.make_subnet(net1, "2001:db8::/64")
        assert boot(servers, net1, "2001:db8:0::0:50", availability_zone="az1").status == 202
        assert singles(top) == [("SiteOne", "2001:db8::50")]
        reply = boot(servers, net1, "2001:db8::50", availability_zone="az2")
        assert (reply.status, reply.fault) == taken("2001:db8::50")

    def test_nothing_is_reserved_for_many_servers_at_once(
        self, servers: Api, net1: Document, top: TopNetwork
    ) -> None:
        boot(servers, net1, "10.0.1.50", availability_zone="az1", min_count=2, max_count=2)
        assert singles(top) == []


class TestTrouble:
    def test_while_the_top_is_down_nobody_gets_one(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1, availability_zone="az1")
        top.stop()
        assert boot(servers, net1, "10.0.1.50", availability_zone="az1").status == 503
        assert len(site_one.compute.servers) == 1
        top.start()
        assert boot(servers, net1, "10.0.1.50", availability_zone="az1").status == 202

    def test_an_answer_that_gets_lost_reserves_nothing_twice(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1, availability_zone="az1")
        top.faults.put(HangUp(performed=True), "/address-blocks", method="POST", times=1)
        assert boot(servers, net1, "10.0.1.50", availability_zone="az1").status == 503
        assert boot(servers, net1, "10.0.1.50", availability_zone="az1").status == 202
        assert singles(top) == [("SiteOne", "10.0.1.50")]
        assert addresses_of(site_one).count("10.0.1.50") == 1


class TestAtOnce:
    def test_of_two_zones_that_ask_for_the_same_one_gets_it(
        self, cloud: Cloud, net1: Document, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        gateways = [
            compute_api(GatewayClient(Gateway(cloud, compute_application), cloud.member)) for _ in range(2)
        ]
        for servers, zone in zip(gateways, ("az1", "az2"), strict=True):
            assert boot(servers, net1, availability_zone=zone).status == 202
        wanted = [f"10.0.1.{number}" for number in range(50, 56)]
        for address in wanted:
            start = threading.Barrier(4)

            def ask(number: int, address: str = address, start: threading.Barrier = start) -> Reply:
                start.wait(10)
                zone = ("az1", "az2")[number % 2]
                return boot(gateways[number // 2], net1, address, availability_zone=zone)

            with ThreadPoolExecutor(4) as pool:
                replies = list(pool.map(ask, range(4)))
            by_zone = [{replies[number].status for number in (zone, zone + 2)} for zone in (0, 1)]
            assert sorted(by_zone, key=min) == [{202}, {400}]
            refused = [reply.fault[1] for reply in replies if reply.status == 400]
            assert set(refused) == {f"Fixed IP {address} is already in use."}
        assert {address for _, address in singles(top)} == set(wanted)
        assert len(singles(top)) == len(wanted)
        assert not set(addresses_of(site_one)) & set(addresses_of(site_two))


class TestAttach:
    @pytest.fixture
    def server_id(self, site_one: Site) -> str:
        """A server of SiteOne."""
        (server,) = site_one.compute.add_servers(1, PROJECT)
        return str(server.id)

    def attach(self, servers: Api, server_id: str, network: Document, address: str) -> Reply:
        """Attach an interface that asks for an address."""
        wanted = {"net_id": network["id"], "fixed_ips": [{"ip_address": address}]}
        return servers.client.post(f"/v2.1/servers/{server_id}/os-interface", {"interfaceAttachment": wanted})

    def test_a_free_address_becomes_the_sites(
        self, servers: Api, server_id: str, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        reply = self.attach(servers, server_id, net1, "10.0.1.50")
        assert reply.status == 200, reply.body
        assert singles(top) == [("SiteOne", "10.0.1.50")]
        (fixed,) = reply.json["interfaceAttachment"]["fixed_ips"]
        assert fixed["ip_address"] == "10.0.1.50"
        for _ in range(2):
            assert self.attach(servers, server_id, net1, "10.0.1.50").status == 200  # the site's business
        assert singles(top) == [("SiteOne", "10.0.1.50")]

    def test_one_of_another_site_is_in_use(
        self, servers: Api, server_id: str, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        boot(servers, net1, "10.0.1.50", availability_zone="az2")
        reply = self.attach(servers, server_id, net1, "10.0.1.50")
        words = "Fixed IP 10.0.1.50 is already in use."
        assert (reply.status, reply.fault) == (409, ("conflictingRequest", words))
        assert site_one.compute.received("POST") == []
        assert singles(top) == [("SiteTwo", "10.0.1.50")]

    def test_one_that_no_port_there_may_have_is_refused(
        self, servers: Api, server_id: str, net1: Document, site_one: Site
    ) -> None:
        assert self.attach(servers, server_id, net1, "10.0.2.5").status == 400
        assert site_one.compute.received("POST") == []
