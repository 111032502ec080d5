"""Those who look: what `tricircle.jobs.store` does."""

from datetime import datetime

from tests.fakes.jobs.records import FAILED, Records

from tricircle.errors import BadRequest, Conflict
from tricircle.jobs.job import Job, JobEventType, JobState
from tricircle.jobs.store import JobFilters, JobStory

_ANY = JobFilters()

_EQUALS = ("state", "type", "site_id", "resource_type", "resource_id", "project_id", "request_id")


class Store:
    """Has the public methods of JobStore."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def page(
        self, filters: JobFilters = _ANY, *, limit: int | None = None, marker: str | None = None
    ) -> list[Job]:
        """Return jobs, the newest first."""
        found = sorted(self._records.jobs(), key=lambda job: (job.created_at, job.id), reverse=True)
        if marker is not None:
            if marker not in self._records.by_id:
                raise BadRequest(f"There is no job {marker} to begin after.")
            found = found[found.index(self._records.by_id[marker].job) + 1 :]
        return [job for job in found if _matches(job, filters)][:limit]

    def show(self, job_id: str) -> JobStory:
        """Return a job with its story."""
        job = self._records.get(job_id)
        record = self._records.by_id[job_id]
        return JobStory(job, tuple(record.events), tuple(sorted(record.requires)))

    def counts(self) -> dict[tuple[str, JobState], int]:
        """Count the jobs by type and state."""
        counted: dict[tuple[str, JobState], int] = {}
        for job in self._records.jobs():
            counted[job.type, job.state] = counted.get((job.type, job.state), 0) + 1
        return counted

    def redo(self, job_id: str) -> Job:
        """Have a job done again."""
        job = self._records.get(job_id)
        if job.state not in FAILED:
            raise Conflict(f"Job {job_id} is {job.state}.")
        if self._records.in_state(job.key, JobState.WAITING) is not None:
            raise Conflict("Another one waits already.")
        if any(other.state in FAILED for other in self._records.required(job_id)):
            raise Conflict("It requires one that has failed.")
        self._records.note(job, JobEventType.REDONE)
        return self._records.change(
            job, state=JobState.WAITING, run_after=self._records.now(), attempts=0, cause=None, progress={}
        )

    def cancel(self, job_id: str, cause: str = "An operator cancelled it.") -> Job:
        """Have a job not done."""
        job = self._records.get(job_id)
        if job.state.is_final and job.state is not JobState.FAILED:
            raise Conflict(f"Job {job_id} is {job.state} already.")
        self._records.note(job, JobEventType.CANCELLED, cause)
        return self._records.change(
            job,
            state=JobState.CANCELLED,
            fence=job.fence + 1,
            cause=cause,
            lease_owner=None,
            lease_expires_at=None,
        )

    def purge(self, before: datetime) -> int:
        """Delete jobs that ended before a time."""
        purged = 0
        while True:
            required = {other for record in self._records.by_id.values() for other in record.requires}
            old = [
                job.id
                for job in self._records.jobs()
                if job.state in {JobState.SUCCEEDED, JobState.CANCELLED}
                and job.updated_at < before
                and job.id not in required
            ]
            if not old:
                return purged
            for job_id in old:
                del self._records.by_id[job_id]
            purged += len(old)


def _matches(job: Job, filters: JobFilters) -> bool:
    return (
        all(getattr(filters, name) in {None, getattr(job, name)} for name in _EQUALS)
        and (filters.since is None or job.created_at >= filters.since)
        and (filters.until is None or job.created_at < filters.until)
    )
