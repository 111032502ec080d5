"""A lease is kept by renewing it; one that has expired is somebody else's."""

import pytest
from tests.unit.db.rows import add_site, site_names
from tests.unit.jobs.house import LEASE, House
from tests.unit.jobs.rows import flavor, node

from tricircle.errors import LeaseLost
from tricircle.jobs.job import JobEventType, JobState
from tricircle.jobs.outcome import Succeeded

pytestmark = pytest.mark.every_database

LOST, PARKED = JobEventType.LOST, JobEventType.FAILED


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
