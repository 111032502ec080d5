"""Of a boot that comes to nothing nothing is left over: no port, network, group or quota in the site."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from openstack.exceptions import BadRequestException, ConflictException
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.drawing import Document, Drawing, marked, on

pytestmark = pytest.mark.usefixtures("nothing_left")

HUGE = {"ram": 64, "vcpus": 1, "disk": 1 << 24}
"""A flavor for which no host has room."""


@pytest.fixture
def drawing(tenant: Client, sites: list[SiteAdmin]) -> Iterator[Drawing]:
    """The tenant's networks; put away after the servers that are on them."""
    drawing = Drawing(tenant, sites)
    yield drawing
    drawing.put_away()


@pytest.fixture
def network(drawing: Drawing) -> Document:
    """A network that no site has."""
    return drawing.network()


@pytest.fixture
def group(drawing: Drawing) -> Document:
    """A group whose rules name another one."""
    backend = drawing.make("security-groups", "security_group")
    group = drawing.make("security-groups", "security_group")
    rule = {"security_group_id": group["id"], "direction": "ingress", "remote_group_id": backend["id"]}
    drawing.make("security-group-rules", "security_group_rule", **rule)
    return group


@pytest.fixture
def servers(network: Document, group: Document, belongings: Belongings) -> Belongings:
    """What the tenant makes on the network."""
    return belongings


@pytest.fixture
def site(sites: list[SiteAdmin]) -> SiteAdmin:
    """The site in which it is tried."""
    return sites[0]


def used(site: SiteAdmin, tenant: Client) -> dict[str, int]:
    """Return what a site counts against the project's quota."""
    shown = site.connection.network.get(f"/quotas/{tenant.project_id}/details.json").json()["quota"]
    return {name: shown[name]["used"] for name in ("network", "subnet", "port", "security_group")}


def boot(servers: Belongings, site: SiteAdmin, network: Document, group: Document, **more: Any) -> Any:
    """Ask for a server on the network, in the group."""
    groups = [{"name": group["name"]}]
    return servers.booting("nothing", site.site.zone, networks=on(network), security_groups=groups, **more)


def see_it_clean(drawing: Drawing, site: SiteAdmin, network: Document, before: dict[str, int]) -> None:
    """Wait for nothing to be left of it in the site, and delete the network at the top."""
    owner = drawing.neutron.get_project_id()
    eventually(lambda: not marked(site, "networks", network["id"]), "the network gone from the site")

    def left() -> dict[str, tuple[int, int]]:
        shown = site.connection.network.get(f"/quotas/{owner}/details.json").json()["quota"]
        return {
            name: (shown[name]["used"], count)
            for name, count in before.items()
            if shown[name]["used"] != count
        }

    eventually(lambda: not left(), f"nothing counted in the site: {left()}")
    assert drawing.ports(network_id=network["id"]) == []
    deleted = drawing.neutron.delete(f"/networks/{network['id']}")
    assert deleted.status_code == 204, deleted.text


@pytest.fixture
def before(site: SiteAdmin, tenant: Client, servers: Belongings) -> dict[str, int]:
    """What the site counts before anything is tried. A default group is there from then on."""
    answer = site.connection.network.get("/security-groups", params={"project_id": tenant.project_id})
    assert answer.status_code == 200, answer.text
    return used(site, tenant)


def test_where_the_sites_nova_refuses_it(
    drawing: Drawing,
    servers: Belongings,
    network: Document,
    group: Document,
    *,
    site: SiteAdmin,
    before: dict[str, int],
) -> None:
    with pytest.raises(BadRequestException):
        boot(servers, site, network, group, image_id=str(uuid.uuid4()))
    see_it_clean(drawing, site, network, before)


def test_where_its_quota_in_the_site_is_used_up(
    drawing: Drawing,
    servers: Belongings,
    network: Document,
    group: Document,
    *,
    site: SiteAdmin,
    before: dict[str, int],
    tenant: Client,
) -> None:
    quotas, path = site.connection.network, f"/quotas/{tenant.project_id}"
    limited = quotas.put(path, json={"quota": {"subnet": before["subnet"]}})
    assert limited.status_code == 200, limited.text
    try:
        with pytest.raises(ConflictException) as refused:
            boot(servers, site, network, group)
        for words in (site.site.name, "Quota exceeded", "subnet"):
            assert words in str(refused.value)
        see_it_clean(drawing, site, network, before)
    finally:
        assert quotas.delete(path).status_code == 204


def test_where_the_server_ends_in_error_and_is_deleted(
    drawing: Drawing,
    servers: Belongings,
    network: Document,
    group: Document,
    *,
    site: SiteAdmin,
    before: dict[str, int],
    admin: Client,
) -> None:
    flavor = {"flavor": {"name": f"huge-{uuid.uuid4().hex[:8]}", **HUGE}}
    made = admin.compute.post("/flavors", json=flavor)
    assert made.status_code == 200, made.text
    flavor_id = made.json()["flavor"]["id"]
    try:
        server = boot(servers, site, network, group, flavor_id=flavor_id)
        owner = servers.owner.compute
        eventually(lambda: owner.get_server(server.id).status == "ERROR", "in error")
        eventually(lambda: marked(site, "networks", network["id"]), "the network in the site")
        adoptions = f"/jobs?type=adopt&resource_id={server.id}&state=succeeded"
        eventually(lambda: admin.admin_api.get(adoptions).json()["jobs"], "seen in error by a worker")
        servers.put_away()
        see_it_clean(drawing, site, network, before)
    finally:
        assert admin.compute.delete(f"/flavors/{flavor_id}").status_code == 202
