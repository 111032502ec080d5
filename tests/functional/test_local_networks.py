"""A network that is limited to a zone of one site is local to that site, which makes of it what it likes."""

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.network import TopNetwork
from tests.fakes.network.segments import FIELDS
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.boots import boot
from tests.functional.fabric import SAID, provided, segment, segment_in
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

from tricircle.jobs.job import Request
from tricircle.jobs.types import FOLLOW
from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

pytestmark = pytest.mark.usefixtures("workshop")


@pytest.fixture
def top(fabric_top: TopNetwork) -> TopNetwork:
    """The top's Neutron."""
    return fabric_top


@pytest.fixture
def near(neutron: Neutron, workshop: Workshop) -> Document:
    """A network of a zone."""
    network = neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az1"])
    workshop.carry()
    return network


def have_another_site(cloud: Cloud, workshop: Workshop, near: Document) -> None:
    """Have the zone get a second site, and the network be followed."""
    ZoneStore(cloud.database).put("az1", "", [Place("SiteOne", "nova"), Place("SiteTwo", "nova")])
    workshop.engine.registry.expire()
    workshop.engine.requester.request(Request(FOLLOW.name, "network", near["id"]))
    workshop.carry()


def test_one_is_its_sites_own_also_where_the_site_has_the_fabric(
    servers: Api, top: TopNetwork, near: Document, workshop: Workshop, cloud: Cloud
) -> None:
    site_one, site_two = cloud.sites.values()
    assert [top.networks[near["id"]][field] for field in FIELDS] == ["local", None, None]
    assert segment_in(site_one, near) == ["vxlan", None, 100]
    assert boot(servers, near).status == 202
    assert networks_in(site_two) == {}
    assert workshop.parked() == []


def test_it_stays_in_its_site_when_its_zone_gets_another_one(
    cloud: Cloud, servers: Api, workshop: Workshop, near: Document
) -> None:
    site_one, site_two = cloud.sites.values()
    have_another_site(cloud, workshop, near)
    for _ in range(6):
        reply = boot(servers, near)
        assert reply.status == 202, reply.body
    assert len(site_one.compute.servers) == 6
    assert (networks_in(site_two), site_two.compute.servers) == ({}, {})
    assert workshop.parked() == []


def test_that_the_other_site_cannot_have_it_is_told(
    cloud: Cloud, servers: Api, workshop: Workshop, near: Document
) -> None:
    have_another_site(cloud, workshop, near)
    SiteStore(cloud.database).update("SiteOne", state=SiteState.CORDONED)
    reply = boot(servers, near)
    assert reply.fault == (
        "badRequest",
        f"Network {near['id']} is local to another site of its availability zones than SiteTwo.",
    )
    assert networks_in(list(cloud.sites.values())[1]) == {}


def test_how_much_goes_through_it_is_the_sites_matter(
    neutron: Neutron, workshop: Workshop, near: Document, site_one: Site
) -> None:
    network = neutron.make_network("net2", "10.0.2.0/24", availability_zone_hints=["az1"], mtu=1400)
    (there,) = site_one.network.marked("networks", near["id"])
    site_one.network.mtu = there["mtu"] = 1442
    workshop.carry()
    (limited,) = site_one.network.marked("networks", network["id"])
    assert limited["mtu"] == 1400
    neutron.change("network", network["id"], mtu=1500)
    neutron.change("network", near["id"], name="nearer")
    workshop.carry()
    workshop.look_for_drift("SiteOne")
    assert (there["mtu"], limited["mtu"], there["name"]) == (1442, 1400, "nearer")
    drift = [next(iter(known.realisations.values())).drift for known in workshop.known("network")]
    assert drift == [None, None]
    neutron.change("network", network["id"], mtu=1430)
    workshop.carry()
    assert limited["mtu"] == 1430


def test_what_an_administrator_says_holds(administrator: Neutron, workshop: Workshop, site_one: Site) -> None:
    network = provided(administrator, segment("vlan", "stretched", 300), availability_zone_hints=["az1"])
    workshop.carry()
    assert segment_in(site_one, network) == SAID
