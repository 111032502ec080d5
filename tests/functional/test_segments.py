"""A network across sites is the same segment of the fabric in each of them, by each site's name for it."""

import json
from typing import Any

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.faults import Status
from tests.fakes.network import TopNetwork
from tests.fakes.network.segments import FIELDS
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

from tricircle.jobs.job import Request
from tricircle.jobs.store import JobStore
from tricircle.jobs.types import CLEAN_UP, FOLLOW, REPLICATE
from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

pytestmark = pytest.mark.usefixtures("workshop")

SAID = ["vlan", "stretched", 300]


@pytest.fixture
def top(cloud: Cloud) -> TopNetwork:
    """The top's Neutron."""
    network = cloud.start_network()
    network.physical_networks = ("stretched", "left", "right", "nowhere")
    return network


@pytest.fixture
def administrator(cloud: Cloud, top: TopNetwork) -> Neutron:
    """An administrator there."""
    return Neutron(cloud, top, cloud.admin)


def segment(network_type: str, physical_network: str | None, number: int | None) -> Document:
    """Return a segment as Neutron has it."""
    return dict(zip(FIELDS, (network_type, physical_network, number), strict=True))


def provided(administrator: Neutron, *segments: Document, **fields: Any) -> Document:
    """Have an administrator make a network of the project with segments, and a subnet."""
    named = segments[0] if len(segments) == 1 else {"segments": list(segments)}
    network = administrator.make("network", name="net1", project_id=PROJECT, **named, **fields)
    administrator.make_subnet(network, "10.0.1.0/24")  # it is the administrator's own, and not the project's
    return network


def boot(servers: Api, network: Document, zone: str | None = "az1") -> Reply:
    """Boot a server."""
    where = {} if zone is None else {"availability_zone": zone}
    return servers.create(networks=[{"uuid": network["id"]}], **where)


def segment_in(site: Site, network: Document) -> list[Any]:
    """Return what a network is in a site that has it once."""
    (there,) = site.network.marked("networks", network["id"])
    return [there[field] for field in FIELDS]


def names(cloud: Cloud, site: str, **physical_networks: str) -> None:
    """Say what a site calls the physical networks of the top, and have its Neutron know these."""
    SiteStore(cloud.database).update(site, physical_networks=physical_networks)
    cloud.sites[site].network.physical_networks = tuple(physical_networks.values())


def run(workshop: Workshop) -> None:
    """Have all jobs done."""
    workshop.hurry(FOLLOW.name, REPLICATE.name)


def causes(workshop: Workshop) -> list[str]:
    """Return why jobs are parked."""
    return [str(job.cause) for job in workshop.parked()]


class TestTenants:
    def test_a_network_is_the_same_vlan_in_two_sites(
        self, servers: Api, neutron: Neutron, top: TopNetwork, site_one: Site, site_two: Site
    ) -> None:
        networks = [neutron.make_network(name, "10.0.1.0/24") for name in ("net1", "net2")]
        for network in networks:
            for zone in ("az1", "az2"):
                reply = boot(servers, network, zone)
                assert reply.status == 202, reply.body
            at_top = [top.networks[network["id"]][field] for field in FIELDS]
            assert at_top[:2] == ["vlan", "stretched"]
            assert segment_in(site_one, network) == segment_in(site_two, network) == at_top
        assert segment_in(site_one, networks[0]) != segment_in(site_one, networks[1])

    def test_a_worker_makes_the_same_one(
        self, workshop: Workshop, neutron: Neutron, top: TopNetwork, site_two: Site
    ) -> None:
        both = neutron.make_network("both", "10.0.1.0/24", availability_zone_hints=["az1", "az2"])
        run(workshop)
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
            assert boot(servers, network, zone).status == 202
        assert segment_in(site_one, network) == ["vxlan", None, 100]
        assert segment_in(site_two, network) == ["vlan", "stretched", 100]

    def test_later_boots_and_changes_leave_it(
        self, servers: Api, workshop: Workshop, neutron: Neutron, site_one: Site
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        boot(servers, network)
        before = segment_in(site_one, network)
        neutron.change("network", network["id"], name="renamed")
        run(workshop)
        assert networks_in(site_one) == {"renamed": ["10.0.1.0/24"]}
        assert segment_in(site_one, network) == before
        assert workshop.parked() == []


class TestLocal:
    """Networks that are limited to a zone of one site."""

    @pytest.fixture
    def near(self, neutron: Neutron, workshop: Workshop) -> Document:
        """A network of a zone."""
        network = neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az1"])
        run(workshop)
        return network

    def have_another_site(self, cloud: Cloud, workshop: Workshop, near: Document) -> None:
        """Have the zone get a second site, and the network be followed."""
        ZoneStore(cloud.database).put("az1", "", [Place("SiteOne", "nova"), Place("SiteTwo", "nova")])
        workshop.engine.registry.expire()
        workshop.engine.requester.request(Request(FOLLOW.name, "network", near["id"]))
        run(workshop)

    def test_one_is_its_sites_own_also_where_the_site_has_the_fabric(
        self, servers: Api, top: TopNetwork, near: Document, workshop: Workshop, cloud: Cloud
    ) -> None:
        site_one, site_two = cloud.sites.values()
        assert [top.networks[near["id"]][field] for field in FIELDS] == ["local", None, None]
        assert segment_in(site_one, near) == ["vxlan", None, 100]
        assert boot(servers, near).status == 202
        assert networks_in(site_two) == {}
        assert workshop.parked() == []

    def test_it_stays_in_its_site_when_its_zone_gets_another_one(
        self, cloud: Cloud, servers: Api, workshop: Workshop, near: Document
    ) -> None:
        site_one, site_two = cloud.sites.values()
        self.have_another_site(cloud, workshop, near)
        for _ in range(6):
            reply = boot(servers, near)
            assert reply.status == 202, reply.body
        assert len(site_one.compute.servers) == 6
        assert (networks_in(site_two), site_two.compute.servers) == ({}, {})
        assert workshop.parked() == []

    def test_that_the_other_site_cannot_have_it_is_told(
        self, cloud: Cloud, servers: Api, workshop: Workshop, near: Document
    ) -> None:
        self.have_another_site(cloud, workshop, near)
        SiteStore(cloud.database).update("SiteOne", state=SiteState.CORDONED)
        reply = boot(servers, near)
        assert reply.fault == (
            "badRequest",
            f"Network {near['id']} is local to another site of its availability zones than SiteTwo.",
        )
        assert networks_in(list(cloud.sites.values())[1]) == {}

    def test_how_much_goes_through_it_is_the_sites_matter(
        self, neutron: Neutron, workshop: Workshop, near: Document, site_one: Site
    ) -> None:
        network = neutron.make_network("net2", "10.0.2.0/24", availability_zone_hints=["az1"], mtu=1400)
        (there,) = site_one.network.marked("networks", near["id"])
        site_one.network.mtu = there["mtu"] = 1442
        run(workshop)
        (limited,) = site_one.network.marked("networks", network["id"])
        assert limited["mtu"] == 1400
        neutron.change("network", network["id"], mtu=1500)
        neutron.change("network", near["id"], name="nearer")
        run(workshop)
        workshop.look_for_drift("SiteOne")
        assert (there["mtu"], limited["mtu"], there["name"]) == (1442, 1400, "nearer")
        drift = [next(iter(known.realisations.values())).drift for known in workshop.known("network")]
        assert drift == [None, None]
        neutron.change("network", network["id"], mtu=1430)
        run(workshop)
        assert limited["mtu"] == 1430

    def test_what_an_administrator_says_holds(
        self, administrator: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        network = provided(administrator, segment("vlan", "stretched", 300), availability_zone_hints=["az1"])
        run(workshop)
        assert segment_in(site_one, network) == SAID


class TestPhysicalNetworks:
    def test_each_site_has_names_of_its_own(
        self, cloud: Cloud, servers: Api, administrator: Neutron, site_one: Site, site_two: Site
    ) -> None:
        names(cloud, "SiteOne", stretched="physnet1")
        network = provided(administrator, segment("vlan", "stretched", 300))
        for zone in ("az1", "az2"):
            assert boot(servers, network, zone).status == 202
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
            reply = boot(servers, network, zone)
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
            assert boot(servers, network, zone).status == 202
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
        run(workshop)
        assert networks_in(site_one) == {}


class TestRefused:
    def test_a_site_without_its_physical_network_is_left_empty(
        self, cloud: Cloud, servers: Api, neutron: Neutron, workshop: Workshop, top: TopNetwork
    ) -> None:
        names(cloud, "SiteOne", storage="physnet1")
        site_one, site_two = cloud.sites.values()
        network = neutron.make_network("net1", "10.0.1.0/24")
        reply = boot(servers, network)
        assert (reply.status, reply.fault[0]) == (400, "badRequest")
        for word in (network["id"], "SiteOne", "physical_networks"):
            assert word in reply.fault[1]
        run(workshop)
        assert site_one.compute.servers == {}
        assert (networks_in(site_one), site_one.network.security_groups) == ({}, {})
        assert top.blocks == {}
        assert workshop.parked() == []
        assert boot(servers, network, "az2").status == 202
        assert networks_in(site_two) == {"net1": ["10.0.1.0/24"]}

    def test_another_site_is_taken_where_the_zone_is_open(
        self, cloud: Cloud, servers: Api, neutron: Neutron, site_two: Site
    ) -> None:
        names(cloud, "SiteOne")
        network = neutron.make_network("net1", "10.0.1.0/24")
        for _ in range(4):
            assert boot(servers, network, None).status == 202
        assert len(site_two.compute.servers) == 4

    def test_one_that_is_limited_to_such_a_site_is_what_that_likes(
        self, cloud: Cloud, servers: Api, neutron: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        names(cloud, "SiteOne")
        near = neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az1"])
        run(workshop)
        assert segment_in(site_one, near) == ["vxlan", None, 100]
        assert boot(servers, near).status == 202
        assert workshop.parked() == []

    def test_a_job_is_parked_with_the_cause_until_the_site_has_it(
        self, cloud: Cloud, neutron: Neutron, workshop: Workshop
    ) -> None:
        names(cloud, "SiteOne")
        site_one, site_two = cloud.sites.values()
        network = neutron.make_network("both", "10.0.1.0/24", availability_zone_hints=["az1", "az2"])
        run(workshop)
        assert len(networks_in(site_two)) == 1
        assert networks_in(site_one) == {}
        (cause,) = causes(workshop)
        for word in (network["id"], "SiteOne", "physical_networks"):
            assert word in cause
        names(cloud, "SiteOne", stretched="physnet1")
        workshop.engine.registry.expire()
        run(workshop)
        assert segment_in(site_one, network)[:2] == ["vlan", "physnet1"]
        assert networks_in(site_one) == {"both": ["10.0.1.0/24"]}
        assert causes(workshop) == []

    @pytest.mark.parametrize("zones", [["az1"], []])
    def test_what_the_site_itself_refuses_is_one_job_and_nothing_else(
        self, cloud: Cloud, servers: Api, administrator: Neutron, workshop: Workshop, *, zones: list[str]
    ) -> None:
        """Whether it is to be there from the start, or for a server."""
        names(cloud, "SiteOne", stretched="stretched")
        site_one, top = cloud.sites["SiteOne"], administrator.top
        site_one.network.physical_networks = ()
        network = provided(administrator, segment("vlan", "stretched", 333), availability_zone_hints=zones)
        if not zones:
            assert boot(servers, network).status == 400
        run(workshop)
        workshop.hurry(CLEAN_UP.name)
        (job,) = workshop.parked()
        assert (job.type, job.resource_type) == (REPLICATE.name, "network")
        assert (networks_in(site_one), site_one.network.subnets) == ({}, {})
        if zones:
            assert top.blocks == {}
        else:
            known = workshop.engine.replicas.store.find("network", network["id"])
            assert known is not None
            assert known.realisations == {}
        site_one.network.physical_networks = ("stretched",)
        JobStore(workshop.engine.database).redo(job.id)
        run(workshop)
        assert workshop.parked() == []
        if not zones:
            assert networks_in(site_one) == {}
            assert boot(servers, network).status == 202
        assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}

    def test_what_the_site_does_not_know_is_told_to_users_without_numbers(
        self, servers: Api, administrator: Neutron, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        site_one.network.physical_networks = ()
        network = provided(administrator, segment("vlan", "stretched", 333))
        reply = boot(servers, network)
        assert (reply.status, reply.fault[0]) == (400, "badRequest")
        assert network["id"] in reply.fault[1]
        assert "SiteOne" in reply.fault[1]
        assert "333" not in reply.fault[1]
        run(workshop)
        assert networks_in(site_one) == {}
        assert site_one.compute.servers == {}
        (cause,) = causes(workshop)
        for word in (
            network["id"],
            "vlan 333 of stretched",
            "SiteOne",
            "unknown for VLAN",
            "physical_networks",
        ):
            assert word in cause
        assert boot(servers, network, None).status == 202
        assert len(site_two.compute.servers) == 1

    def test_a_vlan_that_something_else_has_is_told_with_what_has_it(
        self, cloud: Cloud, servers: Api, administrator: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        there = Neutron(cloud, site_one.network, cloud.admin)  # type: ignore[arg-type]
        taken = there._send(
            "POST", "/v2.0/networks", {"network": {"name": "old", **segment("vlan", "stretched", 300)}}
        )
        holder = json.loads(taken.body)["network"]["id"]
        network = provided(administrator, segment("vlan", "stretched", 300))
        reply = boot(servers, network)
        assert (reply.status, reply.fault[0]) == (409, "conflictingRequest")
        assert network["id"] in reply.fault[1]
        assert "300" not in reply.fault[1].replace(network["id"], "")
        run(workshop)
        assert networks_in(site_one) == {"old": []}
        (cause,) = causes(workshop)
        for word in (network["id"], "vlan 300 of stretched", "SiteOne", holder):
            assert word in cause
        assert there._send("DELETE", f"/v2.0/networks/{holder}").status == 204
        assert boot(servers, network).status == 202
        assert segment_in(site_one, network) == SAID

    def test_another_refusal_stays_the_sites_own(
        self, servers: Api, neutron: Neutron, site_one: Site
    ) -> None:
        words = "Quota exceeded for resources: ['network']."
        site_one.network.faults.put(Status(409, words), "/networks", method="POST")
        reply = boot(servers, neutron.make_network("net1", "10.0.1.0/24"))
        assert (reply.status, reply.fault[0]) == (409, "conflictingRequest")
        assert words in reply.fault[1]


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
        run(workshop)
        (there,) = site_one.network.marked("networks", network["id"])
        there.update(segment("vxlan", None, 12))
        workshop.look_for_drift("SiteOne", mend=True)
        run(workshop)
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
