"""All jobs with their stories, in a plain dictionary; and what everybody does to them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tricircle.errors import NotFound
from tricircle.jobs.job import Job, JobEvent, JobEventType, JobState

FAILED = frozenset({JobState.FAILED, JobState.CANCELLED})
"""States in which a job has come to nothing."""


@dataclass
class Record:
    """A job, what has happened to it, and the ids of the jobs that it requires."""

    job: Job
    events: list[JobEvent] = field(default_factory=list)
    requires: set[str] = field(default_factory=set)


class Records:
    """What the database has.

    :param now: tells the time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.by_id: dict[str, Record] = {}
        self.now = now

    def jobs(self) -> list[Job]:
        """Return all jobs."""
        return [record.job for record in self.by_id.values()]

    def get(self, job_id: str) -> Job:
        """Return a job.

        :raises NotFound: there is none.
        """
        if job_id not in self.by_id:
            raise NotFound(f"There is no job {job_id}.")
        return self.by_id[job_id].job

    def in_state(self, key: str, state: JobState) -> Job | None:
        """Return the job of a key that is in a state of which a key has one job at most."""
        return next((job for job in self.jobs() if job.key == key and job.state is state), None)

    def required(self, job_id: str) -> list[Job]:
        """Return the jobs that a job requires."""
        return [self.by_id[other].job for other in sorted(self.by_id[job_id].requires)]

    def change(self, job: Job, **changes: Any) -> Job:
        """Change a job; return it."""
        changed = replace(job, **changes, updated_at=self.now())
        self.by_id[job.id].job = changed
        return changed

    def note(
        self,
        job: Job,
        event: JobEventType,
        cause: str | None = None,
        site_request_id: str | None = None,
    ) -> None:
        """Write an event down."""
        noted = JobEvent(job.attempts, event, cause, site_request_id, self.now())
        self.by_id[job.id].events.append(noted)

    def replace_parked(self, by: Job, deed: str) -> None:
        """Cancel what is parked of a key, as another job has done something of it."""
        cause = f"Job {by.id}, asked for later, {deed}."
        for job in self.jobs():
            if job.key == by.key and job.state is JobState.FAILED:
                self.pass_on(job.id, by.id)
                self.note(job, JobEventType.SUPERSEDED, cause)
                self.change(job, state=JobState.CANCELLED, cause=cause)

    def pass_on(self, job_id: str, successor: str) -> None:
        """Have what requires a job require another one, as far as nothing waits in a circle then."""
        cannot_wait = self.with_all_that_is_required({successor})
        for dependent, record in self.by_id.items():
            if job_id in record.requires and dependent not in cannot_wait:
                record.requires = record.requires - {job_id} | {successor}

    def with_all_that_is_required(self, job_ids: Collection[str]) -> set[str]:
        """Return the ids of some jobs and of all that must be done before them."""
        found = set(job_ids)
        for job_id in job_ids:
            found |= self.with_all_that_is_required(self.by_id[job_id].requires)
        return found
