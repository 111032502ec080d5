"""Those who ask: what `tricircle.jobs.requester` does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
from tests.fakes.jobs.records import Record, Records

from tricircle.errors import BadRequest
from tricircle.jobs.job import Job, JobEventType, JobState, NoParameters, Request
from tricircle.jobs.types import type_of


class Requester:
    """Has the public methods of JobRequester. A connection is not looked at: nothing is rolled back."""

    def __init__(self, records: Records, new_id: Callable[[], str]) -> None:
        self._records = records
        self._new_id = new_id

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
        time = self._records.now()
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
        waits = self._records.in_state(request.key, JobState.WAITING)
        job_id = new.id if waits is None else waits.id
        others = set(request.requires) - {job_id}
        if not others <= self._records.by_id.keys():
            raise BadRequest("A job that is required is not there.")
        if job_id in self._records.with_all_that_is_required(others):
            raise BadRequest("None would ever be done.")
        if waits is None:
            self._records.by_id[new.id] = Record(new)
            self._records.note(new, JobEventType.REQUESTED)
        else:
            self._merge(waits, new)
        self._records.by_id[job_id].requires |= others
        return self._records.by_id[job_id].job

    def _merge(self, job: Job, new: Job) -> None:
        merged = replace(
            job,
            parameters=type_of(job.type).merge(job.parameters, new.parameters),
            priority=min(job.priority, new.priority),
            run_after=min(job.run_after, new.run_after),
        )
        if merged != job:
            self._records.note(job, JobEventType.MERGED)
            self._records.change(merged, request_id=new.request_id)

    def complete(self, connection: object, job_id: str, cause: str | None = None) -> bool:
        """Note that a waiting job is needed no more."""
        record = self._records.by_id.get(job_id)
        if record is None or record.job.state is not JobState.WAITING:
            return False
        self._records.note(record.job, JobEventType.SUCCEEDED, cause)
        self._records.replace_parked(record.job, "did it")
        self._records.change(record.job, state=JobState.SUCCEEDED, cause=cause)
        return True

    def hasten(self, job_id: str, delay: float = 0.0) -> None:
        """Have a waiting job done sooner."""
        record = self._records.by_id.get(job_id)
        sooner = self._records.now() + timedelta(seconds=delay)
        if record is not None and record.job.state is JobState.WAITING and record.job.run_after > sooner:
            self._records.change(record.job, run_after=sooner)
