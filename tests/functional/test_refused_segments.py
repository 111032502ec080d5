"""A segment that a site cannot have, or does not take, is told; and nothing is left there."""

import json

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.faults import Status
from tests.fakes.network import TopNetwork
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.boots import boot
from tests.functional.fabric import SAID, names, provided, segment, segment_in
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

from tricircle.jobs.store import JobStore
from tricircle.jobs.types import CLEAN_UP, REPLICATE

pytestmark = pytest.mark.usefixtures("workshop")


@pytest.fixture
def top(fabric_top: TopNetwork) -> TopNetwork:
    """The top's Neutron."""
    return fabric_top


def causes(workshop: Workshop) -> list[str]:
    """Return why jobs are parked."""
    return [str(job.cause) for job in workshop.parked()]


def test_a_site_without_its_physical_network_is_left_empty(
    cloud: Cloud, servers: Api, neutron: Neutron, workshop: Workshop, top: TopNetwork
) -> None:
    names(cloud, "SiteOne", storage="physnet1")
    site_one, site_two = cloud.sites.values()
    network = neutron.make_network("net1", "10.0.1.0/24")
    reply = boot(servers, network)
    assert (reply.status, reply.fault[0]) == (400, "badRequest")
    for word in (network["id"], "SiteOne", "physical_networks"):
        assert word in reply.fault[1]
    workshop.carry()
    assert site_one.compute.servers == {}
    assert (networks_in(site_one), site_one.network.security_groups) == ({}, {})
    assert top.blocks == {}
    assert workshop.parked() == []
    assert boot(servers, network, zone="az2").status == 202
    assert networks_in(site_two) == {"net1": ["10.0.1.0/24"]}


def test_another_site_is_taken_where_the_zone_is_open(
    cloud: Cloud, servers: Api, neutron: Neutron, site_two: Site
) -> None:
    names(cloud, "SiteOne")
    network = neutron.make_network("net1", "10.0.1.0/24")
    for _ in range(4):
        assert boot(servers, network, zone=None).status == 202
    assert len(site_two.compute.servers) == 4


def test_one_that_is_limited_to_such_a_site_is_what_that_likes(
    cloud: Cloud, servers: Api, neutron: Neutron, workshop: Workshop, site_one: Site
) -> None:
    names(cloud, "SiteOne")
    near = neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az1"])
    workshop.carry()
    assert segment_in(site_one, near) == ["vxlan", None, 100]
    assert boot(servers, near).status == 202
    assert workshop.parked() == []


def test_a_job_is_parked_with_the_cause_until_the_site_has_it(
    cloud: Cloud, neutron: Neutron, workshop: Workshop
) -> None:
    names(cloud, "SiteOne")
    site_one, site_two = cloud.sites.values()
    network = neutron.make_network("both", "10.0.1.0/24", availability_zone_hints=["az1", "az2"])
    workshop.carry()
    assert len(networks_in(site_two)) == 1
    assert networks_in(site_one) == {}
    (cause,) = causes(workshop)
    for word in (network["id"], "SiteOne", "physical_networks"):
        assert word in cause
    names(cloud, "SiteOne", stretched="physnet1")
    workshop.engine.registry.expire()
    workshop.carry()
    assert segment_in(site_one, network)[:2] == ["vlan", "physnet1"]
    assert networks_in(site_one) == {"both": ["10.0.1.0/24"]}
    assert causes(workshop) == []


@pytest.mark.parametrize("zones", [["az1"], []])
def test_what_the_site_itself_refuses_is_one_job_and_nothing_else(
    cloud: Cloud, servers: Api, administrator: Neutron, workshop: Workshop, *, zones: list[str]
) -> None:
    """Whether it is to be there from the start, or for a server."""
    names(cloud, "SiteOne", stretched="stretched")
    site_one, top = cloud.sites["SiteOne"], administrator.top
    site_one.network.physical_networks = ()
    network = provided(administrator, segment("vlan", "stretched", 333), availability_zone_hints=zones)
    if not zones:
        assert boot(servers, network).status == 400
    workshop.carry()
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
    workshop.carry()
    assert workshop.parked() == []
    if not zones:
        assert networks_in(site_one) == {}
        assert boot(servers, network).status == 202
    assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}


def test_what_the_site_does_not_know_is_told_to_users_without_numbers(
    servers: Api, administrator: Neutron, workshop: Workshop, site_one: Site, site_two: Site
) -> None:
    site_one.network.physical_networks = ()
    network = provided(administrator, segment("vlan", "stretched", 333))
    reply = boot(servers, network)
    assert (reply.status, reply.fault[0]) == (400, "badRequest")
    assert network["id"] in reply.fault[1]
    assert "SiteOne" in reply.fault[1]
    assert "333" not in reply.fault[1]
    workshop.carry()
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
    assert boot(servers, network, zone=None).status == 202
    assert len(site_two.compute.servers) == 1


def test_a_vlan_that_something_else_has_is_told_with_what_has_it(
    cloud: Cloud, servers: Api, administrator: Neutron, workshop: Workshop, site_one: Site
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
    workshop.carry()
    assert networks_in(site_one) == {"old": []}
    (cause,) = causes(workshop)
    for word in (network["id"], "vlan 300 of stretched", "SiteOne", holder):
        assert word in cause
    assert there._send("DELETE", f"/v2.0/networks/{holder}").status == 204
    assert boot(servers, network).status == 202
    assert segment_in(site_one, network) == SAID


def test_another_refusal_stays_the_sites_own(servers: Api, neutron: Neutron, site_one: Site) -> None:
    words = "Quota exceeded for resources: ['network']."
    site_one.network.faults.put(Status(409, words), "/networks", method="POST")
    reply = boot(servers, neutron.make_network("net1", "10.0.1.0/24"))
    assert (reply.status, reply.fault[0]) == (409, "conflictingRequest")
    assert words in reply.fault[1]
