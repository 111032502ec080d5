"""`/v1/availability-zones`."""

import pytest
from falcon import testing

from tricircle.admin.engine import Engine
from tricircle.sites.site import Site

PATH = "/v1/availability-zones"
ROOT = "https://top.example/admin"


@pytest.fixture(autouse=True)
def sites(engine: Engine) -> list[Site]:
    return [engine.sites.create("SiteOne", "RegionOne"), engine.sites.create("SiteTwo", "RegionTwo")]


def zone(*places: dict[str, object], **more: object) -> dict[str, object]:
    return {"availability_zone": {"sites": list(places), **more}}


ONE: dict[str, object] = {"site": "SiteOne", "site_az": "nova"}
TWO: dict[str, object] = {"site": "SiteTwo", "site_az": "nova", "volume_site_az": "disks"}


def test_a_zone_is_made_shown_and_listed(admin: testing.TestClient, sites: list[Site]) -> None:
    made = admin.simulate_put(f"{PATH}/az one", json=zone(TWO, ONE, description="both"))
    assert made.status_code == 201
    shown = made.json["availability_zone"]
    assert shown["name"] == "az one"
    assert shown["description"] == "both"
    assert shown["links"] == [{"rel": "self", "href": f"{ROOT}{PATH}/az%20one"}]
    assert shown["sites"] == [
        {"site": "SiteOne", "site_id": sites[0].id, "site_az": "nova", "volume_site_az": None},
        {"site": "SiteTwo", "site_id": sites[1].id, "site_az": "nova", "volume_site_az": "disks"},
    ]
    assert admin.simulate_get(f"{PATH}/az one").json == made.json
    assert admin.simulate_get(PATH).json == {"availability_zones": [shown]}


def test_a_zone_may_be_set_again(admin: testing.TestClient) -> None:
    made = admin.simulate_put(f"{PATH}/az", json=zone(ONE, description="one"))
    again = admin.simulate_put(f"{PATH}/az", json=zone(ONE, description="one"))
    assert again.status_code == 200
    changing = {"updated_at"}
    assert {k: v for k, v in again.json["availability_zone"].items() if k not in changing} == {
        k: v for k, v in made.json["availability_zone"].items() if k not in changing
    }
    changed = admin.simulate_put(f"{PATH}/az", json=zone(TWO))
    assert changed.status_code == 200
    assert [place["site"] for place in changed.json["availability_zone"]["sites"]] == ["SiteTwo"]
    assert changed.json["availability_zone"]["description"] == ""


def test_sites_may_be_named_by_id(admin: testing.TestClient, sites: list[Site]) -> None:
    made = admin.simulate_put(f"{PATH}/az", json=zone({"site": sites[1].id, "site_az": "nova"}))
    assert made.json["availability_zone"]["sites"][0]["site"] == "SiteTwo"


def test_an_unknown_site_is_refused_by_name(admin: testing.TestClient) -> None:
    refused = admin.simulate_put(f"{PATH}/az", json=zone(ONE, {"site": "SiteThree", "site_az": "nova"}))
    assert refused.status_code == 400
    assert "SiteThree" in refused.json["error"]["message"]
    assert admin.simulate_get(f"{PATH}/az").status_code == 404


def test_a_zone_can_be_removed(admin: testing.TestClient) -> None:
    admin.simulate_put(f"{PATH}/az", json=zone(ONE))
    assert admin.simulate_delete(f"{PATH}/az").status_code == 204
    for method in ("GET", "DELETE"):
        gone = admin.simulate_request(method, f"{PATH}/az")
        assert gone.status_code == 404
        assert gone.json["error"]["message"] == "Availability zone az could not be found."


def test_a_zone_that_a_project_is_bound_to_is_not_removed(admin: testing.TestClient, engine: Engine) -> None:
    admin.simulate_put(f"{PATH}/az", json=zone(ONE))
    engine.bindings.bind("project", "az")
    refused = admin.simulate_delete(f"{PATH}/az")
    assert refused.status_code == 409
    assert refused.json["error"]["message"] == "Projects are bound to availability zone az."
    engine.bindings.unbind("project")
    assert admin.simulate_delete(f"{PATH}/az").status_code == 204


def test_zones_are_listed_in_pages(admin: testing.TestClient) -> None:
    for name in ("c", "a", "d", "b"):
        admin.simulate_put(f"{PATH}/{name}", json=zone(ONE))
    first = admin.simulate_get(PATH)
    assert [item["name"] for item in first.json["availability_zones"]] == ["a", "b", "c"]
    (link,) = first.json["availability_zones_links"]
    assert link == {"rel": "next", "href": f"{ROOT}{PATH}?marker=c"}
    second = admin.simulate_get(PATH, query_string="marker=c")
    assert [item["name"] for item in second.json["availability_zones"]] == ["d"]
    assert "availability_zones_links" not in second.json


def test_there_is_no_post(admin: testing.TestClient) -> None:
    refused = admin.simulate_post(PATH, json=zone(ONE))
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "availability_zone"),
        ({"availability_zone": {}}, "sites"),
        (zone({"site": "SiteOne"}), "site_az"),
        (zone(ONE | {"host": "h"}), "host"),
        (zone(ONE, {"site": "SiteOne", "site_az": "a:b"}), "availability_zone.sites[1].site_az"),
        (zone(ONE | {"volume_site_az": ""}), "availability_zone.sites[0].volume_site_az"),
        (zone(ONE, ONE), "nova"),
        (zone(ONE, description=7), "availability_zone.description"),
        (zone(ONE, name="other"), "name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_body_that_makes_no_sense_is_refused_and_says_where(
    admin: testing.TestClient, body: dict[str, object], field: str
) -> None:
    refused = admin.simulate_put(f"{PATH}/az", json=body)
    assert refused.status_code == 400
    assert field in refused.json["error"]["message"]


@pytest.mark.parametrize("name", ["a:b", "x" * 256, "%20a", "a%20"])
def test_a_name_that_nova_could_not_use_is_refused(admin: testing.TestClient, name: str) -> None:
    refused = admin.simulate_put(f"{PATH}/{name}", json=zone(ONE))
    assert refused.status_code == 400
    assert "field name" in refused.json["error"]["message"]
