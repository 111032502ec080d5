"""XJob learns and drops routes: of what was in a site before, of creates with lost answers, of deletes."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.gateways import Gateways
from tests.integration.sandbox import Sandbox, Site
from tests.integration.test_found import Behind, homes

from tricircle.db.tables import routes as table
from tricircle.db.timestamps import now

pytestmark = pytest.mark.usefixtures("nothing_left")

SHORT = """
[sites]
write_deadline = 2
"""

_numbers = itertools.count(1)


@pytest.fixture
def site(sandbox: Sandbox) -> Site:
    """The site that these tests are about."""
    return sandbox.sites[0]


@pytest.fixture(scope="module")
def hasty(sandbox: Sandbox) -> Iterator[Client]:
    """The tenant, at gateways that wait two seconds for the answer to a write."""
    with Gateways(sandbox, "hasty", SHORT) as gateways:
        yield Client(sandbox, "tricircle", **gateways.settings)


@pytest.fixture
def slow(sandbox: Sandbox, site: Site) -> Iterator[None]:
    """Every answer of the site comes three seconds late."""
    for service in ("compute", "volume"):
        sandbox.fault(site.name, "--service", service, "--delay", "3")
    yield
    sandbox.fault(site.name, "--off")


def rebuild(admin: Client, site: Site) -> dict[str, Any]:
    """Have the routes of a site rebuilt, and return the job when that is done."""
    asked = admin.admin_api.post("/jobs", json={"job": {"type": "rebuild", "site": site.name}})
    assert asked.status_code in {200, 201, 202}, asked.text
    (job_id,) = [job["id"] for job in asked.json()["jobs"]]

    def ended() -> Any:
        job = admin.admin_api.get(f"/jobs/{job_id}").json()["job"]
        return job if job["state"] not in {"waiting", "running"} else None

    job: dict[str, Any] = eventually(ended, f"rebuild of {site.name}")
    assert job["state"] == "succeeded", job
    return job


def age_routes(sandbox: Sandbox) -> None:
    """Make all routes an hour old: a rebuild leaves young ones alone."""
    engine = sa.create_engine(sandbox.facts["top"]["database_url"])
    with engine.begin() as connection:
        connection.execute(table.update().values(recorded_at=now() - timedelta(hours=1)))
    engine.dispose()


def test_a_rebuild_learns_what_is_there_and_drops_what_is_not(
    sandbox: Sandbox, admin: Client, site: Site, belongings: Belongings
) -> None:
    behind = Behind(sandbox, site, belongings)
    server, snapshot = behind.server("rebuilt"), behind.snapshot("rebuilt")
    (volume,) = belongings._kept["volumes"]
    assert [homes(admin, each) for each in (server, volume, snapshot)] == [[], [], []]
    job = rebuild(admin, site)
    assert homes(admin, server) == [("server", site.name)]
    assert homes(admin, volume) == [("volume", site.name)]
    assert homes(admin, snapshot) == [("snapshot", site.name)]
    assert job["progress"]["servers"] >= 1
    assert job["progress"]["snapshots"] >= 1
    (route,) = admin.admin_api.get(f"/routes/{server}").json()["routes"]
    assert UUID(route["project_id"])

    behind.delete("servers", server)
    age_routes(sandbox)
    assert rebuild(admin, site)["progress"]["dropped"] >= 1
    assert homes(admin, server) == []
    assert homes(admin, volume) == [("volume", site.name)]


@pytest.mark.parametrize("collection", ["servers", "volumes"])
def test_what_a_create_has_made_is_found_though_its_answer_was_lost(
    hasty: Client,
    admin: Client,
    sites: list[SiteAdmin],
    site: Site,
    *,
    slow: None,
    belongings: Belongings,
    collection: str,
) -> None:
    name = f"lost-{next(_numbers)}"
    item: dict[str, Any] = {"name": name, "availability_zone": site.zone}
    if collection == "servers":
        facts = hasty.facts
        item |= {"imageRef": facts["image_id"], "flavorRef": facts["flavor_ids"][0]}
        answer = hasty.compute.post(
            "/servers", json={"server": item | {"networks": "none"}}, microversion="2.37"
        )
    else:
        answer = hasty.volume.post("/volumes", json={"volume": item | {"size": 1}})
    assert answer.status_code == 504, answer.text
    (there,) = [each for each in sites if each.site.name == site.name]

    def made() -> list[str]:
        listed = there.servers() if collection == "servers" else there.volumes()
        return [each["id"] for each in listed.values() if each["name"] == name]

    (item_id,) = eventually(made, f"{name} in {site.name}")
    belongings.keep(collection, item_id)
    eventually(lambda: homes(admin, item_id), f"the route of {name}")
    assert homes(admin, item_id) == [(collection.removesuffix("s"), site.name)]


@pytest.mark.parametrize("collection", ["servers", "volumes"])
def test_a_deleted_resource_loses_its_route_without_anybody_asking_for_it(
    tenant: Client, admin: Client, site: Site, belongings: Belongings, collection: str
) -> None:
    make, service = {
        "servers": (belongings.server, tenant.compute),
        "volumes": (belongings.volume, tenant.volume),
    }[collection]
    item_id = make("deleted", site.zone).id
    assert homes(admin, item_id) == [(collection.removesuffix("s"), site.name)]
    assert service.delete(f"/{collection}/{item_id}").status_code in {202, 204}
    eventually(lambda: not homes(admin, item_id), f"no route of {item_id}")


def test_nodes_tell_what_room_there_is(sandbox: Sandbox, admin: Client) -> None:
    def nodes() -> Any:
        found = admin.admin_api.get("/nodes").json()["nodes"]
        return found if all(node["refreshed_at"] for node in found) and len(found) == 2 else None

    for node in eventually(nodes, "nodes of both sites"):
        assert node["memory_mb"] > 0, node
        assert node["vcpus"] > 0, node
        # At least nova-compute, and Cinder's scheduler and one backend.
        assert node["services_up"] >= 3, node
        assert node["state"] == "up", node
