"""Which networks a new server gets: those that are named, or the only one; and which it may have."""

import json

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api
from tests.functional.boots import boot, ports_of
from tests.functional.gateway import GatewayClient
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

pytestmark = pytest.mark.usefixtures("workshop")


def test_without_networks_the_only_one_of_the_project_is_meant(
    servers: Api, net1: Document, cloud: Cloud, top: TopNetwork, site_one: Site
) -> None:
    Neutron(cloud, top, cloud.stranger).make_network("theirs", "10.0.1.0/24")
    asked = (("2.1", {}), ("2.1", {"networks": []}), ("2.37", {"networks": "auto"}))
    for version, wanted in asked:
        reply = servers.at(f"compute {version}").create(availability_zone="az1", **wanted)
        assert reply.status == 202, reply.body
        (port,) = ports_of(site_one, reply.json["server"]["id"])
        assert site_one.network.networks[port["network_id"]]["name"] == "net1"


def test_of_several_none_is_chosen(servers: Api, neutron: Neutron, net1: Document, site_one: Site) -> None:
    neutron.make_network("net2", "10.0.2.0/24")
    for version, wanted in (("2.1", {}), ("2.37", {"networks": "auto"})):
        reply = servers.at(f"compute {version}").create(availability_zone="az1", **wanted)
        words = "Multiple possible networks found, use a Network ID to be more specific."
        assert (reply.status, reply.fault) == (409, ("conflictingRequest", words))
    assert networks_in(site_one) == {}


def test_what_a_microversion_does_not_have_is_left_to_the_site(
    servers: Api, net1: Document, site_one: Site
) -> None:
    """Which refuses it: before 2.37 there are no words, and from then on something must be said."""
    for version, wanted in (("2.37", {}), ("2.1", {"networks": "auto"}), ("2.1", {"networks": None})):
        servers.at(f"compute {version}").create(availability_zone="az1", **wanted)
        sent = json.loads(site_one.compute.received("POST")[-1].body)["server"]
        assert {name: sent[name] for name in sent if name == "networks"} == wanted
    assert networks_in(site_one) == {}


def test_a_project_without_networks_is_left_to_the_site(
    servers: Api, top: TopNetwork, site_one: Site
) -> None:
    reply = servers.create(availability_zone="az1")
    assert reply.status == 202
    assert ports_of(site_one, reply.json["server"]["id"]) == []


def test_none_is_none(servers: Api, net1: Document, site_one: Site) -> None:
    assert servers.create(availability_zone="az1", networks="none").status == 202
    assert networks_in(site_one) == {}


def test_an_unknown_network_is_refused_in_novas_words(
    servers: Api, top: TopNetwork, cloud: Cloud, site_one: Site, workshop: Workshop
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
    servers: Api, net1: Document, compute: GatewayClient, cloud: Cloud
) -> None:
    boot(servers, net1)
    reply = boot(compute_api(compute.as_(cloud.stranger)), net1)
    words = f"Network {net1['id']} could not be found."
    assert (reply.status, reply.fault) == (400, ("badRequest", words))


def test_one_that_was_made_in_the_site_before_is_used_as_it_is(
    servers: Api, cloud: Cloud, top: TopNetwork, site_one: Site
) -> None:
    old = Neutron(cloud, site_one.network, cloud.member)  # type: ignore[arg-type]
    network = old.make_network("old", "192.168.0.0/24")
    assert boot(servers, network).status == 202


def test_a_network_is_kept_to_the_zones_of_its_hints(
    servers: Api, neutron: Neutron, site_one: Site, site_two: Site
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


def test_the_zones_of_a_network_decide_before_the_default_zone_does(
    servers: Api, neutron: Neutron, site_one: Site, site_two: Site, cloud: Cloud
) -> None:
    cloud.configuration.set_override("default_availability_zone", "az1")
    network = neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az2"])
    port = neutron.make("port", network_id=network["id"])
    for wanted in ({"uuid": network["id"]}, {"port": port["id"]}):
        reply = servers.create(networks=[wanted])
        assert reply.status == 202, reply.body
        assert reply.json["server"]["id"] in site_two.compute.servers
    assert (site_one.compute.servers, networks_in(site_one)) == ({}, {})
    assert servers.create(networks="none").status == 202
    assert len(site_one.compute.servers) == 1


def test_two_projects_may_use_the_same_addresses(
    servers: Api, neutron: Neutron, net1: Document, compute: GatewayClient, site_one: Site
) -> None:
    cloud = neutron.cloud
    theirs = Neutron(cloud, neutron.top, cloud.stranger).make_network("theirs", "10.0.1.0/24")
    assert boot(servers, net1).status == 202
    assert boot(compute_api(compute.as_(cloud.stranger)), theirs).status == 202
    owners = {item["name"]: item["project_id"] for item in site_one.network.networks.values()}
    assert owners == {"net1": PROJECT, "theirs": OTHER_PROJECT}
