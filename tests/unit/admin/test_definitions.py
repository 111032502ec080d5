"""`/v1/definitions`. It reads rows that others write: here they are written as they stand."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from falcon import testing
from tests.unit.admin.conftest import Bus, Times

from tricircle.admin.engine import Engine
from tricircle.db.engine import Database
from tricircle.db.tables import definitions, realisations
from tricircle.jobs.job import Request
from tricircle.jobs.types import TYPES
from tricircle.sites.site import Site, SiteState

pytestmark = pytest.mark.every_database

PATH = "/v1/definitions"
URL = f"https://top.example/admin{PATH}"
NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # times of rows are naive

Define = Callable[..., str]
Realise = Callable[..., None]


@pytest.fixture(autouse=True)
def sites(engine: Engine) -> list[Site]:
    return [
        engine.sites.create("SiteOne", "RegionOne"),
        engine.sites.create("SiteTwo", "RegionTwo"),
        engine.sites.create("Away", "RegionThree", state=SiteState.DISABLED),
    ]


@pytest.fixture
def define(database: Database) -> Define:
    def write(key: str, resource_type: str = "flavor", **columns: object) -> str:
        row: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "resource_type": resource_type,
            "resource_key": key,
            "name": f"name-{key}",
            "project_id": None,
            "body": '{"ram": 512}',
            "version": 2,
            "state": "active",
            "created_at": NOON,
            "updated_at": NOON,
        } | columns
        with database.write() as connection:
            connection.execute(definitions.insert(), row)
        return str(row["id"])

    return write


@pytest.fixture
def realise(database: Database) -> Realise:
    def write(definition_id: str, site: Site, version: int = 2, drift: str | None = None) -> None:
        row = {
            "definition_id": definition_id,
            "site_id": site.id,
            "site_resource_id": f"in-{site.name}",
            "version": version,
            "drift": drift,
            "updated_at": NOON,
        }
        with database.write() as connection:
            connection.execute(realisations.insert(), row)

    return write


def keys(result: testing.Result) -> list[str]:
    assert result.status_code == 200
    return [definition["key"] for definition in result.json["definitions"]]


def views(document: dict[str, Any]) -> dict[str, tuple[bool, str | None]]:
    """Tell of each site whether it is in step, and what drifted."""
    return {view["site"]: (view["in_step"], view["drift"]) for view in document["sites"]}


def replicate(engine: Engine, definition_id: str, site: Site, kind: str = "replicate") -> str:
    parameters = TYPES[kind].parameters()
    (job,) = engine.requester.request(Request(kind, "flavor", definition_id, site.id, parameters=parameters))
    return job.id


def test_a_definition_is_shown_with_each_site_s_part(
    admin: testing.TestClient, engine: Engine, sites: list[Site], define: Define, realise: Realise
) -> None:
    flavor = define("1", project_id="project")
    realise(flavor, sites[0], drift="ram is 256 and should be 512")
    job = replicate(engine, flavor, sites[1])
    shown = admin.simulate_get(f"{PATH}/{flavor}")
    assert shown.status_code == 200
    noon = "2026-01-31T12:00:00Z"
    nothing = {"site_resource_id": None, "version": 0, "in_step": False, "drift": None, "updated_at": None}
    assert shown.json == {
        "definition": {
            "id": flavor,
            "resource_type": "flavor",
            "key": "1",
            "name": "name-1",
            "project_id": "project",
            "state": "active",
            "version": 2,
            "body": {"ram": 512},
            "sites": [
                {"site": "Away", "site_id": sites[2].id, "job_id": None, **nothing},
                {
                    "site": "SiteOne",
                    "site_id": sites[0].id,
                    "site_resource_id": "in-SiteOne",
                    "version": 2,
                    "in_step": True,
                    "drift": "ram is 256 and should be 512",
                    "job_id": None,
                    "updated_at": noon,
                },
                {"site": "SiteTwo", "site_id": sites[1].id, "job_id": job, **nothing},
            ],
            "created_at": noon,
            "updated_at": noon,
            "links": [{"rel": "self", "href": f"{URL}/{flavor}"}],
        }
    }


def test_the_job_that_is_shown_is_the_latest_about_it_in_the_site(
    admin: testing.TestClient, engine: Engine, times: Times, sites: list[Site], define: Define
) -> None:
    flavor, other = define("1"), define("2")
    first = replicate(engine, flavor, sites[0])
    engine.jobs.cancel(first)
    times.time += timedelta(seconds=1)
    second = replicate(engine, flavor, sites[0])
    times.time += timedelta(seconds=1)
    elsewhere = replicate(engine, flavor, sites[1])
    replicate(engine, other, sites[0])
    shown = admin.simulate_get(f"{PATH}/{flavor}").json["definition"]
    assert [view["job_id"] for view in shown["sites"]] == [None, second, elsewhere]


def test_a_site_that_agrees_with_an_earlier_version_is_not_in_step(
    admin: testing.TestClient, sites: list[Site], define: Define, realise: Realise
) -> None:
    flavor = define("1", version=3)
    realise(flavor, sites[0], version=2)
    realise(flavor, sites[1], version=3)
    shown = admin.simulate_get(f"{PATH}/{flavor}").json["definition"]
    assert views(shown) == {"Away": (False, None), "SiteOne": (False, None), "SiteTwo": (True, None)}


def test_nothing_is_in_step_with_what_is_not_defined_yet(
    admin: testing.TestClient, sites: list[Site], define: Define, realise: Realise
) -> None:
    flavor = define("1", version=0, state="pending", body="{}")
    realise(flavor, sites[0], version=0)
    shown = admin.simulate_get(f"{PATH}/{flavor}").json["definition"]
    assert views(shown)["SiteOne"] == (False, None)
    assert keys(admin.simulate_get(PATH, query_string="site=SiteOne&in_step=true")) == []


def test_an_unknown_definition_is_not_found(admin: testing.TestClient) -> None:
    for method, path in (("GET", f"{PATH}/x"), ("POST", f"{PATH}/x/mend")):
        missing = admin.simulate_request(method, path)
        assert missing.status_code == 404
        assert missing.json["error"]["message"] == "There is no definition x."


class TestList:
    @pytest.fixture(autouse=True)
    def three(self, sites: list[Site], define: Define, realise: Realise) -> None:
        """Write one that is everywhere, one that has drifted in SiteTwo, one that SiteOne lacks."""
        everywhere, drifted, half = define("a"), define("b"), define("c", "keypair", name="mine")
        for definition in (everywhere, drifted):
            realise(definition, sites[0])
        realise(everywhere, sites[1])
        realise(drifted, sites[1], drift="ram is 256 and should be 512")
        realise(half, sites[1])

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["a", "b", "c"]),
            ("resource_type=flavor", ["a", "b"]),
            ("resource_type=server", []),
            ("name=mine", ["c"]),
            ("in_step=true", ["a", "b"]),
            ("in_step=false", ["c"]),
            ("site=SiteOne", ["a", "b", "c"]),
            ("site=SiteOne&in_step=true", ["a", "b"]),
            ("site=SiteOne&in_step=false", ["c"]),
            ("site=SiteTwo&in_step=false", []),
            ("site=Away&in_step=false", ["a", "b", "c"]),
            ("drifted=true", ["b"]),
            ("drifted=false", ["a", "c"]),
            ("site=SiteOne&drifted=true", []),
            ("limit=2", ["a", "b"]),
        ],
    )
    def test_definitions_are_listed_by_type_and_key(
        self, admin: testing.TestClient, query: str, expected: list[str]
    ) -> None:
        assert keys(admin.simulate_get(PATH, query_string=query)) == expected

    def test_a_list_tells_of_each_site_and_leaves_the_bodies_out(self, admin: testing.TestClient) -> None:
        drifted = admin.simulate_get(PATH).json["definitions"][1]
        assert "body" not in drifted
        assert views(drifted) == {
            "Away": (False, None),
            "SiteOne": (True, None),
            "SiteTwo": (True, "ram is 256 and should be 512"),
        }

    def test_where_one_site_is_asked_for_no_other_is_told_of(
        self, admin: testing.TestClient, sites: list[Site]
    ) -> None:
        listed = admin.simulate_get(PATH, query_string=f"site={sites[0].id}").json["definitions"]
        assert [list(views(definition)) for definition in listed] == [["SiteOne"]] * 3

    def test_next_links_lead_through_all(self, admin: testing.TestClient, define: Define) -> None:
        define("d", "keypair")
        seen: list[str] = []
        query = "limit=1"
        while True:
            result = admin.simulate_get(PATH, query_string=query)
            seen += keys(result)
            if "definitions_links" not in result.json:
                break
            base, _, query = result.json["definitions_links"][0]["href"].partition("?")
            assert base == URL
        assert seen == ["a", "b", "c", "d"]

    @pytest.mark.parametrize(
        ("query", "part"),
        [
            ("in_step=perhaps", "in_step"),
            ("drifted=2", "drifted"),
            ("site=SiteFour", "site: Site SiteFour could not be found."),
            ("marker=x", "Marker x"),
            ("limit=0", "limit"),
            ("name=%00", "name"),
            ("key=1", "key"),
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, admin: testing.TestClient, query: str, part: str
    ) -> None:
        refused = admin.simulate_get(PATH, query_string=query)
        assert refused.status_code == 400
        assert part in refused.json["error"]["message"]


class TestMend:
    @pytest.mark.parametrize("body", [None, {}, {"site": None}], ids=str)
    def test_every_site_that_is_not_disabled_is_made_to_agree(
        self, admin: testing.TestClient, bus: Bus, define: Define, body: dict[str, object] | None
    ) -> None:
        flavor = define("1", project_id="project")
        sent = {} if body is None else {"json": body}
        mended = admin.simulate_post(f"{PATH}/{flavor}/mend", **sent)
        assert mended.status_code == 202
        assert [job["site"] for job in mended.json["jobs"]] == ["SiteOne", "SiteTwo"]
        assert bus.woken == [job["id"] for job in mended.json["jobs"]]
        job = admin.simulate_get(f"/v1/jobs/{bus.woken[0]}").json["job"]
        assert (job["type"], job["resource_type"], job["resource_id"]) == ("replicate", "flavor", flavor)
        assert (job["project_id"], job["parameters"]) == ("project", {"mend": True, "is_precaution": False})
        assert job["request_id"] == mended.headers["X-OpenStack-Request-ID"]

    def test_one_site_is(self, admin: testing.TestClient, define: Define) -> None:
        mended = admin.simulate_post(f"{PATH}/{define('1')}/mend", json={"site": "SiteTwo"})
        assert [job["site"] for job in mended.json["jobs"]] == ["SiteTwo"]

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"site": "SiteFour"}, (400, "site: Site SiteFour could not be found.")),
            ({"site": 7}, (400, "site")),
            ({"site": "SiteOne", "more": 1}, (400, "more")),
            ([], (400, "Expected `object`")),
            ({"site": "Away"}, (409, "Site Away is disabled")),
        ],
        ids=str,
    )
    def test_what_makes_no_sense_is_refused(
        self, admin: testing.TestClient, bus: Bus, define: Define, body: object, error: tuple[int, str]
    ) -> None:
        refused = admin.simulate_post(f"{PATH}/{define('1')}/mend", json=body)
        assert refused.status_code == error[0]
        assert error[1] in refused.json["error"]["message"]
        assert bus.woken == []

    def test_a_body_of_unknown_length_is_not_overlooked(
        self, admin: testing.TestClient, bus: Bus, define: Define
    ) -> None:
        refused = admin.simulate_post(f"{PATH}/{define('1')}/mend", headers={"Transfer-Encoding": "chunked"})
        assert refused.status_code == 400
        assert bus.woken == []

    def test_what_is_still_being_made_is_a_conflict(
        self, admin: testing.TestClient, bus: Bus, define: Define
    ) -> None:
        flavor = define("1", version=0, state="pending")
        refused = admin.simulate_post(f"{PATH}/{flavor}/mend")
        assert refused.status_code == 409
        assert "still being made" in refused.json["error"]["message"]
        assert bus.woken == []
