"""Somebody who does jobs in the test's own process, one after the other, as a worker would."""

from datetime import timedelta

from tests.fakes.cloud import Cloud

from tricircle.db.tables import jobs as table
from tricircle.db.timestamps import now
from tricircle.jobs.job import Job, JobState
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.xjob.engine import make_engine
from tricircle.xjob.handlers import HANDLERS
from tricircle.xjob.task import Task


class Hands:
    """Does jobs of a cloud.

    The jobs of the sites' own joining are taken as done.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._engine = make_engine(cloud.configuration)
        self.jobs = JobStore(cloud.database)
        self._database = cloud.database
        self._passed = 0.0
        with cloud.database.write() as connection:
            connection.execute(table.delete())

    def waiting(self) -> list[Job]:
        """Return the jobs that wait."""
        return self.jobs.page(JobFilters(state=JobState.WAITING))

    def work(self, *, later: float = 0.0) -> list[Job]:
        """Do one attempt at each job that is due.

        :param later: seconds that pass before.
        :return: the jobs as they stand afterwards.
        """
        self._passed += later
        time = now() + timedelta(seconds=self._passed)
        queue = JobQueue(self._database, clock=lambda: time)
        leases = []
        while (lease := queue.claim("hands")) is not None:
            leases.append(lease)
        done = []
        for lease in leases:
            task = Task(self._engine, lease, lambda: None)
            done.append(queue.finish(lease, HANDLERS[lease.job.type](task), progress=task.progress))
        return done
