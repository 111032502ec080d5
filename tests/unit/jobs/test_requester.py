"""Asking for jobs."""

import pytest
import sqlalchemy as sa
from tests.unit.clock import NOON
from tests.unit.jobs.house import House
from tests.unit.jobs.rows import flavor, node, read_jobs, read_requirements

from tricircle.errors import BadRequest
from tricircle.jobs.job import JobEventType, JobState, Request
from tricircle.jobs.outcome import Failed, Succeeded
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import URGENT, AdoptParameters, ReplicateParameters

pytestmark = pytest.mark.every_database


def test_what_is_asked_for_waits(house: House) -> None:
    house.clock.time = 0.123456
    job = house.ask(flavor(project="p", request_id="req-1", delay=5.5))
    assert job == house.job(job.id)
    assert (job.type, job.resource_type, job.resource_id) == ("replicate", "flavor", "small")
    assert (job.site_id, job.project_id, job.request_id) == ("one", "p", "req-1")
    assert (job.state, job.priority, job.attempts, job.fence) == (JobState.WAITING, URGENT, 0, 0)
    assert job.parameters == b'{"mend":false,"is_precaution":false}'
    assert job.created_at == NOON.replace(microsecond=123456)
    assert job.run_after == NOON.replace(second=5, microsecond=623456)
    assert house.events(job.id) == [(JobEventType.REQUESTED, 0)]


def test_a_second_request_for_the_same_changes_the_first(house: House) -> None:
    first = house.ask(flavor(delay=60, request_id="req-1"))
    house.clock.time = 1
    second = house.ask(flavor(mend=True, delay=5, priority=URGENT - 1, request_id="req-2"))
    assert second == house.job(first.id)
    assert (second.id, second.parameters, second.request_id) == (
        first.id,
        b'{"mend":true,"is_precaution":false}',
        "req-2",
    )
    assert (second.priority, second.run_after) == (URGENT - 1, NOON.replace(second=6))
    assert (second.created_at, second.updated_at) == (NOON, NOON.replace(second=1))
    assert house.events(first.id) == [(JobEventType.REQUESTED, 0), (JobEventType.MERGED, 0)]
    assert len(read_jobs(house.database)) == 1


def test_a_wish_to_mend_is_not_lost_in_a_later_request_without_it(house: House) -> None:
    first = house.ask(flavor(mend=True))
    assert house.ask(flavor()).parameters == first.parameters == b'{"mend":true,"is_precaution":false}'


def test_a_later_one_does_not_make_it_later_or_less_urgent(house: House) -> None:
    first = house.ask(flavor(delay=5, priority=1))
    second = house.ask(flavor(mend=True, delay=60, priority=99))
    assert (second.run_after, second.priority) == (first.run_after, 1)


def test_the_same_once_more_is_no_event(house: House) -> None:
    first = house.ask(flavor())
    house.clock.time = 1
    assert house.ask(flavor()) == first
    assert house.events(first.id) == [(JobEventType.REQUESTED, 0)]


def test_a_request_that_was_overtaken_changes_nothing(house: House) -> None:
    house.clock.time = 1
    first = house.ask(flavor())
    late = JobRequester(house.database, clock=iter([NOON, house.clock.moment()]).__next__)
    assert late.request(flavor()) == [first]
    assert house.events(first.id) == [(JobEventType.REQUESTED, 0)]


def test_a_merge_into_a_job_that_has_been_tried_says_so(house: House) -> None:
    lease = house.start(flavor())
    house.queue.finish(lease, Failed("no"))
    merged = house.ask(flavor(mend=True))
    assert (merged.id, merged.attempts) == (lease.job.id, 1)
    assert house.events(merged.id)[-1] == (JobEventType.MERGED, 1)


@pytest.mark.parametrize(
    "other",
    [
        flavor("large"),
        flavor(site="two"),
        Request("after_delete", "flavor", "small", site_id="one"),
        Request("replicate", "volume_type", "small", site_id="one", parameters=ReplicateParameters()),
    ],
)
def test_requests_for_different_things_are_different_jobs(house: House, other: Request) -> None:
    assert house.ask(flavor()).id != house.ask(other).id


def test_what_runs_is_not_changed_but_asked_for_again(house: House) -> None:
    lease = house.start(flavor())
    later = house.ask(flavor(mend=True))
    assert later.id != lease.job.id
    assert house.job(lease.job.id).parameters == b'{"mend":false,"is_precaution":false}'


def test_requests_are_all_made_or_none(house: House) -> None:
    with pytest.raises(BadRequest):
        house.requester.request(flavor(), Request("replicate", "server", "s", site_id="one"))
    assert read_jobs(house.database) == []


def test_jobs_are_returned_in_the_order_of_the_requests(house: House) -> None:
    made = house.requester.request(flavor("b"), flavor("a"), flavor("b", mend=True), flavor("c"))
    assert [job.resource_id for job in made] == ["b", "a", "b", "c"]
    assert made[0].id == made[2].id
    assert house.job(made[0].id).parameters == b'{"mend":true,"is_precaution":false}'
    assert house.requester.request() == []


@pytest.mark.parametrize(
    "wrong",
    [
        Request("teleport", "server", "s", site_id="one"),
        Request("replicate", "server", "s", site_id="one"),
        Request("replicate", "flavor", "f"),
        Request("replicate", "flavor", "f", site_id="one", parameters=AdoptParameters()),
        Request("intent", "server", "s", site_id="one"),
        flavor(requires=["none"]),
    ],
    ids=[
        "unknown type",
        "about something else",
        "no site",
        "other parameters",
        "no parameters",
        "requires what is not there",
    ],
)
def test_what_makes_no_sense_is_refused(house: House, wrong: Request) -> None:
    with pytest.raises(BadRequest):
        house.requester.request(wrong)
    assert read_jobs(house.database) == []


def test_a_job_stands_or_falls_with_the_transaction_that_it_follows_from(house: House) -> None:
    merged_into = house.ask(flavor())

    def work(connection: sa.Connection) -> None:
        house.requester.enqueue(connection, flavor(mend=True))
        house.requester.enqueue(connection, node(requires=[merged_into.id]))
        raise KeyError

    with pytest.raises(KeyError):
        house.database.transact(work)
    (row,) = read_jobs(house.database)
    assert (row.id, row.parameters) == (merged_into.id, '{"mend":false,"is_precaution":false}')
    assert house.events(merged_into.id) == [(JobEventType.REQUESTED, 0)]


def test_what_is_required_is_added_once(house: House) -> None:
    one, two = house.requester.request(flavor("a"), flavor("b"))
    job = house.ask(node(requires=[one.id, one.id]))
    house.ask(node(requires=[one.id, two.id]))
    assert read_requirements(house.database) == {(job.id, one.id), (job.id, two.id)}


def test_a_job_does_not_wait_for_itself(house: House) -> None:
    job = house.ask(flavor())
    assert house.ask(flavor(requires=[job.id])).id == job.id
    assert house.claim().job.id == job.id


def test_jobs_do_not_wait_for_each_other_in_a_circle(house: House) -> None:
    one = house.ask(flavor("a"))
    two = house.ask(flavor("b", requires=[one.id]))
    three = house.ask(flavor("c", requires=[two.id]))
    with pytest.raises(BadRequest):
        house.ask(flavor("a", mend=True, requires=[three.id]))
    assert house.job(one.id).parameters == b'{"mend":false,"is_precaution":false}'


def test_what_is_so_already_is_not_done(house: House) -> None:
    job = house.ask(flavor(delay=60))
    house.clock.time = 1
    done = house.database.transact(lambda connection: house.requester.complete(connection, job.id, "made"))
    assert done
    ended = house.job(job.id)
    assert (ended.state, ended.cause, ended.updated_at) == (
        JobState.SUCCEEDED,
        "made",
        NOON.replace(second=1),
    )
    assert house.events(job.id) == [(JobEventType.REQUESTED, 0), (JobEventType.SUCCEEDED, 0)]
    assert house.ask(flavor()).id != job.id


def test_a_completion_that_is_rolled_back_did_not_happen(house: House) -> None:
    job = house.ask(flavor())

    def work(connection: sa.Connection) -> None:
        assert house.requester.complete(connection, job.id)
        raise KeyError

    with pytest.raises(KeyError):
        house.database.transact(work)
    assert house.job(job.id) == job


def test_what_a_worker_has_or_has_done_is_not_completed(house: House) -> None:
    lease = house.start(flavor())

    def complete(job_id: str) -> bool:
        return house.database.transact(lambda connection: house.requester.complete(connection, job_id))

    assert not complete(lease.job.id)
    house.queue.finish(lease, Succeeded())
    before = house.events(lease.job.id)
    assert not complete(lease.job.id)
    assert not complete("none")
    assert house.events(lease.job.id) == before


def test_what_waits_is_hastened_by_what_it_is_for(house: House) -> None:
    request = flavor(delay=60)
    assert house.requester.hasten_waiting(request.key) == []
    job = house.ask(request)
    (hastened,) = house.requester.hasten_waiting(request.key)
    assert (hastened.id, hastened.run_after) == (job.id, NOON)
    assert house.requester.hasten_waiting(request.key) == [], "it is due"
    assert house.claim().job.id == job.id
    assert house.requester.hasten_waiting(request.key) == []


def test_a_job_can_be_hastened_and_never_delayed(house: House) -> None:
    job = house.ask(flavor(delay=60))
    house.requester.hasten(job.id, 10)
    assert house.job(job.id).run_after == NOON.replace(second=10)
    house.requester.hasten(job.id, 20)
    assert house.job(job.id).run_after == NOON.replace(second=10)
    house.requester.hasten(job.id)
    assert house.claim().job.id == job.id
    running = house.job(job.id)
    house.requester.hasten(job.id)
    house.requester.hasten("none")
    assert house.job(job.id) == running
