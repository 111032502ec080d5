"""A worker without threads: does jobs when a test says so, one after the other."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tricircle.db.timestamps import now
from tricircle.jobs.job import Job
from tricircle.jobs.outcome import Failed
from tricircle.jobs.queue import JobQueue
from tricircle.xjob.bounds import Bounds
from tricircle.xjob.engine import Engine
from tricircle.xjob.hand import Hand
from tricircle.xjob.handlers import HANDLERS
from tricircle.xjob.task import Handler
from tricircle.xjob.worker import Attempt, Worker

BOUNDS = Bounds(threads=16, per_site=4, per_project=3)

_MOST = 1000


def make_worker(engine: Engine, handlers: Mapping[str, Handler] = HANDLERS, *, later: float = 0.0) -> Worker:
    """Make a worker for `run_one`.

    :param later: seconds by which its queue's clock is ahead: what falls due by then is due.
    """

    def clock() -> datetime:
        return now() + timedelta(seconds=later)

    queue = JobQueue(engine.database, clock=clock)
    return Worker(engine, queue, handlers, name="bench", hand=Hand(30.0), bounds=BOUNDS, clock=clock)


def do_all(
    engine: Engine,
    handlers: Mapping[str, Handler] = HANDLERS,
    *,
    later: float = 0.0,
    may_fail: bool = False,
) -> list[Job]:
    """Do jobs until none is due, those too that others ask for.

    :param later: as for `make_worker`. A job that fails, or is postponed, waits from then on: to have it done
        again, come later still.
    :param may_fail: whether an attempt may fail. An unexpected one fails the test.
    :return: the jobs as each attempt left them, in order.
    """
    worker = make_worker(engine, handlers, later=later)
    attempts: list[Attempt] = []
    while (attempt := worker.run_one()) is not None:
        attempts.append(attempt)
        assert may_fail or not isinstance(attempt.outcome, Failed), attempt
        assert len(attempts) < _MOST, "the jobs ask for one another without end"
    return [attempt.job for attempt in attempts]
