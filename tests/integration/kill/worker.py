"""The product's worker in a process of its own, which kills itself where it is told to.

All that it does is the product's. Only `Task.step` is replaced, by one that counts, and pages are small, so
that jobs come by their steps more than once.
"""

import gc
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from keystoneauth1.access.service_catalog import ServiceCatalogV3
from oslo_log import log
from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.order import CLAIMED, DATABASE, DONE, LIMIT, MARK, Arranged, Loan, Order, Start
from tests.integration.kill.scenarios import SCENARIOS

from tricircle import config
from tricircle.jobs.job import JobState
from tricircle.jobs.outcome import Outcome
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.store import JobStore
from tricircle.jobs.worker_store import WorkerStore
from tricircle.xjob import catch_up, engine, homed
from tricircle.xjob.bounds import Bounds
from tricircle.xjob.engine import Engine
from tricircle.xjob.hand import Hand
from tricircle.xjob.handlers import HANDLERS
from tricircle.xjob.heartbeat import Heartbeat
from tricircle.xjob.task import Handler, Task
from tricircle.xjob.worker import Worker

SHORT_LEASE, LONG_LEASE = 0.8, 30.0
"""Seconds: of the worker that is killed, so that nobody waits for long; and of the one that takes over."""

NOT_KILLED, NOT_ENDED, FAILED = 3, 4, 5
"""Exit statuses."""

_BOUNDS = Bounds(threads=4, per_site=4, per_project=4)

_OPEN = {JobState.WAITING, JobState.RUNNING}


class LentCredentials:
    """The service user, as another process has logged in."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan

    def token(self) -> str:
        """Return the token."""
        return self._loan.token

    def catalog(self) -> ServiceCatalogV3:
        """Return the catalogue."""
        return ServiceCatalogV3(self._loan.catalog)

    def project_id(self) -> str | None:
        """Return the service user's project."""
        return self._loan.project_id


class Workbench:
    """A worker's parts, made once in a process from which workers are forked.

    Its database is a file in the working directory, so each worker goes to that of its case.

    :param folder: for the jobs that are done here.
    """

    def __init__(self, start: Start, folder: Path) -> None:
        self._start = start
        self._go_to(folder)
        conf = config.load(files=[start.configuration])
        conf.set_override("connection", f"sqlite:////proc/self/cwd/{DATABASE}", group="database")
        conf.set_override("sqlite_synchronous", False, group="database")
        # A job that learns looks for the last time when its grace is over.
        conf.set_override("intent_grace", 1.0, group="xjob")
        log.setup(conf, "tricircle")
        engine.ServiceUser = lambda _: LentCredentials(start.loan)  # type: ignore[assignment, attr-defined, return-value]
        homed.PAGE = 3
        catch_up._AT_ONCE = 2
        self._engine = engine.make_engine(conf)

    def _go_to(self, folder: Path) -> None:
        os.chdir(folder)
        if not Path(DATABASE).exists():
            shutil.copy(self._start.template, DATABASE)

    def warm_up(self) -> None:
        """Do some jobs, so that what is only done the first time is not done again in each worker.

        In a thread that ends: the connections that it has with sites must not be shared by processes.
        """
        thread = threading.Thread(target=self._do_some)
        thread.start()
        thread.join()
        self._engine.database.close()
        gc.freeze()

    def run(self, order: Order) -> int:
        """Do as ordered in a forked process; return the exit status, unless killed."""
        self._go_to(order.files.path)
        _write_to(order.files.log)
        try:
            return self._run(order)
        except Exception:  # noqa: BLE001  # whoever ordered it is told
            log.getLogger(__name__).exception("The test itself has failed")
            return FAILED

    def _run(self, order: Order) -> int:
        if order.scenario is None:
            arranged = msgspec.json.decode(order.files.arranged.read_bytes(), type=Arranged)
        else:
            arranged = self._arrange(order.scenario, order.mark)
            order.files.arranged.write_bytes(msgspec.json.encode(arranged))
        return _Process(self._engine, order, arranged.job_id).work()

    def _arrange(self, scenario: str, mark: str) -> Arranged:
        self._engine.registry.expire()
        return SCENARIOS[scenario].arrange(Arrangement(self._engine, mark, self._start.things))

    def _do_some(self) -> None:
        queue = JobQueue(self._engine.database)
        names = {scenario.type: name for name, scenario in SCENARIOS.items()}
        worker = Worker(self._engine, queue, HANDLERS, name="first", hand=Hand(LONG_LEASE), bounds=_BOUNDS)
        for name in names.values():
            self._arrange(name, f"{MARK}{uuid4().hex[:8]}")
            while worker.run_one() is not None:
                pass


def _write_to(path: Path) -> None:
    """Have all that is said appended to a log."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


class _Process:
    """A worker.

    :param job_id: of the job that it is about.
    """

    def __init__(self, made: Engine, order: Order, job_id: str) -> None:
        self._engine = made
        self._point = order.point
        self._job_id = job_id
        self._steps = order.files.steps
        self._passed = 0
        is_doomed = order.point is not None
        name = f"{order.mark}-{'doomed' if is_doomed else 'healthy'}"
        self._queue = JobQueue(made.database, lease=SHORT_LEASE if is_doomed else LONG_LEASE)
        # The doomed one too believes in a long lease: nobody else is there before it is dead, and however
        # busy the machine is, it comes to the point where it is to be killed.
        hand = Hand(LONG_LEASE)
        self._worker = Worker(
            made, self._queue, self._handlers(), name=name, hand=hand, bounds=_BOUNDS, sweep_interval=0.2
        )
        workers = WorkerStore(made.database)
        self._heartbeat = Heartbeat(
            self._queue, workers, hand, name=name, host="test", interval=SHORT_LEASE / 3
        )

    def work(self) -> int:
        """Work until killed, or until all is done; return the exit status."""
        self._replace_step()
        self._begin(self._heartbeat.run)
        deadline = time.monotonic() + LIMIT
        if self._point is not None:
            while self._worker.run_one() is None:
                if time.monotonic() > deadline:
                    return NOT_ENDED
                time.sleep(0.1)
            return NOT_KILLED
        self._begin(self._worker.run)
        jobs = JobStore(self._engine.database)
        while any(state in _OPEN for _, state in jobs.counts()):
            if time.monotonic() > deadline:
                return NOT_ENDED
            time.sleep(0.05)
        return 0

    @staticmethod
    def _begin(work: Any) -> None:
        threading.Thread(target=work, daemon=True).start()

    def _handlers(self) -> Mapping[str, Handler]:
        return {name: self._between(handler) for name, handler in HANDLERS.items()}

    def _between(self, handler: Handler) -> Handler:
        def handle(task: Task) -> Outcome:
            self._reach(task, CLAIMED)
            outcome = handler(task)
            self._reach(task, DONE)
            return outcome

        return handle

    def _replace_step(self) -> None:
        original = Task.step

        def step(task: Task, name: str, **progress: Any) -> None:
            if task.job.id == self._job_id:
                self._passed += 1
                self._reach(task, str(self._passed))
                if self._point is None:
                    with self._steps.open("a") as steps:
                        print(name, file=steps)
            original(task, name, **progress)

        Task.step = step  # type: ignore[assignment, method-assign]

    def _reach(self, task: Task, point: str) -> None:
        if task.job.id == self._job_id and point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)
