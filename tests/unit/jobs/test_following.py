"""Whether what is defined is what the top has."""

import pytest

from tricircle.db.engine import Database
from tricircle.jobs import following
from tricircle.jobs.job import Request
from tricircle.jobs.outcome import Failed
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import FOLLOW, REPLICATE

pytestmark = pytest.mark.every_database


def test_changes_are_under_way_from_when_they_are_told_until_they_are_taken_over(database: Database) -> None:
    requester, queue = JobRequester(database), JobQueue(database)
    requester.request(Request(FOLLOW.name, "port", "p"), Request(REPLICATE.name, "network", "n", "one"))
    assert not following.is_under_way(database)
    requester.request(Request(FOLLOW.name, "subnet", "s", delay=60))
    assert following.is_under_way(database), "it waits"
    requester.request(Request(FOLLOW.name, "subnet", "s"))
    while (lease := queue.claim("worker")) is not None and lease.job.resource_id != "s":
        queue.finish(lease, Failed("enough", is_final=True))
    assert lease is not None
    assert following.is_under_way(database), "it runs"
    queue.finish(lease, Failed("enough", is_final=True))
    assert not following.is_under_way(database)
