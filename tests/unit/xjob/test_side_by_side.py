"""A worker with threads: nobody's trouble holds up somebody else. Handlers wait until the test says so."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from oslo_config import cfg
from tests.integration.conditions import eventually

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.job import JobState, Lease, Request
from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobStore
from tricircle.xjob.bounds import Bounds
from tricircle.xjob.engine import Engine
from tricircle.xjob.hand import Hand
from tricircle.xjob.task import Task
from tricircle.xjob.worker import Worker

BOUNDS = Bounds(threads=8, per_site=3, per_project=2)


@dataclass
class Works:
    """A worker that runs, and what its handler is to do.

    :param slow: sites and projects whose jobs wait until the test ends.
    """

    engine: Engine
    slow: set[str] = field(default_factory=set)
    goes_on: threading.Event = field(default_factory=threading.Event)
    under_way: Counter[str] = field(default_factory=Counter)
    most_under_way: Counter[str] = field(default_factory=Counter)
    done: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        queue = JobQueue(self.engine.database)
        self.worker = Worker(
            self.engine,
            queue,
            {"node": self.handle},
            name="w",
            hand=Hand(30.0),
            bounds=BOUNDS,
            sweep_interval=0.05,
        )
        self.thread = threading.Thread(target=self.worker.run)

    def handle(self, task: Task) -> Outcome:
        job = task.job
        names = {str(job.site_id), str(job.project_id)}
        with self.lock:
            self.under_way.update(names)
            self.most_under_way |= self.under_way
        if names & self.slow:
            assert self.goes_on.wait(60)
        with self.lock:
            self.under_way.subtract(names)
            self.done.append(job.resource_id)
        return Failed("poison") if job.resource_id.startswith("poison") else Succeeded()

    def ask(
        self, name: str, count: int, *, site: str, project: str | None = None, priority: int = 50
    ) -> None:
        self.engine.requester.request(
            *(
                Request("node", "site", f"{name}-{number}", site, project_id=project, priority=priority)
                for number in range(count)
            )
        )

    def await_done(self, name: str, count: int) -> None:
        eventually(lambda: sum(done.startswith(name) for done in self.done) >= count, f"{count} of {name}")


@pytest.fixture
def works(engine: Engine) -> Iterator[Works]:
    works = Works(engine)
    works.thread.start()
    yield works
    works.goes_on.set()
    works.worker.stop()
    works.thread.join(30)
    assert not works.thread.is_alive()
    assert works.worker.hand.wait_until_empty(30)


def test_a_slow_site_holds_up_nobody_else(works: Works) -> None:
    works.slow = {"slow"}
    works.ask("slow", 20, site="slow", priority=1)
    eventually(lambda: works.under_way["slow"] == BOUNDS.per_site, "the slow site has all it gets")
    works.ask("quick", 30, site="quick")
    works.await_done("quick", 30)
    assert works.most_under_way["slow"] == BOUNDS.per_site


def test_many_slow_sites_leave_a_quarter_of_the_threads_to_the_others(works: Works) -> None:
    works.slow = {"slow-1", "slow-2", "slow-3"}
    for site in works.slow:
        works.ask(site, 20, site=site, priority=1)
    # Eight threads; the last two are not given to sites that have something under way.
    eventually(lambda: sum(works.under_way[site] for site in works.slow) >= 6, "the slow ones have theirs")
    works.ask("quick", 30, site="quick")
    works.await_done("quick", 30)


def test_the_flood_of_one_project_holds_up_nobody_else(works: Works) -> None:
    works.slow = {"flood"}
    works.ask("flood", 40, site="shared", project="flood", priority=1)
    eventually(lambda: works.under_way["flood"] == BOUNDS.per_project, "the project has all it gets")
    works.ask("other", 10, site="shared", project="other")
    works.await_done("other", 10)
    assert works.most_under_way["flood"] == BOUNDS.per_project


def test_a_poison_job_is_parked_and_holds_up_nobody_else(works: Works) -> None:
    works.ask("poison", 1, site="shared", priority=1)
    works.await_done("poison", 1)
    works.ask("well", 10, site="shared")
    works.await_done("well", 10)
    store = JobStore(works.engine.database)

    def hurry() -> bool:
        (job,) = (job for job in store.page() if job.resource_id == "poison-0")
        works.engine.requester.hasten(job.id)
        return job.state is JobState.FAILED

    eventually(hurry, "parked")
    assert sum(done == "poison-0" for done in works.done) == 3


def test_a_site_that_does_not_answer_gets_one_job_at_a_time(works: Works) -> None:
    health = works.engine.health.of("dead", "dead")
    while health.is_up:
        health.enter()
        health.leave(reached=False)
    works.slow = {"dead"}
    works.ask("dead", 5, site="dead", priority=1)
    works.ask("quick", 5, site="quick")
    works.await_done("quick", 5)
    assert works.most_under_way["dead"] == 1


def test_what_another_process_asks_for_is_begun_at_once_where_the_database_is_a_file(
    engine: Engine, conf: cfg.ConfigOpts
) -> None:
    works = Works(engine)
    works.worker._sweep_interval = 3600.0
    looks = count_claims(works)
    works.thread.start()
    eventually(lambda: looks, "it has looked for the first time")
    other = Database(conf)
    JobRequester(other).request(Request("node", "site", "told-0", "a"))
    other.close()
    works.await_done("told", 1)
    works.worker.stop()
    works.thread.join(30)


def test_a_wake_is_heard_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "last_write", lambda _: None)  # as of a database server
    works = Works(engine)
    works.worker._sweep_interval = 3600.0
    looks = count_claims(works)
    works.thread.start()
    eventually(lambda: looks, "it has looked for the first time")
    works.ask("woken", 1, site="a")
    works.worker.wake()
    works.await_done("woken", 1)
    works.worker.stop()
    works.thread.join(30)


def test_a_job_is_begun_when_it_falls_due(engine: Engine) -> None:
    works = Works(engine)
    works.worker._sweep_interval = 3600.0
    engine.requester.request(Request("node", "site", "due-0", "a", delay=0.3))
    works.thread.start()
    works.await_done("due", 1)
    works.worker.stop()
    works.thread.join(30)


def test_a_worker_outlives_the_database(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = works.worker._queue.claim
    failures = iter([DatabaseUnavailable("away"), RuntimeError("a defect"), DatabaseUnavailable("away")])

    def claim_again(*args: object, **named: object) -> Lease | None:
        for error in failures:
            raise error
        return claim(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(works.worker._queue, "claim", claim_again)
    works.ask("late", 1, site="a")
    works.await_done("late", 1)


def count_claims(works: Works) -> list[int]:
    """Note each look for jobs."""
    looks: list[int] = []
    claim: Callable[..., Lease | None] = works.worker._queue.claim

    def noting(*args: object, **named: object) -> Lease | None:
        looks.append(1)
        return claim(*args, **named)

    works.worker._queue.claim = noting  # type: ignore[method-assign]
    return looks
