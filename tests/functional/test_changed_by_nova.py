"""What Nova changes in a site of a server's port that was made at the top first is so at the top."""

from dataclasses import dataclass

import pytest
from tests.fakes.faults import Status
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.jobs.job import Request
from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW

pytestmark = pytest.mark.usefixtures("workshop")


@dataclass
class Ground:
    """A server in a site on a port of the top, which is in group `web`."""

    servers: Api
    workshop: Workshop
    neutron: Neutron
    site: Site
    port_id: str
    server_id: str = ""

    def boot(self) -> None:
        """Boot the server."""
        reply = self.servers.create(availability_zone="az1", networks=[{"port": self.port_id}])
        assert reply.status == 202, reply.body
        self.server_id = reply.json["server"]["id"]
        self.settle()

    def settle(self) -> None:
        """Have all jobs done, and the server's ports looked at once more."""
        self.workshop.carry()
        for job in self.workshop.waiting(ADOPT.name):
            self.workshop.engine.requester.hasten(job.id)
        self.workshop.carry()
        assert self.workshop.parked() == []

    def rename(self) -> None:
        """Have the user rename the port at the top."""
        self.neutron.change("port", self.port_id, name="renamed")
        self.settle()
        assert self.there["name"] == "renamed"

    def act(self, **action: object) -> None:
        """Ask Nova for something, through the top; what Neutron would show of it is for the test to say."""
        path = f"/v2.1/servers/{self.server_id}/action"
        reply = self.servers.client.post(path, action)
        assert reply.status == 202, reply.body

    @property
    def there(self) -> Document:
        """The port in the site."""
        (port,) = self.site.network.marked("ports", self.port_id)
        return port

    @property
    def at_top(self) -> Document:
        """The port at the top."""
        return self.neutron.top.ports[self.port_id]

    def groups_there(self) -> set[str]:
        """The names of its groups in the site."""
        return {self.site.network.security_groups[each]["name"] for each in self.there["security_groups"]}

    def groups_at_top(self) -> set[str]:
        """The names of its groups at the top."""
        groups = self.neutron.top.security_groups
        return {groups[each]["name"] for each in self.at_top["security_groups"]}

    def join(self, name: str) -> None:
        """Have Nova put the server into a group."""
        self.act(addSecurityGroup={"name": name})
        (group,) = [key for key, each in self.site.network.security_groups.items() if each["name"] == name]
        self.there["security_groups"] = [*self.there["security_groups"], group]

    def get_address(self) -> str:
        """Have the site give the port another address out of its block; return it."""
        (subnet,) = (each for each in self.site.network.subnets.values() if each["ip_version"] == 4)
        address = str(subnet["allocation_pools"][0]["end"])
        self.there["fixed_ips"] = [
            *self.there["fixed_ips"],
            {"subnet_id": subnet["id"], "ip_address": address},
        ]
        return address

    def addresses_at_top(self) -> list[str]:
        """The addresses of the port at the top."""
        return [fixed["ip_address"] for fixed in self.at_top["fixed_ips"]]


@pytest.fixture
def ground(servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site) -> Ground:
    """It, booted and settled."""
    group = neutron.make("security_group", name="web")
    neutron.make("security_group", name="new")
    port = neutron.make("port", name="p1", network_id=net1["id"], security_groups=[group["id"]])
    ground = Ground(servers, workshop, neutron, site_one, port["id"])
    ground.boot()
    return ground


def test_a_group_that_the_server_joins(ground: Ground) -> None:
    ground.join("new")
    ground.settle()
    assert ground.groups_at_top() == {"web", "new"}
    ground.rename()
    assert ground.groups_there() == {"web", "new"}


def test_a_group_that_it_leaves(ground: Ground) -> None:
    ground.there["security_groups"] = []
    ground.workshop.compare_ports()
    assert ground.groups_at_top() == set()
    ground.rename()
    assert ground.groups_there() == set()


def test_an_address_that_it_gets_is_its_own_and_the_site_gives_it_to_nobody_else(ground: Ground) -> None:
    (own,) = ground.addresses_at_top()
    added = ground.get_address()
    ground.workshop.compare_ports()
    assert ground.addresses_at_top() == [own, added]
    (subnet,) = ground.site.network.subnets.values()
    assert added not in {pool["end"] for pool in subnet["allocation_pools"]}
    assert all(block["end"] != added for block in ground.neutron.top.blocks.values())
    ground.rename()
    assert [fixed["ip_address"] for fixed in ground.there["fixed_ips"]] == [own, added]


def test_one_that_it_gets_leaves_it_those_that_its_host_makes(ground: Ground, net1: Document) -> None:
    slaac = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    ground.neutron.make_subnet(net1, "2001:db8::/64", **slaac)
    ground.settle()
    assert len(ground.addresses_at_top()) == 2
    added = ground.get_address()
    ground.workshop.compare_ports()
    assert added in ground.addresses_at_top()
    known = ground.workshop.engine.replicas.store.find("port", ground.port_id)
    assert known is not None
    defined = [fixed["ip_address"] for fixed in known.definition.body["fixed_ips"]]
    assert sorted(defined) == sorted(ground.addresses_at_top())
    assert len(defined) == 3


def test_an_address_that_it_loses(ground: Ground) -> None:
    own = ground.there["fixed_ips"]
    ground.get_address()
    ground.workshop.compare_ports()
    ground.there["fixed_ips"] = own
    ground.workshop.compare_ports()
    ground.rename()
    assert (len(ground.addresses_at_top()), ground.there["fixed_ips"]) == (1, own)


def test_a_users_change_that_is_on_its_way_is_not_taken_back(ground: Ground) -> None:
    """Nor is Nova's forgotten: what the user has changed is carried, and all of it is said by the top."""
    (group,) = [key for key, each in ground.neutron.top.security_groups.items() if each["name"] == "new"]
    ground.neutron.change("port", ground.port_id, security_groups=[group])
    ground.workshop.engine.requester.request(Request(FOLLOW.name, "port", ground.port_id))
    ground.workshop.compare_ports()
    assert ground.groups_at_top() == {"new"}
    ground.settle()
    assert ground.groups_there() == ground.groups_at_top() == {"new"}


def test_what_nova_changes_survives_a_users_change_that_is_carried_first(ground: Ground) -> None:
    ground.join("new")
    ground.neutron.change("port", ground.port_id, name="renamed")
    ground.settle()
    assert (ground.there["name"], ground.groups_there()) == ("renamed", {"web", "new"})
    assert ground.groups_at_top() == {"web", "new"}


def test_what_a_worker_has_told_before_it_died_is_defined_later(ground: Ground) -> None:
    ground.there["security_groups"] = []
    ground.at_top["security_groups"] = []
    ground.join("new")
    ground.workshop.compare_ports()
    ground.settle()
    ground.workshop.compare_ports()
    ground.rename()
    assert ground.groups_there() == ground.groups_at_top()


def test_what_the_top_refuses_is_said_and_stays_undone(ground: Ground) -> None:
    ground.there["security_groups"] = []
    ground.neutron.top.faults.put(Status(409, "It cannot be."), "/adopted-ports", method="PUT", times=1)
    with pytest.raises(AssertionError, match=f"does not take .* of its port {ground.port_id}.*It cannot be"):
        ground.workshop.compare_ports()
    assert (ground.groups_at_top(), ground.groups_there()) == ({"web"}, set())
    ground.workshop.compare_ports()
    assert ground.groups_at_top() == set()


def test_an_address_that_a_worker_has_told_before_it_died_is_the_ports_own_after_all(ground: Ground) -> None:
    added = ground.get_address()
    ground.neutron.top.faults.put(Status(503), "/address-blocks", times=1)
    with pytest.raises(AssertionError, match="503"):
        ground.workshop.compare_ports()
    ground.workshop.compare_ports()
    assert added in ground.addresses_at_top()
    assert all(block["end"] != added for block in ground.neutron.top.blocks.values())


def test_what_nobody_changes_is_not_told(ground: Ground) -> None:
    ground.workshop.compare_ports()  # of Neutron's own
    assert "nothing to do" in ground.workshop.compare_ports()


def test_of_a_port_that_no_server_has_the_top_says_all(ground: Ground) -> None:
    ground.servers.client.delete(f"/v2.1/servers/{ground.server_id}")
    ground.workshop.hurry(ADOPT.name, AFTER_DELETE.name)
    ground.there["security_groups"] = []
    ground.workshop.compare_ports()
    assert ground.groups_at_top() == {"web"}
