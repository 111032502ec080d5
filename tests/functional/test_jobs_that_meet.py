"""What is made, deleted and made again while a site is not asked: the jobs have the same end in any order."""

import pytest
from tests.fakes.faults import Meanwhile
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron, networks_in
from tests.functional.test_shared_groups import POLICY, policies_in, share
from tests.functional.workshop import Workshop

from tricircle.errors import Conflict
from tricircle.jobs.types import ADOPT, FOLLOW, INTENT, REPLICATE


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


def boot(servers: Api, **wanted: str) -> Reply:
    """Boot a server on a network or with a port."""
    return servers.create(availability_zone="az1", networks=[wanted])


def settle(workshop: Workshop) -> None:
    """Have all jobs done."""
    workshop.hurry(FOLLOW.name, REPLICATE.name, INTENT.name, ADOPT.name)
    assert workshop.parked() == []


def realise(workshop: Workshop, kind: str, key: str) -> str:
    """Have the first site agree with something."""
    known = workshop.engine.replicas.store.find(kind, key)
    assert known is not None
    site = workshop.engine.registry.snapshot.by_name["SiteOne"]
    return workshop.engine.replicas.realiser.realise(known.definition.id, site)


def test_a_subnet_that_comes_before_the_former_one_of_its_addresses_has_gone(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    assert boot(servers, uuid=net1["id"]).status == 202
    former = neutron.make_subnet(net1, "10.0.2.0/24")
    settle(workshop)
    neutron.delete("subnet", former["id"])
    subnet = neutron.make_subnet(net1, "10.0.2.0/24")
    workshop.engine.networks.follow("network", net1["id"])
    with pytest.raises(Conflict, match="overlaps"):
        realise(workshop, "subnet", subnet["id"])
    settle(workshop)
    assert networks_in(site_one) == {"net1": ["10.0.1.0/24", "10.0.2.0/24"]}
    assert site_one.network.marked("subnets", subnet["id"]) != []


def test_sharing_that_ends_and_begins_again_holds(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    web = neutron.make("security_group", name="web")
    former = share(neutron, web)
    groups = [{"name": web["name"]}]
    networks = [{"uuid": net1["id"]}]
    assert servers.create(availability_zone="az1", networks=networks, security_groups=groups).status == 202
    settle(workshop)
    assert policies_in(site_one) == [POLICY]
    assert neutron._send("DELETE", f"/v2.0/rbac-policies/{former['id']}").status == 204
    policy = share(neutron, web)
    workshop.engine.networks.follow("security_group", web["id"])
    with pytest.raises(Conflict):
        realise(workshop, "rbac_policy", policy["id"])
    settle(workshop)
    assert policies_in(site_one) == [POLICY]


def test_a_port_has_its_address_on_a_subnet_that_the_site_has_not_got_yet(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    assert boot(servers, uuid=net1["id"]).status == 202
    settle(workshop)
    other = neutron.make_subnet(net1, "10.0.2.0/24")
    wanted = [{"subnet_id": other["id"], "ip_address": "10.0.2.77"}]
    port = neutron.make("port", network_id=net1["id"], fixed_ips=wanted)
    assert boot(servers, port=port["id"]).status == 202
    (there,) = site_one.network.marked("ports", port["id"])
    assert [fixed["ip_address"] for fixed in there["fixed_ips"]] == ["10.0.2.77"]


def test_a_port_that_is_deleted_while_its_site_gets_it_goes(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    port = neutron.make("port", network_id=net1["id"])

    def delete() -> None:
        neutron.delete("port", port["id"])
        workshop.run()

    site_one.network.faults.put(Meanwhile(delete), "/networks", method="POST", times=1)
    boot(servers, port=port["id"])
    settle(workshop)
    assert site_one.network.marked("ports", port["id"]) == []
    assert workshop.definitions("port") == {}


def test_addresses_that_somebody_else_adds_to_a_group_at_that_moment_are_there(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
) -> None:
    addresses = neutron.make("address_group", name="offices", addresses=["192.0.2.1/32"])
    web = neutron.make("security_group", name="web")
    neutron.add_rule(web["id"], protocol="tcp", remote_address_group_id=addresses["id"])
    groups = [{"name": web["name"]}]
    networks = [{"uuid": net1["id"]}]
    assert servers.create(availability_zone="az1", networks=networks, security_groups=groups).status == 202
    settle(workshop)
    (there,) = site_one.network.marked("address_groups", addresses["id"])
    target = f"/address-groups/{there['id']}/add_addresses"
    more = ["192.0.2.1/32", "192.0.2.2/32"]
    meanwhile = Meanwhile(lambda: site_one.network.address_groups[there["id"]].update(addresses=more))
    site_one.network.faults.put(meanwhile, target, method="PUT", times=1)
    wanted = {"addresses": ["192.0.2.2/32"]}
    at_top = f"/v2.0/address-groups/{addresses['id']}/add_addresses"
    assert neutron._send("PUT", at_top, wanted).status == 200
    neutron._follow("address_group", addresses["id"])
    settle(workshop)
    (there,) = site_one.network.marked("address_groups", addresses["id"])
    assert there["addresses"] == more
