"""`tricircle-xjob` as a program: it is stopped, and it is killed, and no job is lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.functional.workers import Workers
from tests.integration.conditions import eventually
from tests.servers.databases import Databases
from tests.servers.mariadb import MariaDB

from tricircle.jobs.job import JobEventType, JobState

EVENTS = JobEventType

pytestmark = pytest.mark.only_on("sqlite", "mariadb")


@pytest.fixture
def workers(tmp_path: Path, databases: Databases) -> Iterator[Workers]:
    workers = Workers(tmp_path, databases.with_tables())
    yield workers
    workers.stop_all()


def test_a_worker_that_is_told_to_stop_finishes_what_it_does(workers: Workers) -> None:
    worker = workers.start()
    held = workers.ask("held", 3)
    workers.await_begun(3)
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: "stops, with 3 jobs" in workers.log_of(worker), "it stops")
    later = workers.ask("later")
    workers.let_go_on()
    assert worker.wait(30) == 0
    assert [workers.events(job) for job in held] == [[EVENTS.REQUESTED, EVENTS.SUCCEEDED]] * 3
    assert [workers.events(job) for job in later] == [[EVENTS.REQUESTED]], "it takes no more"
    assert workers.alive() == 0


def test_what_does_not_end_in_time_is_handed_back_and_done_by_another_worker(workers: Workers) -> None:
    workers.configure(shutdown_timeout=0.2)
    worker = workers.start()
    held = workers.ask("held", 3)
    workers.await_begun(3)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    for job in held:
        assert workers.events(job) == [EVENTS.REQUESTED, EVENTS.HANDED_BACK]
        assert workers.store.show(job.id).job.attempts == 0
    workers.let_go_on()
    workers.start()
    workers.await_succeeded(3)


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_in_a_hurry_exits_at_once_and_its_jobs_are_taken_over(
    workers: Workers, last: signal.Signals
) -> None:
    worker = workers.start()
    (held,) = workers.ask("held")
    workers.await_begun(1)
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: "stops, with 1 jobs" in workers.log_of(worker), "it stops")
    worker.send_signal(last)
    assert worker.wait(30) == 130
    workers.let_go_on()
    workers.start()
    workers.await_succeeded(1)
    assert workers.events(held) == [EVENTS.REQUESTED, EVENTS.LOST, EVENTS.SUCCEEDED]


def test_the_jobs_of_a_killed_worker_are_taken_over(workers: Workers) -> None:
    first = workers.start()
    held = workers.ask("held", 4)
    workers.await_begun(4)
    workers.start()
    quick = workers.ask("quick", 20, site="b")
    workers.await_succeeded(20)
    first.kill()
    first.wait(30)
    workers.await_begun(28)
    workers.let_go_on()
    workers.await_succeeded(24)
    assert [workers.events(job) for job in held] == [[EVENTS.REQUESTED, EVENTS.LOST, EVENTS.SUCCEEDED]] * 4
    assert [workers.events(job) for job in quick] == [[EVENTS.REQUESTED, EVENTS.SUCCEEDED]] * 20
    assert set(workers.noted("ended").values()) == {1}
    eventually(lambda: workers.alive() == 1, "the dead one is missed")


def test_workers_killed_again_and_again_lose_nothing(workers: Workers) -> None:
    workers.let_go_on()
    workers.start()
    for round_ in range(4):
        workers.ask(f"round-{round_}", 25, site=f"site-{round_}")
        victim = workers.start()
        workers.await_begun(10 * (round_ + 1))
        victim.kill()
        victim.wait(30)
    workers.await_succeeded(100)
    assert sum(workers.store.counts().values()) == 100
    assert workers.in_state(JobState.SUCCEEDED) == 100


def test_what_may_change_while_it_runs_is_read_again(workers: Workers) -> None:
    worker = workers.start()
    workers.configure(debug=True)
    worker.send_signal(signal.SIGHUP)
    eventually(lambda: "debug" in workers.log_of(worker), "it has read the option")
    (told,) = workers.ask("told")
    eventually(
        lambda: f"job {told.id} of server told-0 is succeeded" in workers.log_of(worker), "it says more"
    )


@pytest.mark.only_on("sqlite")
def test_periodic_work_is_shared_out_among_the_workers_that_there_are(workers: Workers) -> None:
    first = workers.start()
    second = workers.start()
    eventually(lambda: "shared out among 2 workers" in workers.log_of(first), "the first knows the second")
    second.kill()
    second.wait(30)
    eventually(lambda: workers.log_of(first).count("shared out among 1 workers") == 2, "and misses it")
    third = workers.start()
    eventually(lambda: "shared out among 2 workers" in workers.log_of(third), "a third takes its place")
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    eventually(lambda: "shared out among 1 workers" in workers.log_of(third), "which is alone in the end")


@pytest.mark.only_on("mariadb")
def test_a_worker_comes_to_life_when_its_database_does_and_outlives_an_outage(
    workers: Workers, mariadb: MariaDB
) -> None:
    mariadb.stop()
    worker = workers.start()
    eventually(lambda: "No jobs can be taken" in workers.log_of(worker), "it has missed the database")
    mariadb.start()
    workers.ask("first", 10)
    workers.await_succeeded(10)
    held = workers.ask("held", 2)
    workers.await_begun(12)
    mariadb.stop()
    eventually(lambda: workers.log_of(worker).count("No jobs can be taken") == 2, "it has missed it again")
    workers.let_go_on()
    mariadb.start()
    workers.ask("last", 10)
    workers.await_succeeded(22)
    assert worker.poll() is None
    assert {workers.events(job)[-1] for job in held} == {EVENTS.SUCCEEDED}
    assert workers.log_of(worker).count("No jobs can be taken") == 2, "said once for each outage"
