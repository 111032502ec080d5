"""A worker: takes jobs from the queue, and has them done by its threads.

One thread takes, as long as there is room; it looks again when it is woken, when a job has ended, when the
next one falls due, at each sweep, and, where the database is a file, when somebody has written. Nothing that
goes wrong stops it: while the database is away it tries again at each sweep, and says so once.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from oslo_log import log

from tricircle.db.timestamps import now
from tricircle.errors import DatabaseUnavailable, LeaseLost
from tricircle.jobs.job import Job, JobState
from tricircle.jobs.outcome import Failed, Outcome
from tricircle.jobs.queue import JobQueue
from tricircle.xjob.bounds import Bounds
from tricircle.xjob.engine import Engine
from tricircle.xjob.hand import Hand, Held
from tricircle.xjob.task import Handler, Task
from tricircle.xjob.verdict import verdict

LOG = log.getLogger(__name__)

_GLANCE = 0.1
"""Seconds between glances at whether somebody has written into the database."""

_PAUSE = 0.5
"""Seconds between tries to write down how a job ended, while the database is away."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one job.

    :param job: as it stands now; as it was leased where the lease is lost.
    :param outcome: None where the lease is lost.
    """

    job: Job
    outcome: Outcome | None


class Worker:
    """Does jobs.

    :param handlers: by type.
    :param name: unique among all workers.
    :param sweep_interval: seconds between looks that nothing asks for.
    :param clock: the queue's.
    """

    def __init__(
        self,
        engine: Engine,
        queue: JobQueue,
        handlers: Mapping[str, Handler],
        *,
        name: str,
        hand: Hand,
        bounds: Bounds,
        sweep_interval: float = 1.0,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.name = name
        self.hand = hand
        self._engine = engine
        self._queue = queue
        self._handlers = handlers
        self._bounds = bounds
        self._sweep_interval = sweep_interval
        self._clock = clock
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._given_up = threading.Event()
        self._trouble: str | None = None

    def wake(self) -> None:
        """Have the worker look for jobs now."""
        self._woken.set()

    def stop(self) -> None:
        """Have the worker take no more jobs. What is in hand goes on."""
        self._stopped.set()
        self._woken.set()

    def give_up(self) -> None:
        """Have nothing wait for the database any more; what is not written down yet is left to others."""
        self._given_up.set()

    def run(self) -> None:
        """Take jobs until the worker is stopped; then return, perhaps with jobs still in hand."""
        pool = ThreadPoolExecutor(self._bounds.threads, thread_name_prefix="job")
        while not self._stopped.is_set():
            self._woken.clear()
            seen = self._engine.database.last_write()
            self._rest(self._take_all(pool), seen)
        pool.shutdown(wait=False)

    def _rest(self, seconds: float, seen: object) -> None:
        """Wait until there may be something to do.

        Where it is easily told that somebody has written into the database, as it is of a file, it need not
        be announced by anybody.

        :param seconds: the longest.
        :param seen: the last write before it was looked for jobs; None where that cannot be told.
        """
        if seen is None:
            self._woken.wait(seconds)
            return
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._woken.wait(min(left, _GLANCE)):
            if self._engine.database.last_write() != seen:
                return

    def run_one(self) -> Attempt | None:
        """Do the next job in this thread; None where there is none to do now."""
        held = self._take()
        return None if held is None else self._do(held)

    def _take_all(self, pool: ThreadPoolExecutor) -> float:
        """Take what there is room for; return the seconds until the next look."""
        try:
            while not self._stopped.is_set() and len(self.hand) < self._bounds.threads:
                held = self._take()
                if held is None:
                    break
                pool.submit(self._do_safely, held)
            due = self._queue.next_due()
            self._note_trouble(None)
        except DatabaseUnavailable as error:
            due = None
            self._note_trouble(error)
        except Exception as error:  # noqa: BLE001  # a worker that ends is worse than one that tries again
            due = None
            self._note_trouble(error)
        # Workers that were started together do not sweep together for ever.
        interval = self._sweep_interval * random.uniform(0.75, 1.25)  # noqa: S311
        return interval if due is None else min(interval, max(0.0, (due - self._clock()).total_seconds()))

    def _take(self) -> Held | None:
        asked_at = self.hand.clock()
        lease = self._queue.claim(
            self.name,
            busy_sites=self._bounds.busy_sites(self.hand.sites(), self._engine.health.failing()),
            busy_projects=self._bounds.busy_projects(self.hand.projects()),
        )
        return None if lease is None else self.hand.take(lease, asked_at)

    def _do_safely(self, held: Held) -> None:
        try:
            self._do(held)
        except Exception:
            LOG.exception("Job %s is left to its lease", held.job.id)
        self.wake()

    def _do(self, held: Held) -> Attempt:
        try:
            outcome = self._attempt(held)
            ended = None if outcome is None else self._finish(held, outcome)
        finally:
            self.hand.drop(held)
        if ended is None:
            LOG.info("%s job %s is not this worker's any more", held.job.type, held.job.id)
            return Attempt(held.job, None)
        _report(ended)
        return Attempt(ended, outcome)

    def _attempt(self, held: Held) -> Outcome | None:
        """Have the handler do it; None where the lease is lost."""
        handler = self._handlers.get(held.job.type)
        if handler is None:
            return Failed(f"This release has nothing that does {held.job.type} jobs.", is_final=True)
        held.task = task = Task(self._engine, held.lease, held.check)
        try:
            task.parameters  # noqa: B018  # raises where they make no sense, before anything is done
            return handler(task)
        except LeaseLost:
            return None
        except Exception as error:  # noqa: BLE001  # a verdict is made of each
            return verdict(held.job, error, self._engine.networks.top.site.name)

    def _finish(self, held: Held, outcome: Outcome) -> Job | None:
        """Write down how it ended; None where the lease is lost by then.

        While the database is away that is tried again and again. The lease may expire meanwhile: whether
        somebody else has taken the job is seen when the database is back.
        """
        progress = None if held.task is None else held.task.progress
        while True:
            try:
                return self._queue.finish(held.lease, outcome, progress=progress)
            except LeaseLost:
                return None
            except DatabaseUnavailable:
                if self._given_up.wait(_PAUSE):
                    return None
            except Exception as error:  # what was to be written with the end cannot be
                if isinstance(outcome, Failed):
                    raise
                outcome = verdict(held.job, error)

    def _note_trouble(self, error: Exception | None) -> None:
        """Say once what keeps the worker from taking jobs, and when it is over."""
        trouble = None if error is None else type(error).__name__
        if trouble == self._trouble:
            return
        if isinstance(error, DatabaseUnavailable):
            LOG.warning("No jobs can be taken: %s", error.message)
        elif error is not None:
            LOG.error("No jobs can be taken", exc_info=error)
        else:
            LOG.info("Jobs can be taken again")
        self._trouble = trouble


_LEVELS = {JobState.FAILED: log.WARNING, JobState.WAITING: log.INFO}


def _report(job: Job) -> None:
    """Tell the log how an attempt ended: parked jobs are for an operator to see."""
    looks_again = job.state is JobState.WAITING and not job.attempts  # some do so several times a second
    LOG.log(
        log.DEBUG if looks_again else _LEVELS.get(job.state, log.DEBUG),
        "%s job %s of %s %s is %s after attempt %d: %s",
        job.type,
        job.id,
        job.resource_type,
        job.resource_id,
        job.state,
        job.attempts,
        job.cause or "all is well",
    )
