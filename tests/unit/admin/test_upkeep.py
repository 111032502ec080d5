"""`POST /v1/jobs`: the upkeep of sites is asked for."""

import re
import uuid
from typing import Any

import pytest
from falcon import testing
from tests.unit.admin.conftest import Bus

from tricircle.admin.engine import Engine
from tricircle.jobs.job import Request
from tricircle.sites.site import Site

PATH = "/v1/jobs"


@pytest.fixture(autouse=True)
def sites(sites_at_rest: list[Site]) -> list[Site]:
    return sites_at_rest


def new(**fields: object) -> dict[str, Any]:
    return {"job": fields}


def all_jobs(admin: testing.TestClient) -> list[str]:
    return [job["id"] for job in admin.simulate_get(PATH).json["jobs"]]


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({"type": "rebuild"}, {}),
        ({"type": "node"}, {}),
        ({"type": "catch_up"}, {}),
        ({"type": "drift"}, {"mend": False}),
        ({"type": "drift", "mend": True}, {"mend": True}),
    ],
    ids=str,
)
def test_the_upkeep_of_a_site_is_asked_for(
    admin: testing.TestClient,
    sites: list[Site],
    fields: dict[str, object],
    parameters: dict[str, object],
) -> None:
    made = admin.simulate_post(PATH, json=new(**fields, site="SiteOne"))
    assert made.status_code == 202
    (listed,) = made.json["jobs"]
    assert listed["request_id"] == made.headers["X-OpenStack-Request-ID"]
    assert listed["state"] == "waiting"
    shown = admin.simulate_get(f"{PATH}/{listed['id']}").json["job"]
    assert shown.items() >= listed.items()
    assert shown["type"] == fields["type"]
    assert (shown["resource_type"], shown["resource_id"]) == ("site", sites[0].id)
    assert (shown["site"], shown["project_id"]) == ("SiteOne", None)
    assert shown["parameters"] == parameters


def test_a_site_may_be_named_by_id(admin: testing.TestClient, bus: Bus, sites: list[Site]) -> None:
    (made,) = admin.simulate_post(PATH, json=new(type="node", site=sites[1].id)).json["jobs"]
    assert made["site"] == "SiteTwo"
    assert bus.woken == [made["id"]]


@pytest.mark.parametrize("fields", [{}, {"site": None}], ids=["absent", "null"])
def test_without_a_site_it_is_asked_for_all_that_are_not_disabled(
    admin: testing.TestClient, bus: Bus, fields: dict[str, object]
) -> None:
    made = admin.simulate_post(PATH, json=new(type="rebuild", **fields))
    assert made.status_code == 202
    assert [job["site"] for job in made.json["jobs"]] == ["SiteOne", "SiteTwo"]
    assert bus.woken == [job["id"] for job in made.json["jobs"]]


def test_what_waits_already_is_not_asked_for_twice(
    admin: testing.TestClient, engine: Engine, sites: list[Site]
) -> None:
    (job,) = engine.requester.request(Request("rebuild", "site", sites[0].id, sites[0].id))
    made = admin.simulate_post(PATH, json=new(type="rebuild", site="SiteOne"))
    assert [each["id"] for each in made.json["jobs"]] == [job.id]


def test_a_disabled_site_is_a_conflict(admin: testing.TestClient, bus: Bus) -> None:
    refused = admin.simulate_post(PATH, json=new(type="rebuild", site="SiteThree"))
    assert refused.status_code == 409
    assert refused.json["error"]["message"] == "Site SiteThree is disabled: no job is done for it."
    assert all_jobs(admin) == bus.woken == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "job"),
        ({"job": []}, "job"),
        (new(), "type"),
        (new(site="SiteOne"), "type"),
        (new(type="intent", site="SiteOne"), "job.type"),
        (new(type="paint"), "job.type"),
        (new(type=7), "job.type"),
        (new(type=None), "job.type"),
        (new(type="rebuild", site="SiteFour"), "job.site: Site SiteFour could not be found."),
        (new(type="rebuild", site=str(uuid.UUID(int=0))), "job.site"),
        (new(type="rebuild", site=""), "job.site"),
        (new(type="rebuild", site=7), "job.site"),
        (new(type="rebuild", mend=True), "mend"),
        (new(type="drift", mend="yes"), "job.mend"),
        (new(type="rebuild", colour="red"), "colour"),
        (new(type="rebuild") | {"more": 1}, "more"),
    ],
    ids=str,
)
def test_a_body_that_makes_no_sense_is_refused_and_says_where(
    admin: testing.TestClient, bus: Bus, body: dict[str, object], part: str
) -> None:
    refused = admin.simulate_post(PATH, json=body)
    assert refused.status_code == 400
    assert re.search(rf"\b{re.escape(part)}", refused.json["error"]["message"])
    assert all_jobs(admin) == bus.woken == []
