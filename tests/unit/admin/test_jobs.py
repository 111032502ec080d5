"""`/v1/jobs` and `/v1/job-counts`."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from falcon import testing
from tests.unit.admin.conftest import Bus, Times

from tricircle.admin.engine import Engine
from tricircle.db.engine import Database
from tricircle.db.tables import jobs
from tricircle.jobs.job import Job, JobState, Lease, Request
from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.types import TYPES, IntentParameters, ReplicateParameters
from tricircle.sites.site import Site

PATH = "/v1/jobs"
URL = f"https://top.example/admin{PATH}"
NOON = "2026-01-31T12:00:00Z"


@pytest.fixture(autouse=True)
def sites(sites_at_rest: list[Site]) -> list[Site]:
    return sites_at_rest


@pytest.fixture
def job(engine: Engine, sites: list[Site]) -> Job:
    """Give a job that waits."""
    return ask(engine, Request("rebuild", "site", sites[0].id, sites[0].id, request_id="req-1"))


def ask(engine: Engine, request: Request) -> Job:
    (job,) = engine.requester.request(request)
    return job


def take(queue: JobQueue) -> Lease:
    lease = queue.claim("worker")
    assert lease is not None
    return lease


def end(queue: JobQueue, outcome: Outcome) -> Job:
    return queue.finish(take(queue), outcome)


def ids(result: testing.Result) -> list[str]:
    assert result.status_code == 200
    return [job["id"] for job in result.json["jobs"]]


class TestShow:
    def test_a_job_is_shown(self, admin: testing.TestClient, job: Job, sites: list[Site]) -> None:
        shown = admin.simulate_get(f"{PATH}/{job.id}")
        assert shown.status_code == 200
        assert shown.json == {
            "job": {
                "id": job.id,
                "type": "rebuild",
                "state": "waiting",
                "resource_type": "site",
                "resource_id": sites[0].id,
                "site": "SiteOne",
                "site_id": sites[0].id,
                "project_id": None,
                "priority": TYPES["rebuild"].priority,
                "attempts": 0,
                "cause": None,
                "progress": {},
                "worker": None,
                "request_id": "req-1",
                "run_after": NOON,
                "created_at": NOON,
                "updated_at": NOON,
                "links": [{"rel": "self", "href": f"{URL}/{job.id}"}],
                "parameters": {},
                "requires": [],
                "events": [
                    {
                        "attempt": 0,
                        "event": "requested",
                        "cause": None,
                        "site_request_id": None,
                        "created_at": NOON,
                    }
                ],
            }
        }

    def test_parameters_that_make_no_sense_are_shown_as_they_are(
        self, admin: testing.TestClient, database: Database, job: Job
    ) -> None:
        with database.write() as connection:
            connection.execute(sa.update(jobs).values(parameters="{{"))
        shown = admin.simulate_get(f"{PATH}/{job.id}")
        assert (shown.status_code, shown.json["job"]["parameters"]) == (200, "{{")

    def test_what_happened_to_it_is_told(
        self, admin: testing.TestClient, queue: JobQueue, times: Times, job: Job
    ) -> None:
        lease = take(queue)
        running = admin.simulate_get(f"{PATH}/{job.id}").json["job"]
        assert (running["state"], running["worker"], running["attempts"]) == ("running", "worker", 1)
        times.time += timedelta(seconds=7)
        queue.finish(
            lease,
            Failed("The site said no.", site_request_id="req-2", is_final=True),
            progress={"step": "servers", "servers": 5},
        )
        shown = admin.simulate_get(f"{PATH}/{job.id}").json["job"]
        assert (shown["state"], shown["cause"], shown["worker"]) == ("failed", "The site said no.", None)
        assert shown["progress"] == {"step": "servers", "servers": 5}
        assert [event["event"] for event in shown["events"]] == ["requested", "failed"]
        assert shown["events"][1] == {
            "attempt": 1,
            "event": "failed",
            "cause": "The site said no.",
            "site_request_id": "req-2",
            "created_at": "2026-01-31T12:00:07Z",
        }

    def test_its_parameters_and_requirements_are_told(
        self, admin: testing.TestClient, engine: Engine, sites: list[Site], job: Job
    ) -> None:
        parameters = IntentParameters("vm", 2, "2026-01-31T11:59:00", {"flavorRef": "1"}, ("net1",))
        intent = ask(
            engine,
            Request("intent", "server", "1", sites[1].id, "project", parameters, requires=[job.id]),
        )
        shown = admin.simulate_get(f"{PATH}/{intent.id}").json["job"]
        assert shown["requires"] == [job.id]
        assert shown["project_id"] == "project"
        assert shown["parameters"] == {
            "name": "vm",
            "most": 2,
            "sent_at": "2026-01-31T11:59:00",
            "facts": {"flavorRef": "1"},
            "uses": ["net1"],
            "groups": [],
            "over_at": None,
        }

    def test_a_job_outlives_its_site(
        self, admin: testing.TestClient, engine: Engine, sites: list[Site], job: Job
    ) -> None:
        engine.sites.delete("SiteOne")
        shown = admin.simulate_get(f"{PATH}/{job.id}").json["job"]
        assert (shown["site"], shown["site_id"]) == (None, sites[0].id)

    @pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/redo"), ("POST", "/cancel")])
    def test_an_unknown_job_is_not_found(self, admin: testing.TestClient, method: str, path: str) -> None:
        missing = admin.simulate_request(method, f"{PATH}/x{path}")
        assert missing.status_code == 404
        assert missing.json["error"]["message"] == "There is no job x."


class TestList:
    @pytest.fixture
    def jobs(
        self, engine: Engine, queue: JobQueue, times: Times, sites: list[Site], job: Job
    ) -> dict[str, str]:
        """Give the names of three jobs by their ids: one an hour; the first has succeeded."""
        end(queue, Succeeded())
        times.time += timedelta(hours=1)
        flavor = ask(
            engine, Request("replicate", "flavor", "1", sites[1].id, parameters=ReplicateParameters())
        )
        times.time += timedelta(hours=1)
        server = ask(
            engine, Request("after_delete", "server", "2", sites[0].id, "project", request_id="req-3")
        )
        return {job.id: "rebuild", flavor.id: "flavor", server.id: "server"}

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["server", "flavor", "rebuild"]),
            ("state=waiting", ["server", "flavor"]),
            ("state=failed", []),
            ("type=replicate", ["flavor"]),
            ("type=no-such-type", []),
            ("site=SiteOne", ["server", "rebuild"]),
            ("site=SiteThree", []),
            ("resource_type=site", ["rebuild"]),
            ("resource_id=1", ["flavor"]),
            ("project_id=project", ["server"]),
            ("request_id=req-3", ["server"]),
            ("site=SiteOne&state=succeeded", ["rebuild"]),
            ("created_since=2026-01-31T13:00:00Z", ["server", "flavor"]),
            ("created_since=2026-01-31T13:00:00.000001", ["server"]),
            ("created_since=2026-01-31T15:00:00%2B02:00", ["server", "flavor"]),
            ("created_since=2026-02-01", []),
            ("created_before=2026-01-31T13:00:00Z", ["rebuild"]),
            ("created_since=2026-01-31T13:00Z&created_before=2026-01-31T14:00Z", ["flavor"]),
            ("limit=1", ["server"]),
        ],
    )
    def test_jobs_are_listed_the_newest_first(
        self, admin: testing.TestClient, jobs: dict[str, str], query: str, expected: list[str]
    ) -> None:
        assert [jobs[job_id] for job_id in ids(admin.simulate_get(PATH, query_string=query))] == expected

    def test_a_site_is_named_by_its_id_too_also_when_it_is_gone(
        self, admin: testing.TestClient, engine: Engine, sites: list[Site], jobs: dict[str, str]
    ) -> None:
        query = f"site={sites[1].id}"
        there = ids(admin.simulate_get(PATH, query_string=query))
        engine.sites.delete("SiteTwo")
        gone = ids(admin.simulate_get(PATH, query_string=query))
        assert [jobs[job_id] for job_id in gone] == ["flavor"]
        assert gone == there

    def test_next_links_lead_through_all_jobs_and_keep_the_query(
        self, admin: testing.TestClient, jobs: dict[str, str]
    ) -> None:
        seen: list[str] = []
        query = "limit=1&site=SiteOne"
        while True:
            result = admin.simulate_get(PATH, query_string=query)
            seen += ids(result)
            if "jobs_links" not in result.json:
                break
            base, _, query = result.json["jobs_links"][0]["href"].partition("?")
            assert base == URL
        assert [jobs[job_id] for job_id in seen] == ["server", "rebuild"]

    @pytest.mark.parametrize(
        ("query", "part"),
        [
            ("state=asleep", "state"),
            ("site=SiteFour", "site: Site SiteFour could not be found."),
            ("created_since=yesterday", "created_since: it is not a time in ISO 8601."),
            ("created_before=1769860800", "created_before"),
            ("created_before=", "created_before"),
            ("created_since=0001-01-01T00:00:00%2B14:00", "created_since"),
            ("limit=0", "limit"),
            ("marker=no-such-job", "no-such-job"),
            ("type=%00", "type"),
            ("type=rebuild&type=node", "type"),
            ("sort_key=type", "sort_key"),
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, admin: testing.TestClient, query: str, part: str
    ) -> None:
        refused = admin.simulate_get(PATH, query_string=query)
        assert refused.status_code == 400
        assert part in refused.json["error"]["message"]


class TestRedo:
    @pytest.fixture
    def failed(self, queue: JobQueue, job: Job) -> Job:
        return end(queue, Failed("The site said no.", is_final=True))

    def test_a_failed_job_is_done_again(self, admin: testing.TestClient, bus: Bus, failed: Job) -> None:
        redone = admin.simulate_post(f"{PATH}/{failed.id}/redo")
        assert redone.status_code == 202
        assert redone.json["job"]["id"] == failed.id
        assert (redone.json["job"]["state"], redone.json["job"]["attempts"]) == ("waiting", 0)
        assert bus.woken == [failed.id]
        events = admin.simulate_get(f"{PATH}/{failed.id}").json["job"]["events"]
        assert [event["event"] for event in events] == ["requested", "failed", "redone"]

    def test_a_cancelled_job_is_done_again(self, admin: testing.TestClient, bus: Bus, job: Job) -> None:
        admin.simulate_post(f"{PATH}/{job.id}/cancel")
        assert admin.simulate_post(f"{PATH}/{job.id}/redo").status_code == 202
        assert bus.woken == [job.id]

    @pytest.mark.parametrize("state", [JobState.WAITING, JobState.RUNNING, JobState.SUCCEEDED])
    def test_no_other_job_is(
        self, admin: testing.TestClient, queue: JobQueue, bus: Bus, job: Job, state: JobState
    ) -> None:
        if state is JobState.RUNNING:
            take(queue)
        if state is JobState.SUCCEEDED:
            end(queue, Succeeded())
        refused = admin.simulate_post(f"{PATH}/{job.id}/redo")
        assert refused.status_code == 409
        message = f"Job {job.id} is {state}: only one that failed or was cancelled is redone."
        assert refused.json["error"]["message"] == message
        assert admin.simulate_get(f"{PATH}/{job.id}").json["job"]["state"] == state
        assert bus.woken == []

    def test_a_job_is_not_redone_beside_another_for_the_same(
        self, admin: testing.TestClient, engine: Engine, sites: list[Site], bus: Bus, failed: Job
    ) -> None:
        other = ask(engine, Request("rebuild", "site", sites[0].id, sites[0].id))
        refused = admin.simulate_post(f"{PATH}/{failed.id}/redo")
        assert refused.status_code == 409
        assert other.id in refused.json["error"]["message"]
        assert bus.woken == []


class TestCancel:
    @pytest.mark.parametrize("running", [False, True])
    def test_a_job_that_has_not_ended_is_cancelled(
        self, admin: testing.TestClient, queue: JobQueue, job: Job, running: bool
    ) -> None:
        if running:
            take(queue)
        cancelled = admin.simulate_post(f"{PATH}/{job.id}/cancel")
        assert cancelled.status_code == 202
        assert cancelled.json["job"]["state"] == "cancelled"
        assert queue.claim("worker") is None

    def test_one_that_has_ended_is_not(self, admin: testing.TestClient, queue: JobQueue, job: Job) -> None:
        end(queue, Succeeded())
        refused = admin.simulate_post(f"{PATH}/{job.id}/cancel")
        assert refused.status_code == 409
        assert refused.json["error"]["message"] == f"Job {job.id} is succeeded already."


def test_jobs_are_counted_by_type_and_state(
    admin: testing.TestClient, engine: Engine, queue: JobQueue, sites: list[Site], job: Job
) -> None:
    end(queue, Succeeded())
    for site in sites[:2]:
        ask(engine, Request("rebuild", "site", site.id, site.id))
    counted = admin.simulate_get("/v1/job-counts")
    assert counted.status_code == 200
    none = {state.value: 0 for state in JobState}
    expected = dict.fromkeys(TYPES, none) | {"rebuild": {**none, "waiting": 2, "succeeded": 1}}
    assert counted.json == {"job_counts": expected}
