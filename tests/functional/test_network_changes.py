"""What becomes of a network at the top becomes of it in the sites that have it, and in no others."""

import pytest
from tests.fakes.faults import Status
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.boots import boot
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

pytestmark = pytest.mark.usefixtures("workshop")


def test_a_network_that_no_site_has_concerns_no_site(
    workshop: Workshop, net1: Document, neutron: Neutron, site_one: Site
) -> None:
    workshop.carry()
    assert list(workshop.definitions("network")) == [net1["id"]]
    assert list(workshop.definitions("subnet")) == net1["subnets"]
    assert networks_in(site_one) == {}
    neutron.delete("network", net1["id"])
    workshop.carry()
    assert workshop.definitions("network") == workshop.definitions("subnet") == {}


def test_a_network_with_hints_is_in_their_sites_from_the_start(
    workshop: Workshop, neutron: Neutron, site_one: Site, site_two: Site
) -> None:
    neutron.make_network("near", "10.0.1.0/24", availability_zone_hints=["az2"])
    workshop.carry()
    assert (networks_in(site_one), networks_in(site_two)) == ({}, {"near": ["10.0.1.0/24"]})


def test_a_change_reaches_the_sites_that_have_it(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
) -> None:
    site_one, site_two = neutron.cloud.sites.values()
    boot(servers, net1)
    neutron.change("network", net1["id"], name="renamed")
    neutron.change("subnet", net1["subnets"][0], dns_nameservers=["10.0.0.53"])
    workshop.carry()
    assert (networks_in(site_one), networks_in(site_two)) == ({"renamed": ["10.0.1.0/24"]}, {})
    (subnet,) = site_one.network.subnets.values()
    assert subnet["dns_nameservers"] == ["10.0.0.53"]


def test_a_subnet_that_is_added_later_arrives(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
) -> None:
    site_one, site_two = neutron.cloud.sites.values()
    for zone in ("az1", "az2"):
        boot(servers, net1, zone=zone)
    neutron.make_subnet(net1, "10.0.2.0/24")
    workshop.carry()
    wanted = {"net1": ["10.0.1.0/24", "10.0.2.0/24"]}
    assert networks_in(site_one) == networks_in(site_two) == wanted


def test_a_subnet_that_goes_goes_everywhere(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    boot(servers, net1)
    other = neutron.make_subnet(net1, "10.0.2.0/24")
    workshop.carry()
    assert networks_in(site_one) == {"net1": ["10.0.1.0/24", "10.0.2.0/24"]}
    neutron.delete("subnet", other["id"])
    workshop.carry()
    assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}
    assert workshop.definitions("subnet") == {net1["subnets"][0]: "active"}


def test_a_network_that_goes_goes_everywhere_also_from_a_site_that_was_down(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
) -> None:
    site_one, site_two = neutron.cloud.sites.values()
    for zone in ("az1", "az2"):
        server = boot(servers, net1, zone=zone).json["server"]["id"]
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
    workshop.carry()
    site_two.network.stop()
    neutron.delete("network", net1["id"])
    workshop.run()
    assert networks_in(site_one) == {}
    assert workshop.definitions("network") == {net1["id"]: "deleted"}
    reply = boot(servers, net1)
    assert (reply.status, reply.fault[1]) == (400, f"Network {net1['id']} could not be found.")
    site_two.network.start()
    workshop.catch_up("SiteTwo")
    workshop.carry()
    assert networks_in(site_two) == {}
    assert workshop.definitions("network") == workshop.definitions("subnet") == {}
    assert workshop.parked() == []


def test_a_404_of_one_of_its_parts_does_not_count_as_its_own(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    server = boot(servers, net1).json["server"]["id"]
    assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
    workshop.carry()
    (there,) = site_one.network.networks
    gone = Status(404, "Subnet 1 could not be found.")
    site_one.network.faults.put(gone, f"/networks/{there}", "DELETE", times=1)
    neutron.delete("network", net1["id"])
    workshop.run()
    assert set(networks_in(site_one)) == {"net1"}
    workshop.carry()
    assert networks_in(site_one) == {}
    assert workshop.definitions("network") == {}


def test_what_somebody_deletes_in_a_site_is_made_again_when_that_is_asked_for(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    server = boot(servers, net1).json["server"]["id"]
    servers.client.delete(f"/v2.1/servers/{server}")
    workshop.carry()
    site_one.network.networks.clear()
    site_one.network.subnets.clear()
    site_one.network.ports.clear()
    workshop.look_for_drift("SiteOne", mend=True)
    workshop.carry()
    assert networks_in(site_one) == {"net1": ["10.0.1.0/24"]}
    assert boot(servers, net1).status == 202
