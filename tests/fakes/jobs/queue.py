"""Those who work: what `tricircle.jobs.queue` does."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.jobs.records import FAILED, Records

from tricircle.errors import LeaseLost
from tricircle.jobs.job import Job, JobEventType, JobState, Lease
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded
from tricircle.jobs.queue import TOP
from tricircle.jobs.types import TYPES, type_of


class Queue:
    """Has the public methods of JobQueue."""

    def __init__(self, records: Records, lease: float) -> None:
        self._records = records
        self._lease = timedelta(seconds=lease)

    def claim(
        self, owner: str, *, busy_sites: Collection[str] = (), busy_projects: Collection[str] = ()
    ) -> Lease | None:
        """Lease the next job to a worker."""

        def known() -> list[Job]:
            return [
                job
                for job in self._records.jobs()
                if job.type in TYPES
                and (job.site_id or TOP) not in busy_sites
                and job.project_id not in busy_projects
            ]

        running = [job for job in known() if job.state is JobState.RUNNING]
        lost = [job for job in running if _expiry(job) <= self._records.now()]
        for job in sorted(lost, key=lambda job: (job.lease_expires_at, job.id)):
            if self._is_given_up(job):
                return self._give(job, owner)
        waiting = [job for job in self._records.jobs() if job.state is JobState.WAITING]
        for priority in sorted({job.priority for job in waiting}):
            # One that is parked lets those that require it be parked.
            while due := [job for job in known() if job.priority == priority and self._is_due(job)]:
                for job in sorted(due, key=lambda job: (job.run_after, job.id)):
                    if not self._is_parked(job):
                        return self._give(job, owner)
        return None

    def _is_given_up(self, job: Job) -> bool:
        cause = f"Worker {job.lease_owner} has not been heard of since its lease expired."
        self._records.note(job, JobEventType.LOST, cause)
        has_attempt_left = job.attempts < type_of(job.type).retry.attempts
        if has_attempt_left and self._records.in_state(job.key, JobState.WAITING) is None:
            return True
        if not has_attempt_left:
            cause = f"{cause} It was the last of {job.attempts} attempts."
        self._records.by_id[job.id].job = replace(job, fence=job.fence + 1)
        self._end(job.id, JobEventType.FAILED, JobState.FAILED, cause)
        return False

    def _is_due(self, job: Job) -> bool:
        return (
            job.state is JobState.WAITING
            and job.run_after <= self._records.now()
            and self._records.in_state(job.key, JobState.RUNNING) is None
            and all(other.state.is_final for other in self._records.required(job.id))
        )

    def _is_parked(self, job: Job) -> bool:
        failed = next((other for other in self._records.required(job.id) if other.state in FAILED), None)
        if failed is None:
            return False
        cause = f"It requires job {failed.id} ({failed.type}), which is {failed.state}."
        self._records.note(job, JobEventType.FAILED, cause)
        self._records.replace_parked(job, "failed as well")
        self._records.change(job, state=JobState.FAILED, cause=cause)
        return True

    def _give(self, job: Job, owner: str) -> Lease:
        given = self._records.change(
            job,
            state=JobState.RUNNING,
            lease_owner=owner,
            lease_expires_at=self._records.now() + self._lease,
            fence=job.fence + 1,
            attempts=job.attempts + 1,
        )
        return Lease(given, owner, given.fence)

    def renew(self, leases: Iterable[Lease], progress: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """Renew leases."""
        kept = set()
        for lease in leases:
            record = self._records.by_id.get(lease.job.id)
            if record is None or record.job.state is not JobState.RUNNING or record.job.fence != lease.fence:
                continue
            record.job = replace(
                record.job,
                lease_expires_at=self._records.now() + self._lease,
                progress=dict(progress.get(lease.job.id, record.job.progress)),
            )
            kept.add(lease.job.id)
        return kept

    def finish(self, lease: Lease, outcome: Outcome, *, progress: Mapping[str, Any] | None = None) -> Job:
        """Say how an attempt ended."""
        record = self._records.by_id.get(lease.job.id)
        if record is None or record.job.fence != lease.fence:
            raise LeaseLost(f"Job {lease.job.id} is not this worker's any more.")
        job = record.job
        if job.state is not JobState.RUNNING:
            return job
        if isinstance(outcome, Succeeded) and outcome.work is not None:
            outcome.work(None)  # type: ignore[arg-type]  # there is no database to write to
        if progress is not None:
            record.job = replace(job, progress=dict(progress))
        match outcome:
            case Succeeded(cause, _):
                return self._end(job.id, JobEventType.SUCCEEDED, JobState.SUCCEEDED, cause)
            case Postponed(delay, cause):
                return self._again(job.id, JobEventType.POSTPONED, cause, delay, job.attempts - 1)
            case HandedBack():
                cause = f"Worker {job.lease_owner} stopped."
                return self._again(job.id, JobEventType.HANDED_BACK, cause, 0.0, job.attempts - 1)
            case Failed(cause, site_request_id, is_final):
                wait = None if is_final else type_of(job.type).retry.delay(job.attempts)
                if wait is None:
                    return self._end(
                        job.id, JobEventType.FAILED, JobState.FAILED, cause, site_request_id=site_request_id
                    )
                return self._again(
                    job.id, JobEventType.RETRIED, cause, wait, job.attempts, site_request_id=site_request_id
                )

    def _again(
        self,
        job_id: str,
        event: JobEventType,
        cause: str,
        delay: float,
        attempts: int,
        *,
        site_request_id: str | None = None,
    ) -> Job:
        ended = self._end(job_id, event, JobState.WAITING, cause, site_request_id=site_request_id)
        if ended.state is not JobState.WAITING:
            return ended
        run_after = self._records.now() + timedelta(seconds=delay)
        return self._records.change(ended, run_after=run_after, attempts=attempts)

    def _end(
        self,
        job_id: str,
        event: JobEventType,
        state: JobState,
        cause: str | None,
        *,
        site_request_id: str | None = None,
    ) -> Job:
        job = self._records.by_id[job_id].job
        later = self._records.in_state(job.key, JobState.WAITING)
        if state is not JobState.SUCCEEDED and later is not None:
            self._records.pass_on(job_id, later.id)
            event, state = JobEventType.SUPERSEDED, JobState.CANCELLED
            cause = f"{cause} Job {later.id}, asked for later, does it."
        self._records.note(job, event, cause, site_request_id)
        if state is JobState.SUCCEEDED:
            self._records.replace_parked(job, "did it")
        elif state is JobState.FAILED:
            self._records.replace_parked(job, "failed as well")
        return self._records.change(job, state=state, cause=cause, lease_owner=None, lease_expires_at=None)

    def next_due(self) -> datetime | None:
        """Tell when the next job falls due."""
        return min(
            (
                job.run_after
                for job in self._records.jobs()
                if job.state is JobState.WAITING and job.type in TYPES and job.run_after > self._records.now()
            ),
            default=None,
        )


def _expiry(job: Job) -> datetime:
    assert job.lease_expires_at is not None
    return job.lease_expires_at
