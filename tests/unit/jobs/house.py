"""The three parts of the queue, on one database and one clock."""

from dataclasses import dataclass

from tests.unit.clock import Clock

from tricircle.db.engine import Database
from tricircle.jobs.job import Job, JobEventType, Lease, Request
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobStore

LEASE = 30.0


@dataclass
class House:
    """What those who ask, those who work and those who look have in common."""

    database: Database
    clock: Clock

    def __post_init__(self) -> None:
        self.requester = JobRequester(self.database, clock=self.clock.moment)
        self.queue = JobQueue(self.database, lease=LEASE, clock=self.clock.moment)
        self.store = JobStore(self.database, clock=self.clock.moment)

    def ask(self, request: Request) -> Job:
        """Ask for one job."""
        (job,) = self.requester.request(request)
        return job

    def claim(self, owner: str = "worker") -> Lease:
        """Lease a job that must be there."""
        lease = self.queue.claim(owner)
        assert lease is not None
        return lease

    def drain(self) -> list[str]:
        """Lease all that can be leased; tell what it is about."""
        return [lease.job.resource_id for lease in iter(lambda: self.queue.claim("worker"), None)]

    def start(self, request: Request, owner: str = "worker") -> Lease:
        """Ask for a job and lease it."""
        job = self.ask(request)
        lease = self.claim(owner)
        assert lease.job.id == job.id
        return lease

    def job(self, job_id: str) -> Job:
        """The job as it stands."""
        return self.store.show(job_id).job

    def events(self, job_id: str) -> list[tuple[JobEventType, int]]:
        """What happened to a job, and at which attempt."""
        return [(event.event, event.attempt) for event in self.store.show(job_id).events]
