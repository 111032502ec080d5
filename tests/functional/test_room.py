"""A site has addresses for the servers that are made there, as far as a network has any."""

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.faults import Fault, HangUp, Status
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api
from tests.functional.boots import boot
from tests.functional.gateway import Gateway, GatewayClient, compute_application
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT, INTENT

pytestmark = pytest.mark.usefixtures("workshop")


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

    @pytest.mark.parametrize(
        "counts",
        [{"min_count": 2, "max_count": 50}, {"max_count": 50}, {"min_count": "2", "max_count": "50"}],
    )
    @pytest.mark.parametrize("is_first", [True, False])
    def test_where_there_is_room_for_some_they_get_what_there_is(
        self, servers: Api, neutron: Neutron, site_one: Site, *, counts: Document, is_first: bool
    ) -> None:
        small = neutron.make_network("small", "10.0.1.0/27")
        if not is_first:
            boot(servers, small)
        reply = boot(servers, small, **counts)
        assert reply.status == 202, reply.body
        (subnet,) = site_one.network.subnets.values()
        assert len(site_one.network.addresses_in_use(subnet)) == site_one.network.pool_size(subnet) == 29
        assert len(site_one.compute.faults_seen) == 50 + (not is_first) - 28  # one serves DHCP

    @pytest.mark.parametrize(
        "counts", [{"min_count": 29, "max_count": 50}, {"min_count": 29}, {"min_count": "29"}]
    )
    def test_with_room_for_fewer_than_are_needed_there_are_none(
        self, servers: Api, neutron: Neutron, site_one: Site, counts: Document
    ) -> None:
        small = neutron.make_network("small", "10.0.1.0/27")
        assert boot(servers, small, **counts).status == 400
        assert site_one.compute.servers == {}

    def test_a_network_that_is_full_has_room_for_none(
        self, servers: Api, neutron: Neutron, site_one: Site
    ) -> None:
        small = neutron.make_network("small", "10.0.1.0/27")
        assert boot(servers, small, min_count=28).status == 202
        assert boot(servers, small, min_count=1, max_count=5).status == 400
        assert len(site_one.compute.servers) == 28

    @pytest.mark.parametrize(("fault", "status"), [(Status(404, "It is gone."), 409), (HangUp(), 503)])
    def test_what_keeps_a_site_from_more_is_told_as_it_concerns_the_user(
        self, servers: Api, net1: Document, site_one: Site, fault: Fault, status: int
    ) -> None:
        assert boot(servers, net1).status == 202
        site_one.network.faults.put(fault, "/subnets", method="PUT")
        assert boot(servers, net1, min_count=50, max_count=50).status == status
        assert len(site_one.compute.servers) == 1

    def test_a_subnet_of_few_addresses_is_shared_one_by_one(
        self, servers: Api, neutron: Neutron, top: TopNetwork, workshop: Workshop
    ) -> None:
        site_one, site_two = neutron.cloud.sites.values()
        few = neutron.make_network("few", "10.0.1.0/28")
        for zone in ("az1", "az2", "az1", "az2", "az1"):
            assert boot(servers, few, zone=zone).status == 202
            workshop.carry()
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
        assert boot(servers, scarce, min_count=23, max_count=23).status == 202
        reply = boot(servers, scarce, zone="az2")
        assert (reply.status, reply.fault) == self.full(scarce)
        workshop.run()
        assert site_two.compute.servers == {}
        assert site_two.network.subnets == {}
        assert {each["site"] for each in top.blocks.values()} == {"SiteOne"}

    def test_a_site_for_which_one_subnet_has_nothing_left_gets_the_other(
        self,
        servers: Api,
        neutron: Neutron,
        scarce: Document,
        site_two: Site,
        workshop: Workshop,
    ) -> None:
        while boot(servers, scarce).status == 202:
            pass
        neutron.make_subnet(scarce, "10.0.2.0/24")
        workshop.carry()
        for _ in range(2):
            assert boot(servers, scarce, zone="az2").status == 202
            workshop.run()
        assert [each["cidr"] for each in site_two.network.subnets.values()] == ["10.0.2.0/24"]
        assert site_two.compute.faults_seen == []

    def test_another_site_is_taken_where_nothing_is_left_for_the_first(
        self, servers: Api, scarce: Document, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        assert boot(servers, scarce, zone="az2", min_count=20, max_count=20).status == 202
        # What is idle in the other site cannot be fetched: nobody can be asked whether it is.
        top.faults.put(Status(409, "No."), "/address-blocks", method="POST")
        wanted = [{"uuid": scarce["id"]}]
        assert [servers.create(networks=wanted).status for _ in range(4)] == [202, 202, 202, 400]
        assert len(site_two.compute.servers) == 23
        assert (site_one.compute.servers, site_two.compute.faults_seen) == ({}, [])

    def test_what_is_idle_in_one_site_is_used_in_another(
        self, servers: Api, scarce: Document, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        assert boot(servers, scarce, min_count=20, max_count=20).status == 202
        found = [boot(servers, scarce, zone="az2").status for _ in range(4)]
        assert found == [202, 202, 400, 400]  # three were idle, and one serves DHCP
        assert boot(servers, scarce).status == 400
        assert site_one.compute.faults_seen == site_two.compute.faults_seen == []
        assert sum(each["size"] for each in top.blocks.values()) == 24

    def test_as_many_as_there_is_room_for_get_what_is_idle_elsewhere(
        self, servers: Api, scarce: Document, site_one: Site, site_two: Site
    ) -> None:
        assert boot(servers, scarce, zone="az2").status == 202
        assert boot(servers, scarce, max_count=30).status == 202
        (subnet,) = site_one.network.subnets.values()
        assert site_one.network.pool_size(subnet) == 24 - 2  # a server and DHCP are in the other
        assert len(site_one.compute.faults_seen) == 30 - 21

    def test_when_the_pools_grow_there_is_room_again(
        self, servers: Api, neutron: Neutron, scarce: Document, workshop: Workshop, site_one: Site
    ) -> None:
        assert boot(servers, scarce, min_count=23, max_count=23).status == 202
        assert boot(servers, scarce).status == 400
        pools = [{"start": "10.0.1.100", "end": "10.0.1.250"}]
        neutron.change("subnet", scarce["subnets"][0], allocation_pools=pools)
        workshop.carry()
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
