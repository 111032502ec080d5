"""Leasing jobs, and finishing them."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from oslo_db.exception import DBConnectionError
from tests.unit.clock import NOON
from tests.unit.db.rows import add_site, site_names
from tests.unit.jobs.house import LEASE, House
from tests.unit.jobs.rows import add_of_the_future, flavor, node, read_jobs, read_requirements

from tricircle.db.tables import jobs
from tricircle.errors import DatabaseUnavailable, LeaseLost
from tricircle.jobs import queue as queue_module
from tricircle.jobs.job import JobEventType, JobState, Lease, Request
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded
from tricircle.jobs.queue import TOP
from tricircle.jobs.types import FOLLOW

pytestmark = pytest.mark.every_database

LOST, PARKED = JobEventType.LOST, JobEventType.FAILED


def drain(house: House) -> list[str]:
    """Lease all that can be leased; tell what it is about."""
    return [lease.job.resource_id for lease in iter(lambda: house.queue.claim("worker"), None)]


# What is leased


def test_a_leased_job_is_the_workers(house: House) -> None:
    lease = house.start(flavor(), owner="worker-1")
    assert lease.job == house.job(lease.job.id)
    assert (lease.owner, lease.fence) == ("worker-1", 1)
    assert (lease.job.state, lease.job.attempts, lease.job.lease_owner) == (JobState.RUNNING, 1, "worker-1")
    assert lease.job.lease_expires_at == NOON.replace(second=int(LEASE))
    assert house.queue.claim("worker-2") is None


def test_the_more_urgent_and_then_the_one_that_was_due_first_is_leased_first(house: House) -> None:
    house.ask(flavor("usual", priority=50))
    house.ask(flavor("late", priority=10, delay=2))
    house.ask(flavor("early", priority=10, delay=1))
    house.ask(flavor("not yet", priority=1, delay=60))
    house.clock.time = 3
    assert drain(house) == ["early", "late", "usual"]


def test_a_job_is_due_at_its_time(house: House) -> None:
    house.ask(flavor(delay=5))
    house.clock.time = 4.999999
    assert house.queue.claim("worker") is None
    house.clock.time = 5
    assert house.queue.claim("worker") is not None


def test_what_a_worker_has_enough_of_is_passed_over(house: House) -> None:
    house.ask(flavor("busy site", site="one", project="p"))
    house.ask(flavor("busy project", site="two", project="q"))
    house.ask(flavor("free", site="two", project="p"))
    house.ask(flavor("of nobody", site="two"))
    leases = [house.queue.claim("worker", busy_sites=["one"], busy_projects=["q"]) for _ in range(3)]
    assert {lease.job.resource_id for lease in leases if lease} == {"free", "of nobody"}
    assert {lease.job.resource_id for lease in (house.claim(), house.claim())} == {
        "busy site",
        "busy project",
    }


def test_what_is_for_no_site_is_passed_over_where_there_is_enough_for_the_top(house: House) -> None:
    house.ask(Request(FOLLOW.name, "network", "of the top"))
    house.ask(flavor("of a site", site="two"))
    leases = [house.queue.claim("worker", busy_sites=["one", TOP]) for _ in range(2)]
    assert [lease.job.resource_id for lease in leases if lease] == ["of a site"]
    assert house.claim().job.resource_id == "of the top"


def test_what_a_worker_has_enough_of_is_not_taken_over_either(house: House) -> None:
    house.start(flavor(site="one"))
    house.clock.time = LEASE
    assert house.queue.claim("worker", busy_sites=["one"]) is None
    assert house.queue.claim("worker", busy_sites=["two"]) is not None


def test_the_same_is_not_done_twice_at_a_time(house: House) -> None:
    lease = house.start(flavor())
    later = house.ask(flavor(mend=True))
    assert house.queue.claim("worker-2") is None
    house.queue.finish(lease, Succeeded())
    assert house.claim("worker-2").job.id == later.id


@pytest.mark.parametrize("progress", ["{", "[]", "5", ""])
def test_progress_that_makes_no_sense_holds_up_nothing(house: House, progress: str) -> None:
    house.ask(flavor("spoilt"))
    with house.database.write() as connection:
        connection.execute(sa.update(jobs).values(progress=progress))
    house.clock.time = 1
    house.ask(flavor("sound"))
    lease = house.claim()
    assert (lease.job.resource_id, lease.job.progress) == ("spoilt", {})
    assert house.queue.finish(lease, Succeeded()).progress == {}
    assert drain(house) == ["sound"]


def test_jobs_of_an_unknown_type_are_left_alone(house: House) -> None:
    add_of_the_future(house.database, "runs", like=house.start(flavor()).job.id)
    add_of_the_future(house.database, "waits", like=house.ask(node()).id)
    house.clock.time = 1000
    drain(house)
    assert {row.id: row.state for row in read_jobs(house.database) if row.type == "teleport"} == {
        "waits": JobState.WAITING,
        "runs": JobState.RUNNING,
    }
    assert house.store.cancel("waits").state is JobState.CANCELLED


def test_many_that_are_being_taken_do_not_hide_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = house.requester.request(*(flavor(f"{number:02}") for number in range(40)))
    order = sorted(job.id for job in made)
    take = house.queue._take

    def take_what_others_leave(connection: sa.Connection, *, job_id: str, owner: str) -> Lease | None:
        return None if job_id in order[:35] else take(connection, job_id=job_id, owner=owner)

    monkeypatch.setattr(house.queue, "_take", take_what_others_leave)
    assert house.claim().job.id == order[35]


# Leases


def test_a_lease_that_is_renewed_does_not_expire(house: House) -> None:
    lease = house.start(flavor())
    for _ in range(3):
        house.clock.time += LEASE - 1
        assert house.queue.renew([lease], {lease.job.id: {"step": "two"}}) == {lease.job.id}
        assert house.queue.claim("other") is None
    assert house.job(lease.job.id).progress == {"step": "two"}
    assert house.queue.renew([lease], {}) == {lease.job.id}
    assert house.job(lease.job.id).progress == {"step": "two"}


def test_an_expired_lease_is_taken_over_before_anything_else(house: House) -> None:
    lease = house.start(flavor(), owner="dead")
    house.ask(flavor("urgent", priority=1))
    house.clock.time = LEASE - 0.000001
    assert house.claim().job.resource_id == "urgent"
    house.clock.time = LEASE
    taken = house.claim("heir")
    assert (taken.job.id, taken.fence, taken.job.attempts) == (lease.job.id, 2, 2)
    assert house.events(lease.job.id)[1:] == [(LOST, 1)]
    assert "dead" in str(house.store.show(lease.job.id).events[-1].cause)


def test_a_worker_that_comes_back_from_the_dead_changes_nothing(house: House) -> None:
    lease = house.start(flavor(), owner="dead")
    house.clock.time = LEASE
    house.claim("heir")
    before = house.job(lease.job.id)
    assert house.queue.renew([lease], {lease.job.id: {"step": "old"}}) == set()
    with pytest.raises(LeaseLost):
        house.queue.finish(lease, Succeeded(work=lambda connection: add_site(connection, "never")))
    assert house.job(lease.job.id) == before
    assert site_names(house.database) == set()


def test_an_expired_lease_that_nobody_took_is_still_good(house: House) -> None:
    lease = house.start(flavor())
    house.clock.time = 2 * LEASE
    assert house.queue.renew([lease], {}) == {lease.job.id}
    assert house.queue.claim("other") is None


def test_a_job_whose_worker_always_dies_is_parked(house: House) -> None:
    job = house.ask(node())
    for attempt in (1, 2, 3):
        assert house.claim(f"worker-{attempt}").job.attempts == attempt
        house.clock.time += LEASE
    assert house.queue.claim("worker-4") is None
    parked = house.job(job.id)
    assert (parked.state, parked.attempts, parked.lease_owner) == (JobState.FAILED, 3, None)
    assert "worker-3" in str(parked.cause)
    assert house.events(job.id)[1:] == [(LOST, 1), (LOST, 2), (LOST, 3), (PARKED, 3)]


def test_the_last_worker_of_a_parked_job_has_lost_it(house: House) -> None:
    house.ask(node())
    for _ in range(3):
        lease = house.claim()
        house.clock.time += LEASE
    assert house.queue.claim("worker") is None
    with pytest.raises(LeaseLost):
        house.queue.finish(lease, Succeeded())


# How attempts end


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
    assert house.events(job.id)[-1] == (PARKED, 3)
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


# A later request for the same


@pytest.mark.parametrize(
    "outcome", [Failed("no"), Failed("never", is_final=True), Postponed(5, "early"), HandedBack()]
)
def test_what_is_not_done_is_left_to_a_later_request(house: House, outcome: Outcome) -> None:
    lease = house.start(flavor())
    dependent = house.ask(node(requires=[lease.job.id]))
    later = house.ask(flavor(mend=True))
    ended = house.queue.finish(lease, outcome)
    assert ended.state is JobState.CANCELLED
    assert later.id in str(ended.cause)
    assert house.events(ended.id)[1:] == [(JobEventType.SUPERSEDED, 1)]
    assert read_requirements(house.database) == {(dependent.id, later.id)}
    assert house.claim().job.id == later.id
    assert house.queue.claim("worker") is None


def test_what_a_dead_worker_leaves_is_left_to_a_later_request(house: House) -> None:
    lease = house.start(flavor())
    dependent = house.ask(node(requires=[lease.job.id]))
    later = house.ask(flavor(mend=True))
    house.clock.time = LEASE
    assert house.claim().job.id == later.id
    assert house.job(lease.job.id).state is JobState.CANCELLED
    assert house.events(lease.job.id)[1:] == [(LOST, 1), (JobEventType.SUPERSEDED, 1)]
    assert read_requirements(house.database) == {(dependent.id, later.id)}
    with pytest.raises(LeaseLost):
        house.queue.finish(lease, Succeeded())


def test_success_is_not_taken_back_by_a_later_request(house: House) -> None:
    lease = house.start(flavor())
    house.ask(flavor(mend=True))
    assert house.queue.finish(lease, Succeeded()).state is JobState.SUCCEEDED


@pytest.mark.only_on("postgresql")  # on the others whoever looks for a later request keeps it out
def test_a_request_that_comes_while_an_attempt_ends_is_heeded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = house.start(flavor())
    look = queue_module._later
    looks: list[str] = []

    def look_and_be_late(connection: sa.Connection, job: object) -> str | None:
        found = look(connection, job)  # type: ignore[arg-type]
        if not looks:
            looks.append(house.ask(flavor(mend=True)).id)
        return found

    monkeypatch.setattr(queue_module, "_later", look_and_be_late)
    assert house.queue.finish(lease, Failed("no")).state is JobState.CANCELLED
    assert house.claim().job.id == looks[0]


def test_jobs_whose_requirement_is_superseded_never_wait_in_a_circle(house: House) -> None:
    lease = house.start(flavor())
    between = house.ask(node(requires=[lease.job.id]))
    later = house.ask(flavor(mend=True, requires=[between.id]))
    house.queue.finish(lease, Failed("no"))
    # Priorities are looked at one after the other: the more urgent one is parked by the next look.
    assert drain(house) + drain(house) == []
    for job_id in (between.id, later.id):
        assert house.job(job_id).state is JobState.FAILED
        assert "It requires job" in str(house.job(job_id).cause)


# Requirements


def test_a_job_waits_until_all_that_it_requires_has_succeeded(house: House) -> None:
    one, two = house.requester.request(flavor("a"), flavor("b"))
    house.ask(node(requires=[one.id, two.id], priority=1))
    leases = [house.claim(), house.claim()]
    for lease in leases:
        assert house.queue.claim("worker") is None
        house.queue.finish(lease, Succeeded())
    assert house.claim().job.type == "node"


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_job_whose_requirement_came_to_nothing_is_parked(house: House, end: str) -> None:
    required = house.start(flavor())
    job = house.ask(node(requires=[required.job.id]))
    after = house.ask(node("two", requires=[job.id]))
    if end == "failed":
        house.queue.finish(required, Failed("no", is_final=True))
    else:
        house.store.cancel(required.job.id)
    assert house.queue.claim("worker") is None
    parked = house.job(job.id)
    assert (parked.state, parked.attempts) == (JobState.FAILED, 0)
    assert parked.cause == f"It requires job {required.job.id} (replicate), which is {end}."
    assert house.events(job.id)[1:] == [(PARKED, 0)]
    assert house.job(after.id).state is JobState.FAILED


def test_a_requirement_that_comes_between_the_look_and_the_lease_is_heeded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    required = house.ask(flavor(delay=60))
    house.ask(node())
    take = house.queue._take

    def come_between(connection: sa.Connection, *, job_id: str, owner: str) -> Lease | None:
        house.requester.enqueue(connection, node(requires=[required.id]))
        return take(connection, job_id=job_id, owner=owner)

    monkeypatch.setattr(house.queue, "_take", come_between)
    assert house.queue.claim("worker") is None


# When to look again


def test_the_next_moment_at_which_a_job_falls_due(house: House) -> None:
    assert house.queue.next_due() is None
    house.ask(flavor("now"))
    assert house.queue.next_due() is None
    house.ask(flavor("later", delay=60))
    future = house.ask(flavor("soon", delay=30))
    assert house.queue.next_due() == NOON.replace(second=30)
    add_of_the_future(house.database, "unknown", like=future.id)
    house.store.cancel(future.id)
    assert house.queue.next_due() == NOON.replace(minute=1)


@pytest.mark.only_on("sqlite")  # whose plan does not hang on how much there is
def test_what_is_due_is_read_from_the_index_in_its_order(house: House) -> None:
    due = queue_module._due(NOON, 10).compile(house.database.engine, compile_kwargs={"literal_binds": True})
    with house.database.read() as connection:
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {due}")]
    assert plan[0] == "SEARCH jobs USING INDEX ix_jobs_next (state=? AND priority=? AND run_after<?)"
    assert not [step for step in plan if "TEMP B-TREE" in step]
