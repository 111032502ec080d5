"""`/v1/sites`."""

import uuid

import pytest
from falcon import testing

from tricircle.admin.engine import Engine
from tricircle.routing.route import Route
from tricircle.sites.site import SiteState

ROOT = "https://top.example/admin"
URL = f"{ROOT}/v1/sites"


def new(name: str = "SiteOne", region_name: str = "RegionOne", **more: object) -> dict[str, object]:
    return {"site": {"name": name, "region_name": region_name, **more}}


def names(result: testing.Result) -> list[str]:
    return [site["name"] for site in result.json["sites"]]


@pytest.fixture
def three(engine: Engine) -> None:
    engine.sites.create("B", "RegionTwo", state=SiteState.CORDONED)
    engine.sites.create("A", "RegionThree")
    engine.sites.create("C", "RegionOne")


def test_a_site_is_registered_and_shown(admin: testing.TestClient) -> None:
    created = admin.simulate_post("/v1/sites", json=new(description="the first"))
    assert created.status_code == 201
    site = created.json["site"]
    assert uuid.UUID(site["id"])
    assert created.headers["Location"] == f"{URL}/{site['id']}"
    assert site.pop("created_at") == site.pop("updated_at")
    assert site == {
        "id": site["id"],
        "name": "SiteOne",
        "region_name": "RegionOne",
        "description": "the first",
        "state": "enabled",
        "physical_networks": None,
        "links": [{"rel": "self", "href": f"{URL}/{site['id']}"}],
    }
    for id_or_name in (site["id"], "SiteOne"):
        shown = admin.simulate_get(f"/v1/sites/{id_or_name}")
        assert shown.status_code == 200
        assert shown.json == admin.simulate_get("/v1/sites/SiteOne").json
        assert shown.json["site"].items() >= site.items()


def test_a_second_site_of_a_name_or_region_is_a_conflict(admin: testing.TestClient) -> None:
    admin.simulate_post("/v1/sites", json=new())
    for body, what in ((new("SiteTwo"), "RegionOne"), (new(region_name="RegionTwo"), "SiteOne")):
        refused = admin.simulate_post("/v1/sites", json=body)
        assert refused.status_code == 409
        assert refused.json["error"]["code"] == 409
        assert refused.json["error"]["title"] == "Conflict"
        assert what in refused.json["error"]["message"]


@pytest.mark.parametrize("state", [state.value for state in SiteState])
def test_the_state_of_a_site_can_be_changed(admin: testing.TestClient, state: str) -> None:
    admin.simulate_post("/v1/sites", json=new(description="the first"))
    changed = admin.simulate_patch("/v1/sites/SiteOne", json={"site": {"state": state}})
    assert changed.status_code == 200
    assert changed.json["site"]["state"] == state
    assert changed.json["site"]["description"] == "the first"
    assert admin.simulate_get("/v1/sites/SiteOne").json == changed.json


def test_everything_of_a_site_but_its_id_can_be_changed(admin: testing.TestClient) -> None:
    site = admin.simulate_post("/v1/sites", json=new()).json["site"]
    changes = {"name": "Site 2", "region_name": "RegionTwo", "description": "", "state": "draining"}
    changed = admin.simulate_patch("/v1/sites/SiteOne", json={"site": changes}).json["site"]
    assert changed["id"] == site["id"]
    assert changed.items() >= changes.items()
    assert admin.simulate_get("/v1/sites/SiteOne").status_code == 404
    assert admin.simulate_get("/v1/sites/Site%202").json["site"] == changed


def test_a_change_of_nothing_is_allowed(admin: testing.TestClient) -> None:
    site = admin.simulate_post("/v1/sites", json=new()).json["site"]
    changed = admin.simulate_patch("/v1/sites/SiteOne", json={"site": {}})
    assert changed.status_code == 200
    assert changed.json["site"]["name"] == site["name"]


def test_a_site_says_what_it_calls_the_physical_networks_of_the_top(admin: testing.TestClient) -> None:
    names = {"stretched": "physnet1", "storage": "physnet2"}
    site = admin.simulate_post("/v1/sites", json=new(physical_networks=names)).json["site"]
    assert site["physical_networks"] == names
    for given, shown in (
        ({"description": "another"}, names),
        ({"physical_networks": {}}, {}),
        ({"physical_networks": {"stretched": "stretched"}}, {"stretched": "stretched"}),
        ({"physical_networks": None}, None),
    ):
        changed = admin.simulate_patch("/v1/sites/SiteOne", json={"site": given})
        assert changed.json["site"]["physical_networks"] == shown
        assert admin.simulate_get("/v1/sites/SiteOne").json == changed.json


@pytest.mark.parametrize(
    "names",
    [
        ["stretched"],
        {"stretched": None},
        {"stretched": ""},
        {"": "physnet1"},
        {"stretched": "x" * 65},
        {"stretched": "a\nb"},
        {"stretched": "physnet1", "storage": "physnet1"},
        {str(number): str(number) for number in range(101)},
    ],
)
def test_what_are_no_names_of_physical_networks_is_refused(admin: testing.TestClient, names: object) -> None:
    admin.simulate_post("/v1/sites", json=new())
    for refused in (
        admin.simulate_post("/v1/sites", json=new("SiteTwo", "RegionTwo", physical_networks=names)),
        admin.simulate_patch("/v1/sites/SiteOne", json={"site": {"physical_networks": names}}),
    ):
        assert refused.status_code == 400
        assert "site.physical_networks" in refused.json["error"]["message"]
    (site,) = admin.simulate_get("/v1/sites").json["sites"]
    assert site["physical_networks"] is None


def test_a_site_can_be_removed(admin: testing.TestClient) -> None:
    admin.simulate_post("/v1/sites", json=new())
    removed = admin.simulate_delete("/v1/sites/SiteOne")
    assert (removed.status_code, removed.content) == (204, b"")
    assert admin.simulate_get("/v1/sites").json == {"sites": []}


def test_a_site_in_a_zone_is_not_removed(admin: testing.TestClient) -> None:
    admin.simulate_post("/v1/sites", json=new())
    zone = {"availability_zone": {"sites": [{"site": "SiteOne", "site_az": "nova"}]}}
    admin.simulate_put("/v1/availability-zones/az", json=zone)
    refused = admin.simulate_delete("/v1/sites/SiteOne")
    assert refused.status_code == 409
    assert "az" in refused.json["error"]["message"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_site_is_not_found(admin: testing.TestClient, method: str) -> None:
    result = admin.simulate_request(method, "/v1/sites/SiteOne", json={"site": {}})
    assert result.status_code == 404
    assert result.json == {
        "error": {"code": 404, "title": "Not Found", "message": "Site SiteOne could not be found."}
    }


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["A", "B", "C"]),
        ("name=B", ["B"]),
        ("name=b", []),
        ("region_name=RegionOne", ["C"]),
        ("state=enabled", ["A", "C"]),
        ("state=enabled&region_name=RegionOne", ["C"]),
        ("sort_key=region_name", ["C", "A", "B"]),
        ("sort_dir=desc", ["C", "B", "A"]),
        ("sort_key=created_at&sort_dir=desc", ["C", "A", "B"]),
        ("limit=3", ["A", "B", "C"]),
        ("limit=1000000", ["A", "B", "C"]),
    ],
)
def test_sites_are_listed(admin: testing.TestClient, query: str, expected: list[str]) -> None:
    result = admin.simulate_get("/v1/sites", query_string=query)
    assert result.status_code == 200
    assert names(result) == expected
    assert "sites_links" not in result.json


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("limit", [1, 2])
def test_next_links_lead_through_all_sites_and_keep_the_query(admin: testing.TestClient, limit: int) -> None:
    seen: list[str] = []
    query = f"limit={limit}&sort_dir=desc"
    while True:
        result = admin.simulate_get("/v1/sites", query_string=query)
        seen += names(result)
        if "sites_links" not in result.json:
            break
        assert len(names(result)) == limit
        ((relation, href),) = ((link["rel"], link["href"]) for link in result.json["sites_links"])
        assert relation == "next"
        base, _, query = href.partition("?")
        assert base == URL
    assert seen == ["C", "B", "A"]


@pytest.mark.usefixtures("three")
def test_a_list_without_a_limit_is_cut_to_the_most_there_may_be(
    admin: testing.TestClient, engine: Engine
) -> None:
    engine.sites.create("D", "RegionFour")
    result = admin.simulate_get("/v1/sites")
    assert names(result) == ["A", "B", "C"]
    assert "marker=" in result.json["sites_links"][0]["href"]


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=1&limit=2", "limit"),
        ("marker=no-such-site", "no-such-site"),
        ("sort_key=description", "sort_key"),
        ("sort_dir=up", "sort_dir"),
        ("state=broken", "state"),
        ("colour=red", "colour"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(admin: testing.TestClient, query: str, part: str) -> None:
    result = admin.simulate_get("/v1/sites", query_string=query)
    assert result.status_code == 400
    assert part in result.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "site"),
        ({"site": []}, "site"),
        ({"site": {"name": "SiteOne"}}, "region_name"),
        (new(colour="red"), "colour"),
        (new() | {"more": 1}, "more"),
        (new(name=""), "site.name"),
        (new(name=7), "site.name"),
        (new(name=None), "site.name"),
        (new(name="x" * 65), "site.name"),
        (new(name="a:b"), "site.name"),
        (new(name="a,b"), "site.name"),
        (new(name=","), "site.name"),
        (new(name="a/b"), "site.name"),
        (new(name="a\nb"), "site.name"),
        (new(name="a\n"), "site.name"),
        (new(name="a\0b"), "site.name"),
        (new(name=" a"), "site.name"),
        (new(name="a "), "site.name"),
        (new(name=".."), "site.name"),
        (new(region_name=""), "site.region_name"),
        (new(region_name="x" * 256), "site.region_name"),
        (new(region_name="Central"), "site.region_name"),
        (new(description="x" * 256), "site.description"),
        (new(description="\0"), "site.description"),
        (new(state="broken"), "site.state"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_body_that_makes_no_sense_is_refused_and_says_where(
    admin: testing.TestClient, body: dict[str, object], field: str
) -> None:
    result = admin.simulate_post("/v1/sites", json=body)
    assert result.status_code == 400
    assert field in result.json["error"]["message"]
    assert admin.simulate_get("/v1/sites").json == {"sites": []}


def test_no_site_is_changed_to_the_top_s_own_region(admin: testing.TestClient) -> None:
    site = admin.simulate_post("/v1/sites", json=new()).json["site"]
    refused = admin.simulate_patch("/v1/sites/SiteOne", json={"site": {"region_name": "Central"}})
    assert refused.status_code == 400
    assert "site.region_name" in refused.json["error"]["message"]
    assert "the region of the top itself" in refused.json["error"]["message"]
    assert admin.simulate_get("/v1/sites/SiteOne").json["site"] == site


def test_no_site_is_renamed_to_what_gateways_could_not_list(admin: testing.TestClient) -> None:
    admin.simulate_post("/v1/sites", json=new())
    refused = admin.simulate_patch("/v1/sites/SiteOne", json={"site": {"name": "a,b"}})
    assert refused.status_code == 400
    assert "site.name" in refused.json["error"]["message"]


def test_no_site_bears_the_id_of_another_as_its_name(admin: testing.TestClient) -> None:
    one = admin.simulate_post("/v1/sites", json=new()).json["site"]
    admin.simulate_post("/v1/sites", json=new("SiteTwo", "RegionTwo"))
    made = admin.simulate_post("/v1/sites", json=new(one["id"], "RegionThree"))
    renamed = admin.simulate_patch("/v1/sites/SiteTwo", json={"site": {"name": one["id"]}})
    for refused in (made, renamed):
        assert refused.status_code == 409
        assert refused.json["error"]["message"] == (
            f"A site cannot be named {one['id']}: that is the id of another site."
        )
    assert names(admin.simulate_get("/v1/sites")) == ["SiteOne", "SiteTwo"]


@pytest.mark.parametrize("field", ["name", "region_name", "description", "state"])
def test_a_change_to_null_is_refused(admin: testing.TestClient, field: str) -> None:
    admin.simulate_post("/v1/sites", json=new())
    result = admin.simulate_patch("/v1/sites/SiteOne", json={"site": {field: None}})
    assert result.status_code == 400
    assert f"site.{field}" in result.json["error"]["message"]


@pytest.mark.parametrize("name", ["SiteOne", "Site One", "站点一", "🏔", "a.b-c_d", "x" * 64])
def test_names_may_be_in_any_script(admin: testing.TestClient, name: str) -> None:
    created = admin.simulate_post("/v1/sites", json=new(name))
    assert created.status_code == 201
    assert admin.simulate_get(f"/v1/sites/{name}").json == created.json


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"site": {"name": "\xff"}}', b'"\\ud800"'])
def test_what_is_not_json_is_refused(admin: testing.TestClient, body: bytes) -> None:
    result = admin.simulate_post("/v1/sites", body=body)
    assert result.status_code == 400
    assert result.json["error"]["title"] == "Bad Request"


def test_what_says_that_it_is_not_json_is_refused(admin: testing.TestClient) -> None:
    result = admin.simulate_post("/v1/sites", body=b"{}", headers={"Content-Type": "text/xml"})
    assert result.status_code == 415


def test_what_is_too_large_is_refused(admin: testing.TestClient) -> None:
    result = admin.simulate_post("/v1/sites", json=new(description="x" * 2048))
    assert result.status_code == 413


def test_a_removed_site_takes_its_routes_along(admin: testing.TestClient, engine: Engine) -> None:
    site = engine.sites.create("SiteOne", "RegionOne")
    engine.routes.record([Route("1", "server", site.id, "1", None, None)])
    admin.simulate_delete("/v1/sites/SiteOne")
    assert engine.routes.all("1") == []
