"""A network that spans sites is one L2 network: in each site it is the segment that the site has of it."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openstack.exceptions import BadRequestException, ResourceFailure
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin, open_jobs
from tests.integration.conditions import eventually, side_by_side
from tests.integration.conftest import failed_jobs
from tests.integration.drawing import Document, Drawing, marked, on
from tests.integration.sandbox import REPOSITORY, Sandbox

pytestmark = pytest.mark.usefixtures("nothing_left")

FIELDS = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
HEEDED = 2.0
"""Seconds after which a process of the sandbox reads the sites anew when it needs them."""

Say = Callable[..., None]
Recorder = Callable[[str], list[Any]]
"""Tells what the driver was told of something."""


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
def servers(administered: Drawing, say: Say, servers: Belongings) -> Belongings:
    """What the tenant makes on networks; it goes before these do."""
    return servers


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
    administered: Drawing, servers: Belongings, say: Say, tenant: Client, sites: list[SiteAdmin]
) -> None:
    say(
        {"stretched": "stretched", "east": "physnet1"},
        {"stretched": "stretched", "west": "physnet1"},
    )
    segments = [segment("vlan", "east", 1901), segment("vlan", "west", 1902)]
    network = administered.network(project_id=tenant.project_id, segments=segments)
    boot_in_each(servers, sites, network)
    assert [segment_in(site, network) for site in sites] == [
        ["vlan", "physnet1", 1901],
        ["vlan", "physnet1", 1902],
    ]
    eventually(
        lambda: sum(map(is_active, administered.ports(network_id=network["id"]))) == 2, "both at the top"
    )


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
    noted = [place for each in shown["definitions"] for place in each["sites"]]
    assert [(place["site_resource_id"], place["job_id"]) for place in noted] == [(None, None)] * len(noted)
    assert failed_jobs(admin) == jobs
    servers.server("on-two", sites[1].site.zone, networks=on(network))
    assert segment_in(sites[1], network)[:2] == ["vlan", "stretched"]


def test_one_that_is_limited_to_a_zone_is_of_its_sites_own_type(
    drawing: Drawing, servers: Belongings, admin: Client, sites: list[SiteAdmin]
) -> None:
    site, other = sites
    network = drawing.network(availability_zone_hints=[site.site.zone])
    assert not set(FIELDS) & set(network), "tenants are not shown it"
    shown = admin.connection.network.get(f"/networks/{network['id']}").json()["network"]
    assert [shown[field] for field in FIELDS] == ["local", None, None]
    server = servers.server("near", site.site.zone, networks=on(network))
    assert list(server.addresses) == [network["name"]]
    assert segment_in(site, network)[:2] == ["vxlan", None]
    with pytest.raises(BadRequestException):
        servers.booting("far", other.site.zone, networks=on(network))
    assert marked(other, "networks", network["id"]) == []


def test_without_a_zone_a_server_goes_where_its_network_may_be(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    for site in sites:
        network = drawing.network(availability_zone_hints=[site.site.zone])
        server = servers.server("near", networks=on(network))
        assert server.availability_zone == site.site.zone
        assert [len(marked(each, "networks", network["id"])) for each in sites] == [
            each is site for each in sites
        ]


def test_an_external_one_is_external_in_the_site_that_it_is_limited_to(
    administered: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    site, other = sites
    fields = {"availability_zone_hints": [site.site.zone], "router:external": True}
    network = administered.network(**segment("vlan", "stretched", 1905), **fields)

    def there() -> Document | None:
        found = marked(site, "networks", network["id"])
        return found[0] if found and found[0]["router:external"] else None

    found = eventually(there, "external in its site")
    assert [found[field] for field in FIELDS] == ["vlan", "stretched", 1905]

    def policies() -> list[tuple[str, str]]:
        query = {"object_id": found["id"]}
        shown = site.connection.network.get("/rbac-policies", params=query).json()["rbac_policies"]
        return [(each["action"], each["target_tenant"]) for each in shown]

    # Neutron marks the network as external first, and then writes the policy that says so.
    assert eventually(policies, "its policy") == [("access_as_external", "*")]
    server = servers.booting("refused", site.site.zone, networks=on(network))
    with pytest.raises(ResourceFailure):
        servers.active(server)
    fault = servers.owner.compute.get_server(server.id).fault["message"]
    assert "Failed to allocate the network(s)" in fault, "as Nova tells users that they may not"
    assert marked(other, "networks", network["id"]) == []


def test_an_administrator_cannot_limit_one_to_a_site_that_does_not_have_it(
    administered: Drawing, say: Say, sites: list[SiteAdmin]
) -> None:
    say({"stretched": "stretched", "east": "physnet1"}, None)
    body = {"name": "no", **segment("vlan", "west", 1903), "availability_zone_hints": [sites[0].site.zone]}
    refused = administered.neutron.post("/networks", json={"network": body})
    assert refused.status_code == 400, refused.text
    assert sites[0].site.name in refused.json()["NeutronError"]["message"]
    assert administered.neutron.get("/networks", params={"name": "no"}).json()["networks"] == []


def test_what_the_site_itself_does_not_know_is_one_parked_job_with_the_cause_and_redone_after_the_cure(
    administered: Drawing, failing_jobs: None, say: Say, admin: Client, sites: list[SiteAdmin]
) -> None:
    number, site = 1904, sites[0]
    before = failed_jobs(admin)
    network = administered.network(
        **segment("vlan", "east", number), availability_zone_hints=[site.site.zone]
    )

    def parked() -> list[Any]:
        return [job for key, job in failed_jobs(admin).items() if key not in before]

    eventually(parked, "a parked job")
    eventually(lambda: not open_jobs(admin, "follow", "replicate"), "nothing under way any more")
    (job,) = parked()
    assert (job["type"], job["resource_type"]) == ("replicate", "network")
    for word in (network["id"], f"vlan {number} of east", site.site.name, "physical_networks"):
        assert word in job["cause"]
    assert marked(site, "networks", network["id"]) == []
    blocks = admin.connection.network.get("/address-blocks", params={"network_id": network["id"]})
    assert blocks.json()["address_blocks"] == []
    say({"stretched": "stretched", "east": "physnet1"}, None)
    redone = admin.admin_api.post(f"/jobs/{job['id']}/redo")
    # A sweep for what sites are behind with may have asked for it just now.
    assert redone.status_code == 202 or "waits already" in redone.text, redone.text
    eventually(lambda: not parked() and not open_jobs(admin, "follow", "replicate"), "redone")
    assert segment_in(site, network) == ["vlan", "physnet1", number]
    (there,) = marked(site, "networks", network["id"])
    assert len(there["subnets"]) == 1


@pytest.fixture
def recorder(sandbox: Sandbox) -> Iterator[Recorder]:
    """Have the top's Neutron load the driver of an interconnect behind ours, and return what that is told."""
    conf = sandbox.directory / "conf" / "top" / "ml2.ini"
    state = sandbox.directory / "state" / "top"
    before, drivers, told = conf.read_text(), state / "drivers", state / "neutron" / "recorder"
    drivers.symlink_to(REPOSITORY / "tests" / "dci")
    told.touch()
    restart(sandbox, conf, re.sub("(mechanism_drivers *= *).*", r"\1tricircle,recorder", before))
    yield lambda item: [call for call in map(json.loads, told.open()) if call["current"]["id"] == item]
    restart(sandbox, conf, before)
    drivers.unlink()
    told.unlink()


def restart(sandbox: Sandbox, conf: Path, text: str) -> None:
    """Have the top's Neutron begin anew with another configuration."""
    sandbox.stop_process("top-network")
    conf.write_text(text)
    sandbox.start_process("top-network")


@pytest.mark.usefixtures("servers")
def test_the_driver_of_an_interconnect_is_told_each_sites_segment(
    recorder: Recorder, administered: Drawing, belongings: Belongings, say: Say, sites: list[SiteAdmin]
) -> None:
    say({"east": "physnet1"}, {"west": "physnet1"})
    bound = [["vlan", "east", 1906], ["vlan", "west", 1907]]
    fields = ("vlan", "east", 1906), ("vlan", "west", 1907)
    network = administered.network(
        project_id=belongings.owner.project_id, segments=[segment(*each) for each in fields]
    )
    boot_in_each(belongings, sites, network)
    eventually(
        lambda: sum(map(is_active, administered.ports(network_id=network["id"]))) == 2, "both at the top"
    )
    made = [call for call in recorder(network["id"]) if call["moment"] == "create_network_postcommit"]
    assert [call["segments"] for call in made] == [bound]
    ports = {
        each["binding:host_id"]: each
        for each in administered.ports(network_id=network["id"])
        if is_active(each)
    }
    for site, expected in zip(sites, bound, strict=True):
        port = ports[site.site.name]
        last = recorder(port["id"])[-1]
        assert (last["host"], last["bound"], last["segments"]) == (site.site.name, expected, bound)
        for name in ("mac_address", "fixed_ips", "status", "device_id"):
            assert last["current"][name] == port[name]
    belongings.put_away()
    for port in ports.values():
        eventually(
            lambda port=port: recorder(port["id"])[-1]["moment"] == "delete_port_postcommit",
            "the driver told that the port is gone",
        )
