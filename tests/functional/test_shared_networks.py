"""Who may use a network of another project at the top may do so in every site; and what is external is so."""

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron, calls_of
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, MEMBERS, REPLICATE


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


@pytest.fixture
def net1(neutron: Neutron) -> Document:
    """The network."""
    return neutron.make_network("net1", "10.0.1.0/24")


@pytest.fixture
def theirs(servers: Api, cloud: Cloud) -> Api:
    """The servers of the other project."""
    return servers.as_(cloud.stranger)


def share(neutron: Neutron, network: Document, target: str = OTHER_PROJECT) -> Document:
    """Share a network; the journal tells of the network."""
    wanted = {"object_type": "network", "object_id": network["id"], "action": "access_as_shared"}
    body = {"rbac_policy": wanted | {"target_tenant": target}}
    reply = neutron._send("POST", "/v2.0/rbac-policies", body)
    assert reply.status == 201, reply.body
    neutron._follow("network", network["id"])
    (policy,) = [
        each
        for each in neutron.top.rbac_policies.values()
        if (each["object_id"], each["target_tenant"]) == (network["id"], target)
    ]
    return policy


def unshare(neutron: Neutron, policy: Document) -> None:
    """Share it no more."""
    assert neutron._send("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status == 204
    neutron._follow("network", policy["object_id"])


def shared_in(site: Site) -> list[tuple[str, str, str]]:
    """Return with whom networks of a site are shared: name, owner of the policy, and project."""
    neutron = site.network
    return sorted(
        (neutron.networks[each["object_id"]]["name"], each["project_id"], each["target_tenant"])
        for each in neutron.rbac_policies.values()
    )


def boot(servers: Api, network: Document, zone: str = "az1") -> Reply:
    """Boot a server."""
    return servers.create(availability_zone=zone, networks=[{"uuid": network["id"]}])


def finish(workshop: Workshop) -> None:
    """Have all done that waits."""
    workshop.hurry(FOLLOW.name, REPLICATE.name, ADOPT.name, AFTER_DELETE.name, MEMBERS.name)


def activate(site: Site) -> None:
    """Have all servers of a site run."""
    for server in site.compute.servers.values():
        server.vm_state = "active"
    for port in site.network.ports.values():
        port["status"] = "ACTIVE"


def on_servers(site: Site) -> list[Document]:
    """Return the ports of a site that servers have."""
    return [port for port in site.network.ports.values() if port["device_owner"].startswith("compute:")]


class TestBoot:
    def test_another_projects_first_boot_in_an_empty_site(
        self, theirs: Api, neutron: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(neutron, net1)
        reply = boot(theirs, net1)
        assert reply.status == 202, reply.body
        (there,) = site_one.network.marked("networks", net1["id"])
        assert there["project_id"] == PROJECT, "its owner's there, too"
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]
        activate(site_one)
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]
        rows = [row for row in neutron.top.adopted.values() if row["device_owner"].startswith("compute")]
        assert [(row["project_id"], row["network_id"]) for row in rows] == [(OTHER_PROJECT, net1["id"])]
        assert workshop.parked() == []

    def test_it_is_shared_after_its_site_has_it(
        self, servers: Api, theirs: Api, neutron: Neutron, net1: Document, workshop: Workshop
    ) -> None:
        site_one = neutron.cloud.sites["SiteOne"]
        assert boot(servers, net1).status == 202
        assert boot(theirs, net1).status == 400
        share(neutron, net1)
        assert boot(theirs, net1).status == 202, "also before a worker has heard of it"
        finish(workshop)
        assert boot(theirs, net1).status == 202
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]

    def test_later_boots_ask_nobody_but_nova(
        self, theirs: Api, neutron: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(neutron, net1)
        boot(theirs, net1)
        finish(workshop)
        for service in (neutron.top, site_one.network):
            service.requests.clear()
        assert boot(theirs, net1).status == 202
        assert calls_of(neutron.top) == calls_of(site_one.network) == []

    def test_one_that_is_shared_with_everybody(
        self, theirs: Api, cloud: Cloud, top: AdoptingTop, workshop: Workshop, site_two: Site
    ) -> None:
        operator = Neutron(cloud, top, cloud.admin)
        network = operator.make_network("public", "10.0.9.0/24", shared=True, project_id=PROJECT)
        assert boot(theirs, network, "az2").status == 202
        assert shared_in(site_two) == [("public", PROJECT, "*")]
        operator.change("network", network["id"], name="still public")
        finish(workshop)
        assert shared_in(site_two) == [("still public", PROJECT, "*")]

    def test_the_only_one_that_is_shared_is_meant_where_none_is_named(
        self, theirs: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        share(neutron, net1)
        reply = theirs.at("compute 2.37").create(availability_zone="az1", networks="auto")
        assert reply.status == 202
        assert len(site_one.network.marked("networks", net1["id"])) == 1

    def test_who_does_not_see_it_is_told_so_in_novas_words(
        self, theirs: Api, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        share(neutron, net1, "somebody else")
        assert boot(servers, net1).status == 202
        reply = boot(theirs, net1)
        words = f"Network {net1['id']} could not be found."
        assert (reply.status, reply.fault) == (400, ("badRequest", words))


class TestChanges:
    def test_sharing_that_ends_ends_in_every_site(
        self, servers: Api, theirs: Api, neutron: Neutron, net1: Document, workshop: Workshop
    ) -> None:
        sites = list(neutron.cloud.sites.values())
        policy = share(neutron, net1)
        for zone in ("az1", "az2"):
            assert boot(servers, net1, zone).status == 202
        finish(workshop)
        assert [shared_in(site) for site in sites] == [[("net1", PROJECT, OTHER_PROJECT)]] * 2
        unshare(neutron, policy)
        finish(workshop)
        assert [shared_in(site) for site in sites] == [[], []]
        assert boot(theirs, net1).status == 400
        assert workshop.definitions("rbac_policy") == {}
        assert workshop.parked() == []

    def test_sharing_that_ends_before_the_top_has_told_of_it_ends_too(
        self, neutron: Neutron, net1: Document, theirs: Api, workshop: Workshop, *, site_one: Site
    ) -> None:
        """A boot has read the policy, and what tells of its beginning and end comes later."""
        finish(workshop)
        policy = share(neutron, net1)
        server_id = boot(theirs, net1).json["server"]["id"]
        assert neutron._send("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status == 204
        finish(workshop)
        assert len(shared_in(site_one)) == 1, "the site does not let it go while the server is there"
        assert theirs.client.delete(f"/v2.1/servers/{server_id}").status == 204
        finish(workshop)
        finish(workshop)
        assert shared_in(site_one) == []
        assert workshop.definitions("rbac_policy") == {}

    def test_sharing_with_somebody_else_instead(
        self, servers: Api, neutron: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        policy = share(neutron, net1)
        boot(servers, net1)
        body = {"rbac_policy": {"target_tenant": "somebody"}}
        assert neutron._send("PUT", f"/v2.0/rbac-policies/{policy['id']}", body).status == 200
        neutron._follow("network", net1["id"])
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, "somebody")]

    def test_a_policy_that_is_there_already_is_the_one(
        self, servers: Api, neutron: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        boot(servers, net1)
        (there,) = site_one.network.marked("networks", net1["id"])
        at_site = Neutron(neutron.cloud, site_one.network, neutron.token)
        share(at_site, there)
        policy = share(neutron, net1)
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]
        unshare(neutron, policy)
        finish(workshop)
        assert shared_in(site_one) == []

    def test_a_network_that_goes_takes_its_sharing_along(
        self, servers: Api, neutron: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(neutron, net1)
        server = boot(servers, net1).json["server"]["id"]
        activate(site_one)
        finish(workshop)
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
        finish(workshop)
        neutron.delete("network", net1["id"])
        finish(workshop)
        assert (site_one.network.networks, site_one.network.rbac_policies) == ({}, {})
        assert workshop.definitions("network") == workshop.definitions("rbac_policy") == {}
        assert workshop.parked() == []

    def test_the_comparison_sees_what_is_otherwise_in_a_site(
        self, servers: Api, neutron: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(neutron, net1)
        boot(servers, net1)
        finish(workshop)
        workshop.look_for_drift("SiteOne")
        site_id = workshop.site_id("SiteOne")
        (known,) = workshop.known("rbac_policy")
        assert known.realisations[site_id].drift is None
        site_one.network.rbac_policies.clear()
        workshop.look_for_drift("SiteOne")
        (known,) = workshop.known("rbac_policy")
        assert known.realisations[site_id].drift == "it is not there"
        workshop.look_for_drift("SiteOne", mend=True)
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]


class TestExternal:
    """Networks that an administrator has made external, in the site that the hints name."""

    @pytest.fixture
    def operator(self, cloud: Cloud, top: AdoptingTop) -> Neutron:
        """An administrator."""
        return Neutron(cloud, top, cloud.admin)

    @pytest.fixture
    def public(self, operator: Neutron, workshop: Workshop) -> Document:
        """A network that is external to everybody."""
        segment = {"provider:network_type": "vlan", "provider:physical_network": "stretched"}
        fields = {"router:external": True, "availability_zone_hints": ["az1"], **segment}
        network = operator.make_network("public", "203.0.113.0/24", **fields)
        finish(workshop)
        return network

    def said_in(self, site: Site) -> list[tuple[str, str]]:
        """Return what the policies of a site say, and of whom."""
        return sorted((each["action"], each["target_tenant"]) for each in site.network.rbac_policies.values())

    def test_one_is_external_in_its_site_and_nowhere_else(
        self, public: Document, operator: Neutron, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        (there,) = site_one.network.marked("networks", public["id"])
        assert site_one.network.is_external(there["id"])
        assert self.said_in(site_one) == [("access_as_external", "*")]
        assert [there[f"provider:{name}"] for name in ("network_type", "physical_network")] == [
            "vlan",
            "stretched",
        ]
        assert site_two.network.networks == {}
        workshop.look_for_drift("SiteOne")
        known = [*workshop.known("network"), *workshop.known("rbac_policy")]
        assert [each.realisations[workshop.site_id("SiteOne")].drift for each in known] == [None, None]
        assert workshop.parked() == []

    def test_it_follows_what_is_said_at_the_top(
        self, public: Document, operator: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        operator.change("network", public["id"], **{"router:external": False})
        finish(workshop)
        assert self.said_in(site_one) == []
        operator.change("network", public["id"], **{"router:external": True, "shared": True})
        finish(workshop)
        assert self.said_in(site_one) == [("access_as_external", "*"), ("access_as_shared", "*")]
        operator.delete("network", public["id"])
        finish(workshop)
        assert (site_one.network.networks, site_one.network.rbac_policies) == ({}, {})
        assert workshop.definitions("rbac_policy") == {}
        assert workshop.parked() == []

    def test_one_that_is_external_to_a_project_is_so_to_that_one_only(
        self, operator: Neutron, workshop: Workshop, site_one: Site
    ) -> None:
        network = operator.make_network("theirs", "203.0.113.0/24", availability_zone_hints=["az1"])
        policy = {"object_type": "network", "object_id": network["id"], "action": "access_as_external"}
        body = {"rbac_policy": {**policy, "target_tenant": OTHER_PROJECT}}
        assert operator._send("POST", "/v2.0/rbac-policies", body).status == 201
        operator._follow("network", network["id"])
        finish(workshop)
        assert self.said_in(site_one) == [("access_as_external", OTHER_PROJECT)]

    def test_only_administrators_have_servers_on_it(
        self, public: Document, servers: Api, cloud: Cloud, workshop: Workshop, site_one: Site
    ) -> None:
        (there,) = site_one.network.marked("networks", public["id"])
        assert boot(servers, public).status == 202
        words = f"It is not allowed to create an interface on external network {there['id']}"
        assert site_one.compute.faults_seen == [words]
        assert on_servers(site_one) == []
        assert boot(servers.as_(cloud.admin), public).status == 202
        finish(workshop)
        states = [server.vm_state for server in site_one.compute.servers.values()]
        assert states.count("error") == 1
        assert len(on_servers(site_one)) == 1
        assert workshop.parked() == []

    def test_it_is_not_brought_to_another_site(
        self, public: Document, servers: Api, cloud: Cloud, site_two: Site
    ) -> None:
        reply = boot(servers.as_(cloud.admin), public, "az2")
        assert reply.status == 400
        assert "limited to the availability zones az1" in reply.fault[1]
        assert site_two.network.networks == {}

    def test_it_is_none_that_is_meant_where_none_is_named(
        self, public: Document, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        assert servers.at("compute 2.37").create(availability_zone="az1", networks="auto").status == 202
        assert len(site_one.network.marked("networks", net1["id"])) == 1
