"""What a worker has in hand."""

import pytest
from tests.unit.clock import NOON, Clock

from tricircle.errors import LeaseLost
from tricircle.jobs.job import Job, JobState, Lease
from tricircle.jobs.queue import TOP
from tricircle.xjob.hand import Hand
from tricircle.xjob.task import Stopping

LEASE = 30.0


def lease(number: int = 1, site_id: str | None = "a", project_id: str | None = "p") -> Lease:
    """Make a lease of a job."""
    job = Job(
        id=f"job-{number}",
        type="node",
        resource_type="site",
        resource_id=f"resource-{number}",
        site_id=site_id,
        project_id=project_id,
        state=JobState.RUNNING,
        priority=50,
        parameters=b"{}",
        run_after=NOON,
        attempts=1,
        lease_owner="worker",
        lease_expires_at=NOON,
        fence=1,
        cause=None,
        progress={},
        request_id=None,
        created_at=NOON,
        updated_at=NOON,
    )
    return Lease(job, "worker", 1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hand(clock: Clock) -> Hand:
    return Hand(LEASE, clock=clock)


def test_a_lease_counts_from_when_it_was_asked_for(hand: Hand, clock: Clock) -> None:
    clock.time = 5.0
    held = hand.take(lease(), asked_at=1.0)
    clock.time = 30.9
    held.check()
    clock.time = 31.0
    with pytest.raises(LeaseLost):
        held.check()


def test_a_renewed_lease_is_good_for_longer_and_another_one_is_lost(hand: Hand, clock: Clock) -> None:
    kept, lost = hand.take(lease(1), 0.0), hand.take(lease(2), 0.0)
    hand.renewed([kept, lost], {"job-1"}, asked_at=20.0)
    clock.time = 49.0
    kept.check()
    with pytest.raises(LeaseLost):
        lost.check()


def test_a_job_taken_since_then_is_not_lost(hand: Hand) -> None:
    first = hand.take(lease(1), 0.0)
    second = hand.take(lease(2), 0.0)
    hand.renewed([first], set(), asked_at=0.0)
    second.check()


def test_a_worker_that_stops_has_each_job_end_at_its_next_step(hand: Hand) -> None:
    held = hand.take(lease(), 0.0)
    hand.tell_to_stop()
    with pytest.raises(Stopping):
        held.check()


def test_what_is_in_hand_is_counted(hand: Hand) -> None:
    a = [hand.take(lease(number), 0.0) for number in range(2)]
    hand.take(lease(3, site_id=None, project_id=None), 0.0)
    assert (hand.sites(), hand.projects(), len(hand)) == ({"a": 2, TOP: 1}, {"p": 2}, 3)
    hand.drop(a[0])
    assert (hand.sites(), hand.projects(), len(hand)) == ({"a": 1, TOP: 1}, {"p": 1}, 2)


def test_a_job_that_was_lost_and_taken_anew_stays_in_hand_when_the_old_attempt_ends(hand: Hand) -> None:
    old = hand.take(lease(1), 0.0)
    new = hand.take(lease(1), 0.0)
    hand.drop(old)
    assert hand.all() == [new]


def test_the_end_is_waited_for_with_a_bound(hand: Hand) -> None:
    held = hand.take(lease(), 0.0)
    assert not hand.wait_until_empty(0.0)
    hand.drop(held)
    assert hand.wait_until_empty(0.0)
