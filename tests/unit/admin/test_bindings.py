"""`/v1/project-bindings`."""

from typing import Any

import pytest
from falcon import testing

from tricircle.admin.engine import Engine

PATH = "/v1/project-bindings"
URL = f"https://top.example/admin{PATH}"


@pytest.fixture(autouse=True)
def zones(engine: Engine) -> None:
    for name in ("az-1", "az-2"):
        engine.zones.put(name, "", [])


def to(zone: object, **more: object) -> dict[str, Any]:
    return {"project_binding": {"availability_zone": zone, **more}}


def projects(result: testing.Result) -> list[str]:
    return [binding["project_id"] for binding in result.json["project_bindings"]]


def test_a_project_is_bound_shown_and_listed(admin: testing.TestClient) -> None:
    made = admin.simulate_put(f"{PATH}/p1", json=to("az-1"))
    assert made.status_code == 201
    binding = {
        "project_id": "p1",
        "availability_zone": "az-1",
        "links": [{"rel": "self", "href": f"{URL}/p1"}],
    }
    assert made.json == {"project_binding": binding}
    shown = admin.simulate_get(f"{PATH}/p1")
    assert (shown.status_code, shown.json) == (200, made.json)
    assert admin.simulate_get(PATH).json == {"project_bindings": [binding]}


def test_a_project_can_be_bound_again(admin: testing.TestClient) -> None:
    admin.simulate_put(f"{PATH}/p1", json=to("az-1"))
    again = admin.simulate_put(f"{PATH}/p1", json=to("az-2"))
    assert again.status_code == 200
    assert admin.simulate_get(f"{PATH}/p1").json == again.json
    assert again.json["project_binding"]["availability_zone"] == "az-2"


def test_a_project_can_be_let_go(admin: testing.TestClient) -> None:
    admin.simulate_put(f"{PATH}/p1", json=to("az-1"))
    gone = admin.simulate_delete(f"{PATH}/p1")
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        missing = admin.simulate_request(method, f"{PATH}/p1")
        assert missing.status_code == 404
        message = "Project p1 is not bound to an availability zone."
        assert missing.json["error"]["message"] == message


def test_bindings_are_listed_in_pages(admin: testing.TestClient) -> None:
    for project in ("d", "b", "a", "c"):
        admin.simulate_put(f"{PATH}/{project}", json=to("az-2" if project == "c" else "az-1"))
    first = admin.simulate_get(PATH)
    assert projects(first) == ["a", "b", "c"]
    assert first.json["project_bindings_links"] == [{"rel": "next", "href": f"{URL}?marker=c"}]
    second = admin.simulate_get(PATH, query_string="marker=c")
    assert projects(second) == ["d"]
    assert "project_bindings_links" not in second.json
    assert projects(admin.simulate_get(PATH, query_string="availability_zone=az-2")) == ["c"]
    assert projects(admin.simulate_get(PATH, query_string="availability_zone=az-3")) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "project_binding"),
        ({"project_binding": {}}, "availability_zone"),
        ({"project_binding": "az-1"}, "project_binding"),
        (to(None), "project_binding.availability_zone"),
        (to(""), "project_binding.availability_zone"),
        (to("az-3"), "project_binding.availability_zone: Availability zone az-3 could not be found."),
        (to("az-1", project_id="p2"), "project_id"),
        (to("az-1") | {"more": 1}, "more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_body_that_makes_no_sense_is_refused_and_says_where(
    admin: testing.TestClient, body: dict[str, object], field: str
) -> None:
    admin.simulate_put(f"{PATH}/p1", json=to("az-2"))
    refused = admin.simulate_put(f"{PATH}/p1", json=body)
    assert refused.status_code == 400
    assert field in refused.json["error"]["message"]
    assert admin.simulate_get(f"{PATH}/p1").json["project_binding"]["availability_zone"] == "az-2"


@pytest.mark.parametrize("project", ["x" * 65, "a:b", "%20a"])
def test_what_is_no_project_id_is_refused(admin: testing.TestClient, project: str) -> None:
    refused = admin.simulate_put(f"{PATH}/{project}", json=to("az-1"))
    assert refused.status_code == 400
    assert "field project_id" in refused.json["error"]["message"]


@pytest.mark.parametrize("query", ["limit=0", "colour=red", "availability_zone=%00"])
def test_a_query_that_makes_no_sense_is_refused(admin: testing.TestClient, query: str) -> None:
    refused = admin.simulate_get(PATH, query_string=query)
    assert refused.status_code == 400
    assert query.partition("=")[0] in refused.json["error"]["message"]
