"""Which job a worker is given, and when it is worth to look again."""

import pytest
import sqlalchemy as sa
from tests.unit.clock import NOON
from tests.unit.jobs.house import LEASE, House
from tests.unit.jobs.rows import add_of_the_future, flavor, node, read_jobs

from tricircle.db.tables import jobs
from tricircle.jobs import queue as queue_module
from tricircle.jobs.job import JobEventType, JobState, Lease, Request
from tricircle.jobs.outcome import Failed, Succeeded
from tricircle.jobs.queue import TOP
from tricircle.jobs.types import FOLLOW

pytestmark = pytest.mark.every_database


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
    assert house.drain() == ["early", "late", "usual"]


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
    assert house.drain() == ["sound"]


def test_jobs_of_an_unknown_type_are_left_alone(house: House) -> None:
    add_of_the_future(house.database, "runs", like=house.start(flavor()).job.id)
    add_of_the_future(house.database, "waits", like=house.ask(node()).id)
    house.clock.time = 1000
    house.drain()
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
    assert house.events(job.id)[1:] == [(JobEventType.FAILED, 0)]
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
