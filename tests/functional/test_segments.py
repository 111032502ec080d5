"""A network across sites is the same segment of the fabric in each of them, by each site's name for it."""

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.network import TopNetwork
from tests.fakes.network.segments import FIELDS
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.boots import boot
from tests.functional.fabric import SAID, names, provided, segment, segment_in
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

from tricircle.sites.store import SiteStore

pytestmark = pytest.mark.usefixtures("workshop")


@pytest.fixture
def top(fabric_top: TopNetwork) -> TopNetwork:
    """The top's Neutron."""
    return fabric_top


class TestTenants:
    def test_a_network_is_the_same_vlan_in_two_sites(
        self, servers: Api, neutron: Neutron, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        networks = [neutron.make_network(name, "10.0.1.0/24") for name in ("net1", "net2")]
        for network in networks:
            for zone in ("az1", "az2"):
                reply = boot(servers, network, zone=zone)
                assert reply.status == 202, reply.body
            at_top = [top.networks[network["id"]][field] for field in FIELDS]
            assert at_top[:2] == ["vlan", "stretched"]
            assert segment_in(site_one, network) == segment_in(site_two, network) == at_top
        assert segment_in(site_one, networks[0]) != segment_in(site_one, networks[1])

    def test_a_worker_makes_the_same_one(
        self, workshop: Workshop, neutron: Neutron, top: TopNetwork, site_two: Site
    ) -> None:
        both = neutron.make_network("both", "10.0.1.0/24", availability_zone_hints=["az1", "az2"])
        workshop.carry()
        assert segment_in(site_two, both) == [top.networks[both["id"]][field] for field in FIELDS]
        assert workshop.parked() == []

    def test_they_neither_see_nor_say_what_it_is(self, neutron: Neutron, top: TopNetwork) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        assert not set(network) & set(FIELDS)
        reply = neutron._send("POST", "/v2.0/networks", {"network": segment("vlan", "stretched", 300)})
        assert reply.status == 403
        assert [each["id"] for each in top.networks.values()] == [network["id"]]

    def test_an_overlay_is_what_each_site_likes(
        self, servers: Api, neutron: Neutron, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        top.tenant_type = "vxlan"
        neutron.make_network("first", "10.0.1.0/24")
        network = neutron.make_network("net1", "10.0.1.0/24")
        site_two.network.tenant_type = "vlan"
        for zone in ("az1", "az2"):
            assert boot(servers, network, zone=zone).status == 202
        assert segment_in(site_one, network) == ["vxlan", None, 100]
        assert segment_in(site_two, network) == ["vlan", "stretched", 100]

    def test_later_boots_and_changes_leave_it(
        self, servers: Api, workshop: Workshop, neutron: Neutron, site_one: Site
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        boot(servers, network)
        before = segment_in(site_one, network)
        neutron.change("network", network["id"], name="renamed")
        workshop.carry()
        assert networks_in(site_one) == {"renamed": ["10.0.1.0/24"]}
        assert segment_in(site_one, network) == before
        assert workshop.parked() == []


class TestPhysicalNetworks:
    def test_each_site_has_names_of_its_own(
        self, cloud: Cloud, servers: Api, administrator: Neutron, site_one: Site, site_two: Site
    ) -> None:
        names(cloud, "SiteOne", stretched="physnet1")
        network = provided(administrator, segment("vlan", "stretched", 300))
        for zone in ("az1", "az2"):
            assert boot(servers, network, zone=zone).status == 202
        assert segment_in(site_one, network) == ["vlan", "physnet1", 300]
        assert segment_in(site_two, network) == SAID
        assert networks_in(site_one) == networks_in(site_two) == {"net1": ["10.0.1.0/24"]}

    @pytest.mark.parametrize("left", [segment("vlan", "left", 301), segment("flat", "left", None)])
    def test_of_several_segments_each_site_gets_its_own(
        self, cloud: Cloud, servers: Api, administrator: Neutron, left: Document
    ) -> None:
        names(cloud, "SiteOne", stretched="wan", left="physnet1")
        names(cloud, "SiteTwo", stretched="wan", right="physnet1")
        network = provided(administrator, left, segment("vlan", "right", 302))
        for zone in ("az1", "az2"):
            reply = boot(servers, network, zone=zone)
            assert reply.status == 202, reply.body
        site_one, site_two = cloud.sites.values()
        expected = [left[FIELDS[0]], "physnet1", left[FIELDS[2]]]
        assert segment_in(site_one, network) == expected
        assert segment_in(site_two, network) == ["vlan", "physnet1", 302]

    def test_one_that_is_for_a_site_alone_goes_before_what_all_have(
        self, cloud: Cloud, servers: Api, administrator: Neutron, site_one: Site, site_two: Site
    ) -> None:
        names(cloud, "SiteOne", stretched="stretched", left="physnet1")
        names(cloud, "SiteTwo", stretched="stretched")
        network = provided(administrator, segment("vlan", "stretched", 300), segment("vlan", "left", 301))
        for zone in ("az1", "az2"):
            assert boot(servers, network, zone=zone).status == 202
        assert segment_in(site_one, network) == ["vlan", "physnet1", 301]
        assert segment_in(site_two, network) == SAID

    def test_where_a_site_may_have_two_an_administrator_has_to_say(
        self, servers: Api, administrator: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        network = provided(administrator, segment("vlan", "left", 301), segment("vlan", "right", 302))
        reply = boot(servers, network)
        assert (reply.status, reply.fault[0]) == (400, "badRequest")
        for word in (network["id"], "SiteOne", "physical_networks"):
            assert word in reply.fault[1]
        workshop.carry()
        assert networks_in(site_one) == {}


class TestDrift:
    def test_one_that_is_something_else_in_a_site_is_told(
        self, servers: Api, neutron: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        boot(servers, network)
        (there,) = site_one.network.marked("networks", network["id"])
        there.update(segment("vxlan", None, 12))
        workshop.look_for_drift("SiteOne")
        known = workshop.engine.replicas.store.find("network", network["id"])
        assert known is not None
        drift = known.realisations[workshop.site_id("SiteOne")].drift
        assert drift == "segment is vxlan 12 and should be vlan 100 of stretched"
        assert boot(servers, network).status == 202

    def test_mended_it_is_made_anew(self, administrator: Neutron, workshop: Workshop, site_one: Site) -> None:
        network = provided(administrator, segment("vlan", "stretched", 300), availability_zone_hints=["az1"])
        workshop.carry()
        (there,) = site_one.network.marked("networks", network["id"])
        there.update(segment("vxlan", None, 12))
        workshop.look_for_drift("SiteOne", mend=True)
        workshop.carry()
        assert segment_in(site_one, network) == SAID
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}

    def test_one_that_its_site_could_not_have_any_more_is_told(
        self, cloud: Cloud, servers: Api, neutron: Neutron, workshop: Workshop
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        boot(servers, network)
        SiteStore(cloud.database).update("SiteOne", physical_networks={})
        workshop.engine.registry.expire()
        workshop.look_for_drift("SiteOne")
        known = workshop.engine.replicas.store.find("network", network["id"])
        assert known is not None
        assert "physical_networks" in str(known.realisations[workshop.site_id("SiteOne")].drift)
