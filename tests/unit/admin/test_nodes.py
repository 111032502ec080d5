"""`/v1/nodes`."""

from datetime import timedelta

import pytest
from falcon import testing
from tests.unit.admin.conftest import Times

from tricircle.admin.engine import Engine
from tricircle.sites.node import Figures
from tricircle.sites.site import Site

URL = "https://top.example/admin/v1/nodes"
FIGURES = {
    "vcpus": 64,
    "vcpus_used": 3,
    "memory_mb": 1 << 20,
    "memory_mb_used": 4096,
    "local_gb": 1000,
    "local_gb_used": 20,
    "running_vms": 3,
    "services_up": 5,
}


@pytest.fixture(autouse=True)
def sites(engine: Engine) -> list[Site]:
    return [engine.sites.create("SiteOne", "RegionOne"), engine.sites.create("SiteTwo", "RegionTwo")]


def test_a_node_is_shown_with_its_age(
    admin: testing.TestClient, engine: Engine, times: Times, sites: list[Site]
) -> None:
    engine.nodes.put(sites[0].id, "SiteOne", Figures(**FIGURES))
    times.time += timedelta(seconds=60)
    engine.nodes.set_state(sites[0].id, up=False, cause="It does not answer.")
    times.time += timedelta(seconds=30.5)
    for id_or_name in (sites[0].id, "SiteOne"):
        shown = admin.simulate_get(f"/v1/nodes/{id_or_name}")
        assert shown.status_code == 200
        assert shown.json == {
            "node": {
                "site": "SiteOne",
                "site_id": sites[0].id,
                "name": "SiteOne",
                **FIGURES,
                "refreshed_at": "2026-01-31T12:00:00Z",
                "age": 90.5,
                "state": "down",
                "state_since": "2026-01-31T12:01:00Z",
                "cause": "It does not answer.",
                "links": [{"rel": "self", "href": f"{URL}/{sites[0].id}"}],
            }
        }


def test_a_site_that_nobody_has_looked_at_is_shown_with_nulls(
    admin: testing.TestClient, sites: list[Site]
) -> None:
    shown = admin.simulate_get("/v1/nodes/SiteTwo")
    assert shown.status_code == 200
    unknown = dict.fromkeys([*FIGURES, "name", "refreshed_at", "age", "state", "state_since", "cause"])
    links = [{"rel": "self", "href": f"{URL}/{sites[1].id}"}]
    assert shown.json == {"node": {"site": "SiteTwo", "site_id": sites[1].id, **unknown, "links": links}}


def test_capacity_that_was_never_read_is_null_and_not_nothing(
    admin: testing.TestClient, engine: Engine, sites: list[Site]
) -> None:
    engine.nodes.set_state(sites[0].id, up=True, cause=None)
    node = admin.simulate_get("/v1/nodes/SiteOne").json["node"]
    assert (node["state"], node["vcpus"], node["age"]) == ("up", None, None)


def test_every_site_is_listed_in_pages(admin: testing.TestClient, engine: Engine, sites: list[Site]) -> None:
    engine.nodes.put(sites[1].id, "SiteTwo", Figures(**FIGURES))
    first = admin.simulate_get("/v1/nodes", query_string="limit=1")
    assert first.status_code == 200
    assert [(node["site"], node["vcpus"]) for node in first.json["nodes"]] == [("SiteOne", None)]
    (link,) = first.json["nodes_links"]
    assert link == {"rel": "next", "href": f"{URL}?limit=1&marker={sites[0].id}"}
    second = admin.simulate_get("/v1/nodes", query_string=link["href"].partition("?")[2])
    assert [(node["site"], node["vcpus"]) for node in second.json["nodes"]] == [("SiteTwo", 64)]
    assert "nodes_links" not in second.json


def test_an_unknown_site_is_not_found(admin: testing.TestClient) -> None:
    missing = admin.simulate_get("/v1/nodes/SiteThree")
    assert missing.status_code == 404
    assert missing.json["error"]["message"] == "Site SiteThree could not be found."


@pytest.mark.parametrize("query", ["limit=0", "marker=x", "state=up"])
def test_a_query_that_makes_no_sense_is_refused(admin: testing.TestClient, query: str) -> None:
    refused = admin.simulate_get("/v1/nodes", query_string=query)
    assert refused.status_code == 400
