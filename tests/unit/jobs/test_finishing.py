"""How an attempt at a job ends, and what is written of it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from oslo_db.exception import DBConnectionError
from tests.unit.clock import NOON
from tests.unit.db.rows import add_site, site_names
from tests.unit.jobs.house import House
from tests.unit.jobs.rows import flavor, node, read_jobs

from tricircle.errors import DatabaseUnavailable, LeaseLost
from tricircle.jobs.job import JobEventType, JobState
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded

pytestmark = pytest.mark.every_database


def test_success_is_written_with_what_follows_from_it(house: House) -> None:
    lease = house.start(flavor())
    ended = house.queue.finish(
        lease,
        Succeeded("found", work=lambda connection: add_site(connection, "followed")),
        progress={"step": "last"},
    )
    assert ended == house.job(lease.job.id)
    assert (ended.state, ended.cause, ended.attempts) == (JobState.SUCCEEDED, "found", 1)
    assert (ended.lease_owner, ended.lease_expires_at) == (None, None)
    assert ended.progress == {"step": "last"}
    assert site_names(house.database) == {"followed"}
    assert house.events(lease.job.id)[1:] == [(JobEventType.SUCCEEDED, 1)]


def test_what_cannot_be_written_leaves_the_job_running(house: House) -> None:
    lease = house.start(flavor())

    def work(connection: sa.Connection) -> None:
        add_site(connection, "half")
        raise KeyError

    with pytest.raises(KeyError):
        house.queue.finish(lease, Succeeded(work=work))
    assert house.job(lease.job.id) == lease.job
    assert site_names(house.database) == set()
    assert house.queue.finish(lease, Failed("half")).state is JobState.WAITING


def test_a_failure_is_retried_later_and_later(
    house: House, retries_without_luck: Callable[[int], float]
) -> None:
    job_id = house.ask(flavor()).id
    for attempt in (1, 2, 3):
        ended = house.queue.finish(house.claim(), Failed("no room", site_request_id="req-site"))
        assert (ended.state, ended.attempts, ended.cause) == (JobState.WAITING, attempt, "no room")
        wait = retries_without_luck(attempt)
        assert (ended.run_after - house.clock.moment()).total_seconds() == wait
        assert house.queue.claim("worker") is None
        house.clock.time += wait
    story = house.store.show(job_id)
    assert [(event.event, event.attempt) for event in story.events[1:]] == [
        (JobEventType.RETRIED, attempt) for attempt in (1, 2, 3)
    ]
    assert (story.events[-1].cause, story.events[-1].site_request_id) == ("no room", "req-site")


def test_a_job_that_fails_to_the_bound_is_parked(house: House) -> None:
    job = house.ask(node())
    for _ in range(3):
        ended = house.queue.finish(house.claim(), Failed("no"))
        house.clock.time += 1000
    assert (ended.state, ended.attempts, ended.cause) == (JobState.FAILED, 3, "no")
    assert house.events(job.id)[-1] == (JobEventType.FAILED, 3)
    assert house.queue.claim("worker") is None


def test_a_failure_that_trying_again_cannot_help_is_parked(house: House) -> None:
    ended = house.queue.finish(house.start(flavor()), Failed("x" * 5000, is_final=True))
    assert (ended.state, ended.attempts) == (JobState.FAILED, 1)
    assert ended.cause == "x" * 4000


@pytest.mark.parametrize(
    ("outcome", "seconds", "event"),
    [(Postponed(7, "too early"), 7, JobEventType.POSTPONED), (HandedBack(), 0, JobEventType.HANDED_BACK)],
)
def test_what_is_nobodys_fault_does_not_count(
    house: House, outcome: Outcome, seconds: int, event: JobEventType
) -> None:
    lease = house.start(node())
    ended = house.queue.finish(lease, outcome)
    assert (ended.state, ended.attempts) == (JobState.WAITING, 0)
    assert ended.run_after == NOON.replace(second=seconds)
    assert house.events(lease.job.id)[1:] == [(event, 1)]
    house.clock.time += seconds
    again = house.claim()
    assert (again.job.attempts, again.fence) == (1, 2)


@pytest.mark.parametrize("outcome", [Succeeded("done"), Failed("no"), Postponed(5, "early"), HandedBack()])
def test_to_say_it_twice_changes_nothing(house: House, outcome: Outcome) -> None:
    lease = house.start(flavor())
    first = house.queue.finish(lease, outcome)
    events = house.events(lease.job.id)
    assert house.queue.finish(lease, outcome) == first
    assert house.events(lease.job.id) == events


def test_an_end_whose_answer_was_lost_can_be_said_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = house.start(flavor())

    outcome = Succeeded(work=lambda connection: add_site(connection, "once"))
    dialect = house.database.engine.dialect
    commit = dialect.do_commit

    def commit_and_lose(connection: Any) -> None:
        commit(connection)
        raise DBConnectionError

    with monkeypatch.context() as lossy:
        lossy.setattr(dialect, "do_commit", commit_and_lose)
        with pytest.raises(DatabaseUnavailable):
            house.queue.finish(lease, outcome)
    assert house.queue.finish(lease, outcome).state is JobState.SUCCEEDED
    assert site_names(house.database) == {"once"}


@pytest.mark.parametrize("make", [Failed, Succeeded, lambda cause: Postponed(1, cause)])
def test_a_cause_is_kept_on_one_line(house: House, make: Callable[[str], Outcome]) -> None:
    ended = house.queue.finish(house.start(flavor()), make("No.\n\n <class\t'No'>\r\n"))
    assert ended.cause == "No. <class 'No'>"


def test_what_a_site_says_can_be_kept_whatever_it_is(house: House) -> None:
    lease = house.start(flavor())
    job = house.queue.finish(lease, Failed("a\0b", "req-" + "1" * 300, is_final=True))
    assert (job.state, job.cause) == (JobState.FAILED, "ab")
    assert house.store.show(job.id).events[-1].site_request_id == ("req-" + "1" * 300)[:255]


def test_a_job_that_was_cancelled_or_purged_cannot_be_finished(house: House) -> None:
    lease = house.start(flavor())
    house.store.cancel(lease.job.id)
    for _ in ("cancelled", "purged"):
        assert house.queue.renew([lease], {}) == set()
        with pytest.raises(LeaseLost):
            house.queue.finish(lease, Succeeded())
        house.clock.time = 1
        house.store.purge(house.clock.moment())
    assert read_jobs(house.database) == []
