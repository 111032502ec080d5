"""Who may use a security group of another project at the top may do so in every site."""

from collections.abc import Callable

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron, rules_of
from tests.functional.test_shared_networks import activate, finish, on_servers
from tests.functional.workshop import Workshop

BootTheirs = Callable[[str], Reply]

POLICY = ("access_as_shared", "security_group", PROJECT, OTHER_PROJECT)


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


@pytest.fixture
def guest(cloud: Cloud, top: AdoptingTop) -> Neutron:
    """The member of the other project, at the top's Neutron."""
    return Neutron(cloud, top, cloud.stranger)


@pytest.fixture
def web(neutron: Neutron) -> Document:
    """The group."""
    group = neutron.make("security_group", name="web")
    neutron.add_rule(group["id"], protocol="tcp", port_range_min=443, port_range_max=443)
    return group


@pytest.fixture
def net2(guest: Neutron) -> Document:
    """A network of the other project."""
    return guest.make_network("net2", "10.0.2.0/24")


@pytest.fixture
def boot_theirs(servers: Api, net2: Document, cloud: Cloud) -> BootTheirs:
    """Boots a server of the other project on its network, in a group."""
    return lambda group: boot(servers.as_(cloud.stranger), net2, group)


def share(neutron: Neutron, group: Document) -> Document:
    """Share a group with the other project; the journal tells of the group."""
    wanted = {"object_type": "security_group", "object_id": group["id"], "action": "access_as_shared"}
    reply = neutron._send(
        "POST", "/v2.0/rbac-policies", {"rbac_policy": wanted | {"target_tenant": OTHER_PROJECT}}
    )
    assert reply.status == 201, reply.body
    neutron._follow("security_group", group["id"])
    (policy,) = neutron.top.rbac_policies.values()
    return policy


def boot(servers: Api, network: Document, group: str, zone: str = "az1") -> Reply:
    """Boot a server in a group."""
    return servers.create(
        availability_zone=zone, networks=[{"uuid": network["id"]}], security_groups=[{"name": group}]
    )


def policies_in(site: Site) -> list[tuple[str, str, str, str]]:
    """Return what the policies of a site say."""
    names = ("action", "object_type", "project_id", "target_tenant")
    found = site.network.rbac_policies.values()
    return sorted((each[names[0]], each[names[1]], each[names[2]], each[names[3]]) for each in found)


@pytest.mark.parametrize("is_defined", [False, True])
@pytest.mark.parametrize("named_by", ["id", "name"])
def test_another_projects_first_boot_in_an_empty_site(
    boot_theirs: BootTheirs,
    neutron: Neutron,
    web: Document,
    workshop: Workshop,
    *,
    named_by: str,
    is_defined: bool,
) -> None:
    site_one = neutron.cloud.sites["SiteOne"]
    share(neutron, web)
    if is_defined:
        finish(workshop)
    reply = boot_theirs(web[named_by])
    assert reply.status == 202, reply.body
    (there,) = site_one.network.marked("security_groups", web["id"])
    assert there["project_id"] == PROJECT, "its owner's there, too"
    assert policies_in(site_one) == [POLICY]
    (port,) = on_servers(site_one)
    assert port["security_groups"] == [there["id"]]
    activate(site_one)
    finish(workshop)
    assert rules_of(there) == rules_of(neutron.top.security_groups[web["id"]])
    adopted = neutron.top.adopted[port["id"]]
    assert adopted["security_groups"] == [web["id"]]
    assert boot_theirs(web[named_by]).status == 202
    assert len(site_one.network.marked("security_groups", web["id"])) == 1
    assert workshop.parked() == []


def test_one_that_is_shared_after_its_site_has_it(
    servers: Api,
    boot_theirs: BootTheirs,
    neutron: Neutron,
    web: Document,
    workshop: Workshop,
) -> None:
    site_one = neutron.cloud.sites["SiteOne"]
    net1 = neutron.make_network("net1", "10.0.1.0/24")
    assert boot(servers, net1, "web").status == 202
    finish(workshop)
    assert policies_in(site_one) == []
    assert boot_theirs(web["id"]).status == 400
    share(neutron, web)
    finish(workshop)
    assert policies_in(site_one) == [POLICY]
    assert boot_theirs(web["id"]).status == 202
    assert workshop.parked() == []


def test_sharing_that_was_there_first_is_known_after_the_owners_boot(
    servers: Api, neutron: Neutron, web: Document, workshop: Workshop, site_one: Site
) -> None:
    share(neutron, web)
    workshop.clear()
    net1 = neutron.make_network("net1", "10.0.1.0/24")
    assert boot(servers, net1, "web").status == 202
    finish(workshop)
    assert policies_in(site_one) == [POLICY]


def test_sharing_that_ends_ends_in_every_site(
    servers: Api,
    boot_theirs: BootTheirs,
    neutron: Neutron,
    web: Document,
    workshop: Workshop,
) -> None:
    net1 = neutron.make_network("net1", "10.0.1.0/24")
    policy = share(neutron, web)
    sites = list(neutron.cloud.sites.values())
    for zone in ("az1", "az2"):
        assert boot(servers, net1, "web", zone).status == 202
    finish(workshop)
    assert [policies_in(site) for site in sites] == [[POLICY]] * 2
    assert neutron._send("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status == 204
    neutron._follow("security_group", web["id"])
    finish(workshop)
    assert [policies_in(site) for site in sites] == [[], []]
    assert workshop.definitions("rbac_policy") == {}
    reply = boot_theirs(web["id"])
    assert (reply.status, reply.fault[1]) == (400, f"Security group {web['id']} not found.")
    assert workshop.parked() == []


def test_a_group_that_goes_takes_its_sharing_along(
    servers: Api, boot_theirs: BootTheirs, neutron: Neutron, web: Document, workshop: Workshop
) -> None:
    site_one = neutron.cloud.sites["SiteOne"]
    share(neutron, web)
    server = boot_theirs(web["id"]).json["server"]["id"]
    activate(site_one)
    finish(workshop)
    assert servers.as_(neutron.cloud.stranger).client.delete(f"/v2.1/servers/{server}").status == 204
    finish(workshop)
    neutron.delete("security_group", web["id"])
    finish(workshop)
    assert policies_in(site_one) == []
    assert site_one.network.marked("security_groups", web["id"]) == []
    assert workshop.definitions("rbac_policy") == {}
    assert workshop.parked() == []


def test_who_does_not_see_it_is_told_so_in_novas_words(
    servers: Api, boot_theirs: BootTheirs, neutron: Neutron, web: Document
) -> None:
    net1 = neutron.make_network("net1", "10.0.1.0/24")
    assert boot(servers, net1, "web").status == 202
    for name in (web["id"], "web"):
        reply = boot_theirs(name)
        assert (reply.status, reply.fault) == (400, ("badRequest", f"Security group {name} not found."))
