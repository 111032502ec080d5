"""A job that was asked for once more, while it ran, is left to the later request unless it is done."""

import pytest
import sqlalchemy as sa
from tests.unit.jobs.house import LEASE, House
from tests.unit.jobs.rows import flavor, node, read_requirements

from tricircle.errors import LeaseLost
from tricircle.jobs import queue as queue_module
from tricircle.jobs.job import JobEventType, JobState
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded

pytestmark = pytest.mark.every_database


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
    assert house.events(lease.job.id)[1:] == [(JobEventType.LOST, 1), (JobEventType.SUPERSEDED, 1)]
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
    assert house.drain() + house.drain() == []
    for job_id in (between.id, later.id):
        assert house.job(job_id).state is JobState.FAILED
        assert "It requires job" in str(house.job(job_id).cause)
