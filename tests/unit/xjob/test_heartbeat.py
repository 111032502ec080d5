"""A worker's heartbeat."""

import logging
from typing import Any

import pytest
from tests.unit.clock import Clock
from tests.unit.jobs.house import LEASE, House

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable, LeaseLost
from tricircle.jobs.job import Request
from tricircle.jobs.worker_store import WorkerStore
from tricircle.xjob.hand import Hand, Held
from tricircle.xjob.heartbeat import Heartbeat
from tricircle.xjob.task import Task


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(database: Database, clock: Clock) -> House:
    return House(database, clock)


@pytest.fixture
def hand(clock: Clock) -> Hand:
    return Hand(LEASE, clock=clock)


@pytest.fixture
def workers(house: House, clock: Clock) -> WorkerStore:
    return WorkerStore(house.database, patience=LEASE, clock=clock.moment)


@pytest.fixture
def heartbeat(house: House, hand: Hand, workers: WorkerStore) -> Heartbeat:
    return Heartbeat(house.queue, workers, hand, name="w:1", host="w", interval=10.0)


def take(house: House, hand: Hand, resource_id: str) -> Held:
    """Have a job in hand."""
    held = hand.take(house.start(Request("node", "site", resource_id, "a")), hand.clock())
    engine: Any = None
    held.task = Task(engine, held.lease, held.check)
    return held


def test_leases_live_as_long_as_it_beats(
    house: House, hand: Hand, heartbeat: Heartbeat, clock: Clock
) -> None:
    held = take(house, hand, "r")
    for _ in range(5):
        clock.time += LEASE - 1
        heartbeat.beat()
    held.check()
    assert house.queue.claim("other") is None


def test_a_job_that_somebody_else_has_is_lost(
    house: House, hand: Hand, heartbeat: Heartbeat, clock: Clock
) -> None:
    lost, kept = take(house, hand, "r"), take(house, hand, "s")
    house.store.cancel(lost.job.id)
    heartbeat.beat()
    kept.check()
    with pytest.raises(LeaseLost):
        lost.check()


def test_what_jobs_say_of_themselves_is_written_once(
    house: House, hand: Hand, heartbeat: Heartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    renew = house.queue.renew
    monkeypatch.setattr(
        house.queue, "renew", lambda leases, progress: written.append(progress) or renew(leases, progress)
    )
    held = take(house, hand, "r")
    assert held.task is not None
    held.task.step("count", seen=3)
    heartbeat.beat()
    heartbeat.beat()
    held.task.step("count", seen=4)
    heartbeat.beat()
    assert written == [
        {held.job.id: {"step": "count", "seen": 3}},
        {},
        {held.job.id: {"step": "count", "seen": 4}},
    ]
    assert house.job(held.job.id).progress == {"step": "count", "seen": 4}


def test_the_worker_is_known_to_live(heartbeat: Heartbeat, workers: WorkerStore, clock: Clock) -> None:
    heartbeat.beat()
    clock.time = LEASE - 1
    assert [(worker.name, worker.host, worker.alive) for worker in workers.all()] == [("w:1", "w", True)]


def test_while_the_database_is_away_it_says_so_once_and_goes_on(
    house: House,
    hand: Hand,
    heartbeat: Heartbeat,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = take(house, hand, "r")
    tries = []

    def renew(*_: object) -> set[str]:
        tries.append(1)
        if len(tries) == 4:
            heartbeat.stop()
        raise DatabaseUnavailable("The database cannot be reached.")

    monkeypatch.setattr(house.queue, "renew", renew)
    monkeypatch.setattr(heartbeat, "_interval", 0.0)
    with caplog.at_level(logging.WARNING):
        heartbeat.run()
    assert (len(tries), len(caplog.records)) == (4, 1)
    hand.clock = lambda: LEASE
    with pytest.raises(LeaseLost):
        held.check()
