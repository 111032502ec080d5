"""Jobs as their operator sees them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.clock import NOON
from tests.unit.jobs.house import House
from tests.unit.jobs.rows import flavor, node, read_jobs, read_requirements

from tricircle.db.tables import job_events
from tricircle.errors import BadRequest, Conflict, NotFound
from tricircle.jobs import store as store_module
from tricircle.jobs.job import JobEventType, JobState
from tricircle.jobs.outcome import Failed, HandedBack, Succeeded
from tricircle.jobs.store import JobFilters

pytestmark = pytest.mark.every_database

FUTURE = datetime(2030, 1, 1)  # noqa: DTZ001  # as the columns hold it


def parked(house: House, name: str = "small") -> str:
    """Ask for a job that is parked; return its id."""
    lease = house.start(flavor(name))
    return house.queue.finish(lease, Failed("no", is_final=True)).id


# Lists


def names(house: House, filters: JobFilters = JobFilters(), **how: Any) -> list[str]:  # noqa: B008  # frozen
    return [job.resource_id for job in house.store.page(filters, **how)]


def test_the_newest_are_listed_first(house: House) -> None:
    for name in ("b", "c", "a"):
        house.ask(flavor(name))
        house.clock.time += 0.000001
    assert names(house) == ["a", "c", "b"]
    assert names(house, limit=2) == ["a", "c"]


def test_pages_follow_one_another_also_where_jobs_are_of_the_same_moment(house: House) -> None:
    made = house.requester.request(*(flavor(str(number)) for number in range(5)))
    order = sorted((job.id for job in made), reverse=True)
    walked: list[str] = []
    while page := house.store.page(limit=2, marker=walked[-1] if walked else None):
        walked += [job.id for job in page]
    assert walked == order


def test_a_page_after_an_unknown_job_is_refused(house: House) -> None:
    with pytest.raises(BadRequest):
        house.store.page(marker="none")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (JobFilters(), {"small", "large", "one"}),
        (JobFilters(state=JobState.RUNNING), {"large"}),
        (JobFilters(type="node"), {"one"}),
        (JobFilters(site_id="two"), {"small"}),
        (JobFilters(resource_type="flavor"), {"small", "large"}),
        (JobFilters(resource_id="large"), {"large"}),
        (JobFilters(project_id="p"), {"small"}),
        (JobFilters(request_id="req-1"), {"one"}),
        (JobFilters(since=NOON + timedelta(seconds=1)), {"small", "one"}),
        (JobFilters(until=NOON + timedelta(seconds=2)), {"small", "large"}),
        (JobFilters(since=NOON + timedelta(seconds=1), until=NOON + timedelta(seconds=2)), {"small"}),
        (JobFilters(type="replicate", state=JobState.FAILED), set()),
    ],
)
def test_jobs_are_listed_by_what_they_are(house: House, filters: JobFilters, found: set[str]) -> None:
    house.start(flavor("large"))
    house.clock.time = 1
    house.ask(flavor("small", site="two", project="p"))
    house.clock.time = 2
    house.ask(node(request_id="req-1"))
    assert set(names(house, filters)) == found


def test_jobs_are_counted_by_type_and_state(house: House) -> None:
    assert house.store.counts() == {}
    house.start(flavor("a"))
    house.requester.request(flavor("b"), flavor("c"), node())
    assert house.store.counts() == {
        ("replicate", JobState.RUNNING): 1,
        ("replicate", JobState.WAITING): 2,
        ("node", JobState.WAITING): 1,
    }


def test_a_job_is_shown_with_its_story_and_what_it_requires(house: House) -> None:
    required = house.ask(flavor())
    job = house.ask(node(requires=[required.id]))
    house.clock.time = 1.5
    house.store.cancel(job.id, "why not")
    story = house.store.show(job.id)
    assert story.job == house.job(job.id)
    assert story.requires == (required.id,)
    assert [(event.event, event.cause, event.created_at) for event in story.events] == [
        (JobEventType.REQUESTED, None, NOON),
        (JobEventType.CANCELLED, "why not", NOON + timedelta(seconds=1.5)),
    ]


def test_what_is_not_there_is_not_found(house: House) -> None:
    for act in (house.store.show, house.store.redo, house.store.cancel):
        with pytest.raises(NotFound):
            act("none")


# Redo


def test_what_a_job_said_of_itself_is_not_kept_when_it_is_redone(house: House) -> None:
    lease = house.start(flavor())
    house.queue.finish(lease, Failed("no", is_final=True), progress={"looks": 5})
    assert house.job(lease.job.id).progress == {"looks": 5}
    assert house.store.redo(lease.job.id).progress == {}


def test_a_parked_job_is_done_again_from_its_first_attempt_on(house: House) -> None:
    job_id = parked(house)
    house.clock.time = 9
    redone = house.store.redo(job_id)
    assert redone == house.job(job_id)
    assert (redone.state, redone.attempts, redone.cause) == (JobState.WAITING, 0, None)
    assert redone.run_after == house.clock.moment()
    assert house.events(job_id)[-1] == (JobEventType.REDONE, 1)
    lease = house.claim()
    assert (lease.job.id, lease.job.attempts, lease.fence) == (job_id, 1, 2)


def test_what_waits_or_runs_or_is_done_is_not_redone(house: House) -> None:
    job = house.ask(flavor())
    for state in (JobState.WAITING, JobState.RUNNING, JobState.SUCCEEDED):
        with pytest.raises(Conflict, match=state):
            house.store.redo(job.id)
        if state is JobState.WAITING:
            lease = house.claim()
        else:
            house.queue.finish(lease, Succeeded())
    assert len(house.events(job.id)) == 2


def test_a_job_is_not_redone_beside_another_one_for_the_same(house: House) -> None:
    job_id = parked(house)
    other = house.ask(flavor())
    with pytest.raises(Conflict, match=other.id):
        house.store.redo(job_id)


def test_a_redone_job_waits_for_another_one_for_the_same_that_runs(house: House) -> None:
    job_id = parked(house)
    lease = house.start(flavor())
    house.store.redo(job_id)
    assert house.queue.claim("worker") is None
    house.queue.finish(lease, Succeeded())
    assert house.claim().job.id == job_id


def test_what_a_job_requires_is_redone_first(house: House) -> None:
    required = parked(house)
    job = house.ask(node(requires=[required]))
    assert house.queue.claim("worker") is None
    with pytest.raises(Conflict, match=required):
        house.store.redo(job.id)
    house.store.redo(required)
    house.store.redo(job.id)
    lease = house.claim()
    assert lease.job.id == required
    house.queue.finish(lease, Succeeded())
    assert house.claim().job.id == job.id


# Cancel


def test_a_cancelled_job_is_not_done(house: House) -> None:
    job = house.ask(flavor())
    house.clock.time = 1
    cancelled = house.store.cancel(job.id)
    assert cancelled == house.job(job.id)
    assert (cancelled.state, cancelled.updated_at) == (JobState.CANCELLED, house.clock.moment())
    assert house.events(job.id)[-1] == (JobEventType.CANCELLED, 0)
    assert house.queue.claim("worker") is None
    assert house.ask(flavor()).id != job.id


def test_a_running_job_that_is_cancelled_is_nobodys(house: House) -> None:
    lease = house.start(flavor())
    cancelled = house.store.cancel(lease.job.id)
    assert (cancelled.lease_owner, cancelled.lease_expires_at) == (None, None)
    assert house.events(lease.job.id)[-1] == (JobEventType.CANCELLED, 1)
    assert house.start(flavor()).job.id != lease.job.id


def test_a_parked_one_is_put_away(house: House) -> None:
    job_id = parked(house)
    house.store.cancel(job_id)
    assert house.job(job_id).state is JobState.CANCELLED
    assert house.events(job_id)[-1][0] is JobEventType.CANCELLED
    house.clock.time += 10
    assert house.store.purge(house.clock.moment()) == 1


def test_what_is_done_or_cancelled_is_not_cancelled(house: House) -> None:
    job_id = parked(house)
    house.store.cancel(job_id)
    with pytest.raises(Conflict, match="cancelled already"):
        house.store.cancel(job_id)


# Purge


def test_old_jobs_go_with_their_story_and_failed_ones_stay(house: House) -> None:
    parked(house, "failed")
    house.queue.finish(house.start(flavor("done")), Succeeded())
    house.store.cancel(house.ask(flavor("cancelled")).id)
    house.start(flavor("running"))
    house.ask(flavor("waiting"))
    house.clock.time = 5
    house.store.cancel(house.ask(flavor("new")).id)
    assert house.store.purge(house.clock.moment()) == 2
    assert set(names(house)) == {"failed", "running", "waiting", "new"}
    with house.database.read() as connection:
        told = set(connection.scalars(sa.select(job_events.c.job_id)))
    assert told == {row.id for row in read_jobs(house.database)}


def test_a_purge_goes_on_until_all_is_gone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PURGED_AT_ONCE", 3)
    for job in house.requester.request(*(flavor(str(number)) for number in range(10))):
        house.store.cancel(job.id)
    assert house.store.purge(FUTURE) == 10
    assert read_jobs(house.database) == []


def test_what_another_job_requires_stays_as_long_as_that_one(house: House) -> None:
    required = house.ask(flavor())
    house.store.cancel(required.id)
    job = house.ask(node(requires=[required.id]))
    assert house.store.purge(FUTURE) == 0
    assert house.queue.claim("worker") is None
    assert house.job(job.id).state is JobState.FAILED
    house.store.redo(required.id)
    house.queue.finish(house.claim(), Succeeded())
    house.store.redo(job.id)
    house.queue.finish(house.claim(), Succeeded())
    assert house.store.purge(FUTURE) == 2
    assert read_requirements(house.database) == set()


def test_a_job_that_is_redone_meanwhile_is_not_purged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    job = house.ask(flavor())
    house.store.cancel(job.id)
    transact = house.database.transact

    def redo_before(work: Any) -> Any:
        monkeypatch.setattr(house.database, "transact", transact)
        house.store.redo(job.id)
        return transact(work)

    monkeypatch.setattr(house.database, "transact", redo_before)
    assert house.store.purge(FUTURE) == 0
    assert house.queue.finish(house.claim(), HandedBack()).state is JobState.WAITING
