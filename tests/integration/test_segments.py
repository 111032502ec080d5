"""A network that spans sites is one L2 network: in each site it is the segment that the site has of it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openstack.exceptions import BadRequestException
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.conftest import failed_jobs
from tests.integration.test_networks import Document, Drawing, marked, on

pytestmark = pytest.mark.usefixtures("nothing_left")

FIELDS = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
HEEDED = 2.0
"""Seconds after which a process of the sandbox reads the sites anew when it needs them."""

Say = Callable[..., None]


@pytest.fixture
def drawing(tenant: Client, sites: list[SiteAdmin]) -> Iterator[Drawing]:
    """The tenant's networks; put away after the servers that are on them."""
    drawing = Drawing(tenant, sites)
    yield drawing
    drawing.put_away()


@pytest.fixture
def provided(admin: Client, sites: list[SiteAdmin]) -> Iterator[Drawing]:
    """The administrator's networks, likewise."""
    drawing = Drawing(admin, sites)
    yield drawing
    drawing.put_away()


@pytest.fixture
def say(admin: Client, sites: list[SiteAdmin]) -> Iterator[Say]:
    """Says what a site calls the top's physical networks, until the test is over."""

    def patch(site: SiteAdmin, names: dict[str, str] | None) -> None:
        body = {"site": {"physical_networks": names}}
        answer = admin.admin_api.patch(f"/sites/{site.site.name}", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["site"]["physical_networks"] == names

    def patch_all(*names: dict[str, str] | None) -> None:
        for site, its in zip(sites, names, strict=True):
            patch(site, its)
        threading.Event().wait(HEEDED)
        # The first of several at the same time reads it, and the others go on with what was.
        for service, path in ((admin.compute, "/servers"), (admin.connection.network, "/agents")):
            assert service.get(path).status_code == 200

    yield patch_all
    patch_all(None, None)


@pytest.fixture
def servers(drawing: Drawing, provided: Drawing, say: Say, belongings: Belongings) -> Belongings:
    """What the tenant makes on networks."""
    return belongings


def segment(network_type: str, physical_network: str, number: int) -> Document:
    """Return a segment as Neutron has it."""
    return dict(zip(FIELDS, (network_type, physical_network, number), strict=True))


def segment_in(site: SiteAdmin, network: Document) -> list[Any]:
    """Return what a network is in a site that has it once."""
    (there,) = marked(site, "networks", network["id"])
    return [there[field] for field in FIELDS]


def boot_in_each(servers: Belongings, sites: list[SiteAdmin], network: Document) -> None:
    """Boot a server in each site."""
    side_by_side(lambda site: servers.server("on-it", site.site.zone, networks=on(network)), sites)


def test_a_tenants_network_is_the_same_vlan_in_both_sites(
    drawing: Drawing, servers: Belongings, admin: Client, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    assert not set(FIELDS) & set(network), "tenants are not shown it"
    boot_in_each(servers, sites, network)
    shown = admin.connection.network.get(f"/networks/{network['id']}").json()["network"]
    at_top = [shown[field] for field in FIELDS]
    assert at_top[:2] == ["vlan", "stretched"]
    assert [segment_in(site, network) for site in sites] == [at_top, at_top]


def test_one_with_a_segment_for_each_site_arrives_as_each_sites_own(
    provided: Drawing, servers: Belongings, say: Say, tenant: Client, sites: list[SiteAdmin]
) -> None:
    say(
        {"stretched": "stretched", "east": "physnet1"},
        {"stretched": "stretched", "west": "physnet1"},
    )
    segments = [segment("vlan", "east", 1901), segment("vlan", "west", 1902)]
    network = provided.network(project_id=tenant.project_id, segments=segments)
    boot_in_each(servers, sites, network)
    assert [segment_in(site, network) for site in sites] == [
        ["vlan", "physnet1", 1901],
        ["vlan", "physnet1", 1902],
    ]
    eventually(lambda: sum(map(is_active, provided.ports(network_id=network["id"]))) == 2, "both at the top")


def is_active(port: Document) -> bool:
    """Say whether a port is a server's, and ACTIVE."""
    return bool(port["device_owner"].startswith("compute:") and port["status"] == "ACTIVE")


def test_a_site_without_its_physical_network_refuses_and_stays_empty(
    drawing: Drawing, servers: Belongings, say: Say, admin: Client, sites: list[SiteAdmin]
) -> None:
    say({"east": "physnet1"}, None)
    network = drawing.network()
    before = [sorted(site.inventory().items()) for site in sites]
    jobs = failed_jobs(admin)
    with pytest.raises(BadRequestException) as refused:
        servers.booting("refused", sites[0].site.zone, networks=on(network))
    for word in (network["id"], sites[0].site.name, "physical_networks"):
        assert word in str(refused.value)
    assert [sorted(site.inventory().items()) for site in sites] == before
    assert [marked(site, "networks", network["id"]) for site in sites] == [[], []]
    shown = admin.admin_api.get(f"/definitions?resource_type=network&name={network['name']}").json()
    assert shown["definitions"] == []
    assert failed_jobs(admin) == jobs
    servers.server("on-two", sites[1].site.zone, networks=on(network))
    assert segment_in(sites[1], network)[:2] == ["vlan", "stretched"]


def test_an_administrator_cannot_limit_one_to_a_site_that_does_not_have_it(
    provided: Drawing, say: Say, sites: list[SiteAdmin]
) -> None:
    say({"stretched": "stretched", "east": "physnet1"}, None)
    body = {"name": "no", **segment("vlan", "west", 1903), "availability_zone_hints": [sites[0].site.zone]}
    refused = provided.neutron.post("/networks", json={"network": body})
    assert refused.status_code == 400, refused.text
    assert sites[0].site.name in refused.json()["NeutronError"]["message"]
    assert provided.neutron.get("/networks", params={"name": "no"}).json()["networks"] == []


def test_what_the_site_itself_does_not_know_is_a_parked_job_with_the_cause(
    provided: Drawing, failing_jobs: None, admin: Client, sites: list[SiteAdmin]
) -> None:
    number = 1904
    network = provided.network(
        **segment("vlan", "east", number), availability_zone_hints=[sites[0].site.zone]
    )
    causes = eventually(
        lambda: [
            job["cause"]
            for job in admin.admin_api.get("/jobs?state=failed").json()["jobs"]
            if network["id"] in (job["cause"] or "")
        ],
        "a parked job",
    )
    for word in (f"vlan {number} of east", sites[0].site.name, "physical_networks"):
        assert word in causes[0]
    assert marked(sites[0], "networks", network["id"]) == []
