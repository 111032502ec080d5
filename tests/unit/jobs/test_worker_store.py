"""The workers that there are."""

import pytest
from tests.unit.clock import NOON, Clock

from tricircle.db.engine import Database
from tricircle.jobs.worker_store import WorkerRecord, WorkerStore

pytestmark = pytest.mark.every_database


@pytest.fixture
def workers(database: Database, clock: Clock) -> WorkerStore:
    return WorkerStore(database, patience=10.0, clock=clock.moment)


def test_a_worker_is_alive_as_long_as_it_is_heard_of(workers: WorkerStore, clock: Clock) -> None:
    workers.tell("b", "host-b")
    clock.time = 5
    workers.tell("a", "host-a")
    workers.tell("b", "host-b")
    early, late = NOON, NOON.replace(second=5)
    assert workers.all() == [
        WorkerRecord("a", "host-a", late, late, alive=True),
        WorkerRecord("b", "host-b", early, late, alive=True),
    ]
    clock.time = 15
    assert [worker.alive for worker in workers.all()] == [True, True]
    clock.time = 15.000001
    assert [worker.alive for worker in workers.all()] == [False, False]


def test_a_worker_that_tells_the_same_moment_twice_is_one(workers: WorkerStore) -> None:
    workers.tell("a", "host")
    workers.tell("a", "host")
    assert len(workers.all()) == 1


def test_a_worker_that_leaves_is_forgotten(workers: WorkerStore) -> None:
    workers.tell("a", "host")
    workers.tell("b", "host")
    workers.leave("a")
    workers.leave("a")
    assert [worker.name for worker in workers.all()] == ["b"]


def test_workers_that_are_silent_for_long_are_forgotten(workers: WorkerStore, clock: Clock) -> None:
    workers.tell("old", "host")
    clock.time = 5
    workers.tell("new", "host")
    workers.purge(clock.moment())
    assert [worker.name for worker in workers.all()] == ["new"]
