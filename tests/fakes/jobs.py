"""Jobs in memory: what `tricircle.jobs` keeps in a database, in plain dictionaries.

For tests that need jobs and no database, and the model that the real ones are measured by. It knows one
thread and one transaction at a time, so that it needs no locks, no leases to guard and no keys.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from tricircle.db.timestamps import now
from tricircle.errors import BadRequest, Conflict, LeaseLost, NotFound
from tricircle.jobs.job import Job, JobEvent, JobEventType, JobState, Lease, NoParameters, Request
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded
from tricircle.jobs.queue import TOP
from tricircle.jobs.store import JobFilters, JobStory
from tricircle.jobs.types import TYPES, type_of

_ANY = JobFilters()

_EQUALS = ("state", "type", "site_id", "resource_type", "resource_id", "project_id", "request_id")

_FAILED = {JobState.FAILED, JobState.CANCELLED}


@dataclass
class _Record:
    job: Job
    events: list[JobEvent] = field(default_factory=list)
    requires: set[str] = field(default_factory=set)


class Jobs:
    """Has the public methods of JobRequester, JobQueue and JobStore; they do what is said there.

    A connection is not looked at: nothing is rolled back.

    :param new_id: makes the id of a job.
    """

    def __init__(
        self,
        *,
        lease: float = 30.0,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._records: dict[str, _Record] = {}
        self._lease = timedelta(seconds=lease)
        self._clock = clock
        self._new_id = new_id

    # -- as JobRequester -----------------------------------------------------------------------------------

    def request(self, *requests: Request) -> list[Job]:
        """Ask for jobs."""
        return [self.enqueue(None, request) for request in requests]

    def enqueue(self, connection: object, request: Request) -> Job:
        """Ask for a job."""
        kind = type_of(request.type)
        if (
            (kind.about and request.resource_type not in kind.about)
            or (kind.needs_site and request.site_id is None)
            or not isinstance(request.parameters, kind.parameters | NoParameters)
        ):
            raise BadRequest("That is no job of its type.")
        kind.read(msgspec.json.encode(request.parameters))
        time = self._clock()
        new = Job(
            id=self._new_id(),
            type=request.type,
            resource_type=request.resource_type,
            resource_id=request.resource_id,
            site_id=request.site_id,
            project_id=request.project_id,
            state=JobState.WAITING,
            priority=kind.priority if request.priority is None else request.priority,
            parameters=msgspec.json.encode(request.parameters),
            run_after=time + timedelta(seconds=request.delay),
            attempts=0,
            lease_owner=None,
            lease_expires_at=None,
            fence=0,
            cause=None,
            progress={},
            request_id=request.request_id,
            created_at=time,
            updated_at=time,
        )
        waits = self._in_state(request.key, JobState.WAITING)
        job_id = new.id if waits is None else waits.id
        others = set(request.requires) - {job_id}
        if not others <= self._records.keys():
            raise BadRequest("A job that is required is not there.")
        if job_id in self._with_all_that_is_required(others):
            raise BadRequest("None would ever be done.")
        if waits is None:
            self._records[new.id] = _Record(new)
            self._note(new, JobEventType.REQUESTED)
        else:
            self._merge(waits, new)
        self._records[job_id].requires |= others
        return self._records[job_id].job

    def _merge(self, job: Job, new: Job) -> None:
        merged = replace(
            job,
            parameters=type_of(job.type).merge(job.parameters, new.parameters),
            priority=min(job.priority, new.priority),
            run_after=min(job.run_after, new.run_after),
        )
        if merged != job:
            self._note(job, JobEventType.MERGED)
            self._change(merged, request_id=new.request_id)

    def complete(self, connection: object, job_id: str, cause: str | None = None) -> bool:
        """Note that a waiting job is needed no more."""
        record = self._records.get(job_id)
        if record is None or record.job.state is not JobState.WAITING:
            return False
        self._note(record.job, JobEventType.SUCCEEDED, cause)
        self._replace_parked(record.job, "did it")
        self._change(record.job, state=JobState.SUCCEEDED, cause=cause)
        return True

    def hasten(self, job_id: str, delay: float = 0.0) -> None:
        """Have a waiting job done sooner."""
        record = self._records.get(job_id)
        sooner = self._clock() + timedelta(seconds=delay)
        if record is not None and record.job.state is JobState.WAITING and record.job.run_after > sooner:
            self._change(record.job, run_after=sooner)

    # -- as JobQueue ---------------------------------------------------------------------------------------

    def claim(
        self, owner: str, *, busy_sites: Collection[str] = (), busy_projects: Collection[str] = ()
    ) -> Lease | None:
        """Lease the next job to a worker."""

        def known() -> list[Job]:
            return [
                job
                for job in self._all()
                if job.type in TYPES
                and (job.site_id or TOP) not in busy_sites
                and job.project_id not in busy_projects
            ]

        lost = [job for job in known() if job.state is JobState.RUNNING and _expiry(job) <= self._clock()]
        for job in sorted(lost, key=lambda job: (job.lease_expires_at, job.id)):
            if self._is_given_up(job):
                return self._give(job, owner)
        for priority in sorted({job.priority for job in self._all() if job.state is JobState.WAITING}):
            # One that is parked lets those that require it be parked.
            while due := [job for job in known() if job.priority == priority and self._is_due(job)]:
                for job in sorted(due, key=lambda job: (job.run_after, job.id)):
                    if not self._is_parked(job):
                        return self._give(job, owner)
        return None

    def _is_given_up(self, job: Job) -> bool:
        cause = f"Worker {job.lease_owner} has not been heard of since its lease expired."
        self._note(job, JobEventType.LOST, cause)
        has_attempt_left = job.attempts < type_of(job.type).retry.attempts
        if has_attempt_left and self._in_state(job.key, JobState.WAITING) is None:
            return True
        if not has_attempt_left:
            cause = f"{cause} It was the last of {job.attempts} attempts."
        self._records[job.id].job = replace(job, fence=job.fence + 1)
        self._end(job.id, JobEventType.FAILED, JobState.FAILED, cause)
        return False

    def _is_due(self, job: Job) -> bool:
        return (
            job.state is JobState.WAITING
            and job.run_after <= self._clock()
            and self._in_state(job.key, JobState.RUNNING) is None
            and all(other.state.is_final for other in self._required(job))
        )

    def _is_parked(self, job: Job) -> bool:
        failed = next((other for other in self._required(job) if other.state in _FAILED), None)
        if failed is None:
            return False
        cause = f"It requires job {failed.id} ({failed.type}), which is {failed.state}."
        self._note(job, JobEventType.FAILED, cause)
        self._replace_parked(job, "failed as well")
        self._change(job, state=JobState.FAILED, cause=cause)
        return True

    def _required(self, job: Job) -> list[Job]:
        return [self._records[other].job for other in sorted(self._records[job.id].requires)]

    def _give(self, job: Job, owner: str) -> Lease:
        given = self._change(
            job,
            state=JobState.RUNNING,
            lease_owner=owner,
            lease_expires_at=self._clock() + self._lease,
            fence=job.fence + 1,
            attempts=job.attempts + 1,
        )
        return Lease(given, owner, given.fence)

    def renew(self, leases: Iterable[Lease], progress: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """Renew leases."""
        kept = set()
        for lease in leases:
            record = self._records.get(lease.job.id)
            if record is None or record.job.state is not JobState.RUNNING or record.job.fence != lease.fence:
                continue
            record.job = replace(
                record.job,
                lease_expires_at=self._clock() + self._lease,
                progress=dict(progress.get(lease.job.id, record.job.progress)),
            )
            kept.add(lease.job.id)
        return kept

    def finish(self, lease: Lease, outcome: Outcome, *, progress: Mapping[str, Any] | None = None) -> Job:
        """Say how an attempt ended."""
        record = self._records.get(lease.job.id)
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
        run_after = self._clock() + timedelta(seconds=delay)
        return self._change(ended, run_after=run_after, attempts=attempts)

    def _end(
        self,
        job_id: str,
        event: JobEventType,
        state: JobState,
        cause: str | None,
        *,
        site_request_id: str | None = None,
    ) -> Job:
        job = self._records[job_id].job
        later = self._in_state(job.key, JobState.WAITING)
        if state is not JobState.SUCCEEDED and later is not None:
            self._pass_on(job_id, later.id)
            event, state = JobEventType.SUPERSEDED, JobState.CANCELLED
            cause = f"{cause} Job {later.id}, asked for later, does it."
        self._note(job, event, cause, site_request_id)
        if state is JobState.SUCCEEDED:
            self._replace_parked(job, "did it")
        elif state is JobState.FAILED:
            self._replace_parked(job, "failed as well")
        return self._change(job, state=state, cause=cause, lease_owner=None, lease_expires_at=None)

    def next_due(self) -> datetime | None:
        """Tell when the next job falls due."""
        return min(
            (
                job.run_after
                for job in self._all()
                if job.state is JobState.WAITING and job.type in TYPES and job.run_after > self._clock()
            ),
            default=None,
        )

    # -- as JobStore ---------------------------------------------------------------------------------------

    def page(
        self, filters: JobFilters = _ANY, *, limit: int | None = None, marker: str | None = None
    ) -> list[Job]:
        """Return jobs, the newest first."""
        found = sorted(self._all(), key=lambda job: (job.created_at, job.id), reverse=True)
        if marker is not None:
            if marker not in self._records:
                raise BadRequest(f"There is no job {marker} to begin after.")
            found = found[found.index(self._records[marker].job) + 1 :]
        return [job for job in found if _matches(job, filters)][:limit]

    def show(self, job_id: str) -> JobStory:
        """Return a job with its story."""
        job = self._get(job_id)
        record = self._records[job_id]
        return JobStory(job, tuple(record.events), tuple(sorted(record.requires)))

    def counts(self) -> dict[tuple[str, JobState], int]:
        """Count the jobs by type and state."""
        counted: dict[tuple[str, JobState], int] = {}
        for job in self._all():
            counted[job.type, job.state] = counted.get((job.type, job.state), 0) + 1
        return counted

    def redo(self, job_id: str) -> Job:
        """Have a job done again."""
        job = self._get(job_id)
        if job.state not in _FAILED:
            raise Conflict(f"Job {job_id} is {job.state}.")
        if self._in_state(job.key, JobState.WAITING) is not None:
            raise Conflict("Another one waits already.")
        if any(self._records[other].job.state in _FAILED for other in self._records[job_id].requires):
            raise Conflict("It requires one that has failed.")
        self._note(job, JobEventType.REDONE)
        time = self._clock()
        return self._change(job, state=JobState.WAITING, run_after=time, attempts=0, cause=None, progress={})

    def cancel(self, job_id: str, cause: str = "An operator cancelled it.") -> Job:
        """Have a job not done."""
        job = self._get(job_id)
        if job.state.is_final and job.state is not JobState.FAILED:
            raise Conflict(f"Job {job_id} is {job.state} already.")
        self._note(job, JobEventType.CANCELLED, cause)
        return self._change(
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
            required = {other for record in self._records.values() for other in record.requires}
            old = [
                job.id
                for job in self._all()
                if job.state in {JobState.SUCCEEDED, JobState.CANCELLED}
                and job.updated_at < before
                and job.id not in required
            ]
            if not old:
                return purged
            for job_id in old:
                del self._records[job_id]
            purged += len(old)

    # ------------------------------------------------------------------------------------------------------

    def _all(self) -> list[Job]:
        return [record.job for record in self._records.values()]

    def _get(self, job_id: str) -> Job:
        if job_id not in self._records:
            raise NotFound(f"There is no job {job_id}.")
        return self._records[job_id].job

    def _in_state(self, key: str, state: JobState) -> Job | None:
        return next((job for job in self._all() if job.key == key and job.state is state), None)

    def _change(self, job: Job, **changes: Any) -> Job:
        changed = replace(job, **changes, updated_at=self._clock())
        self._records[job.id].job = changed
        return changed

    def _note(
        self,
        job: Job,
        event: JobEventType,
        cause: str | None = None,
        site_request_id: str | None = None,
    ) -> None:
        noted = JobEvent(job.attempts, event, cause, site_request_id, self._clock())
        self._records[job.id].events.append(noted)

    def _replace_parked(self, by: Job, deed: str) -> None:
        cause = f"Job {by.id}, asked for later, {deed}."
        for job in self._all():
            if job.key == by.key and job.state is JobState.FAILED:
                self._pass_on(job.id, by.id)
                self._note(job, JobEventType.SUPERSEDED, cause)
                self._change(job, state=JobState.CANCELLED, cause=cause)

    def _pass_on(self, job_id: str, successor: str) -> None:
        cannot_wait = self._with_all_that_is_required({successor})
        for dependent, record in self._records.items():
            if job_id in record.requires and dependent not in cannot_wait:
                record.requires = record.requires - {job_id} | {successor}

    def _with_all_that_is_required(self, job_ids: Collection[str]) -> set[str]:
        found = set(job_ids)
        for job_id in job_ids:
            found |= self._with_all_that_is_required(self._records[job_id].requires)
        return found


def _expiry(job: Job) -> datetime:
    assert job.lease_expires_at is not None
    return job.lease_expires_at


def _matches(job: Job, filters: JobFilters) -> bool:
    return (
        all(
            getattr(filters, name) in {None, getattr(job, name)}
            for name in (
                "state",
                "type",
                "site_id",
                "resource_type",
                "resource_id",
                "project_id",
                "request_id",
            )
        )
        and (filters.since is None or job.created_at >= filters.since)
        and (filters.until is None or job.created_at < filters.until)
    )
