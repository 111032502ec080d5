"""Who may use a network of another project at the top may do so in every site."""

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop, give_network
from tests.functional.api import Api, compute_api
from tests.functional.gateway import GatewayClient, Reply
from tests.functional.neutron import Neutron, calls_of
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, MEMBERS, REPLICATE
from tricircle.xjob import adopt


@pytest.fixture
def top(cloud: Cloud, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> AdoptingTop:
    """The top's Neutron."""
    monkeypatch.setattr(adopt, "_NOTICE", 0.0)
    top = give_network(cloud)
    workshop.clear()
    return top


@pytest.fixture
def owner(cloud: Cloud, top: AdoptingTop) -> Neutron:
    """The member of the project that has the network."""
    return Neutron(cloud, top, cloud.member)


@pytest.fixture
def net1(owner: Neutron) -> Document:
    """The network."""
    return owner.make_network("net1", "10.0.1.0/24")


@pytest.fixture
def servers(compute: GatewayClient, top: AdoptingTop) -> Api:
    """The servers of the project that has the network."""
    return compute_api(compute)


@pytest.fixture
def theirs(servers: Api, cloud: Cloud) -> Api:
    """The servers of the other project."""
    return servers.as_(cloud.stranger)


def share(owner: Neutron, network: Document, target: str = OTHER_PROJECT) -> Document:
    """Share a network; the journal tells of the network."""
    wanted = {"object_type": "network", "object_id": network["id"], "action": "access_as_shared"}
    body = {"rbac_policy": wanted | {"target_tenant": target}}
    reply = owner._send("POST", "/v2.0/rbac-policies", body)
    assert reply.status == 201, reply.body
    owner._follow("network", network["id"])
    (policy,) = [
        each
        for each in owner.top.rbac_policies.values()
        if (each["object_id"], each["target_tenant"]) == (network["id"], target)
    ]
    return policy


def unshare(owner: Neutron, policy: Document) -> None:
    """Share it no more."""
    assert owner._send("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status == 204
    owner._follow("network", policy["object_id"])


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


class TestBoot:
    def test_another_projects_first_boot_in_an_empty_site(
        self, theirs: Api, owner: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(owner, net1)
        reply = boot(theirs, net1)
        assert reply.status == 202, reply.body
        (there,) = site_one.network.marked("networks", net1["id"])
        assert there["project_id"] == PROJECT, "its owner's there, too"
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]
        activate(site_one)
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]
        rows = [row for row in owner.top.adopted.values() if row["device_owner"].startswith("compute")]
        assert [(row["project_id"], row["network_id"]) for row in rows] == [(OTHER_PROJECT, net1["id"])]
        assert workshop.parked() == []

    def test_it_is_shared_after_its_site_has_it(
        self, servers: Api, theirs: Api, owner: Neutron, net1: Document, workshop: Workshop
    ) -> None:
        site_one = owner.cloud.sites["SiteOne"]
        assert boot(servers, net1).status == 202
        assert boot(theirs, net1).status == 400
        share(owner, net1)
        assert boot(theirs, net1).status == 202, "also before a worker has heard of it"
        finish(workshop)
        assert boot(theirs, net1).status == 202
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]

    def test_later_boots_ask_nobody_but_nova(
        self, theirs: Api, owner: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(owner, net1)
        boot(theirs, net1)
        finish(workshop)
        for service in (owner.top, site_one.network):
            service.requests.clear()
        assert boot(theirs, net1).status == 202
        assert calls_of(owner.top) == calls_of(site_one.network) == []

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
        self, theirs: Api, owner: Neutron, net1: Document, site_one: Site
    ) -> None:
        share(owner, net1)
        reply = theirs.create(availability_zone="az1", networks="auto")
        assert reply.status == 202
        assert len(site_one.network.marked("networks", net1["id"])) == 1

    def test_who_does_not_see_it_is_told_so_in_novas_words(
        self, theirs: Api, servers: Api, owner: Neutron, net1: Document, site_one: Site
    ) -> None:
        share(owner, net1, "somebody else")
        assert boot(servers, net1).status == 202
        reply = boot(theirs, net1)
        words = f"Network {net1['id']} could not be found."
        assert (reply.status, reply.fault) == (400, ("badRequest", words))


class TestChanges:
    def test_sharing_that_ends_ends_in_every_site(
        self, servers: Api, theirs: Api, owner: Neutron, net1: Document, workshop: Workshop
    ) -> None:
        sites = list(owner.cloud.sites.values())
        policy = share(owner, net1)
        for zone in ("az1", "az2"):
            assert boot(servers, net1, zone).status == 202
        finish(workshop)
        assert [shared_in(site) for site in sites] == [[("net1", PROJECT, OTHER_PROJECT)]] * 2
        unshare(owner, policy)
        finish(workshop)
        assert [shared_in(site) for site in sites] == [[], []]
        assert boot(theirs, net1).status == 400
        assert workshop.definitions("rbac_policy") == {}
        assert workshop.parked() == []

    def test_sharing_with_somebody_else_instead(
        self, servers: Api, owner: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        policy = share(owner, net1)
        boot(servers, net1)
        body = {"rbac_policy": {"target_tenant": "somebody"}}
        assert owner._send("PUT", f"/v2.0/rbac-policies/{policy['id']}", body).status == 200
        owner._follow("network", net1["id"])
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, "somebody")]

    def test_a_policy_that_is_there_already_is_the_one(
        self, servers: Api, owner: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        boot(servers, net1)
        (there,) = site_one.network.marked("networks", net1["id"])
        at_site = Neutron(owner.cloud, site_one.network, owner.token)  # type: ignore[arg-type]
        share(at_site, there)
        policy = share(owner, net1)
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]
        unshare(owner, policy)
        finish(workshop)
        assert shared_in(site_one) == []

    def test_a_network_that_goes_takes_its_sharing_along(
        self, servers: Api, owner: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(owner, net1)
        server = boot(servers, net1).json["server"]["id"]
        activate(site_one)
        finish(workshop)
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
        finish(workshop)
        owner.delete("network", net1["id"])
        finish(workshop)
        assert (site_one.network.networks, site_one.network.rbac_policies) == ({}, {})
        assert workshop.definitions("network") == workshop.definitions("rbac_policy") == {}
        assert workshop.parked() == []

    def test_the_comparison_sees_what_is_otherwise_in_a_site(
        self, servers: Api, owner: Neutron, net1: Document, workshop: Workshop, site_one: Site
    ) -> None:
        share(owner, net1)
        boot(servers, net1)
        finish(workshop)
        workshop.look_for_drift("SiteOne")
        store = workshop.engine.replicas.store
        site_id = workshop.site_id("SiteOne")
        (known,) = store.all("rbac_policy")
        assert known.realisations[site_id].drift is None
        site_one.network.rbac_policies.clear()
        workshop.look_for_drift("SiteOne")
        (known,) = store.all("rbac_policy")
        assert known.realisations[site_id].drift == "it is not there"
        workshop.look_for_drift("SiteOne", mend=True)
        finish(workshop)
        assert shared_in(site_one) == [("net1", PROJECT, OTHER_PROJECT)]
