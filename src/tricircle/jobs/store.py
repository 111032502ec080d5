"""Jobs as their operator sees them: listed, shown, redone, cancelled, purged.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry

from tricircle.db.engine import Database
from tricircle.db.tables import job_events, job_requirements, jobs
from tricircle.db.timestamps import now
from tricircle.errors import BadRequest, Conflict, NotFound
from tricircle.jobs import requirements, rows
from tricircle.jobs.job import Job, JobEvent, JobEventType, JobState

_PURGED_AT_ONCE = 500
"""Rows that one transaction of a purge deletes, so that it holds nobody up."""


@dataclass(frozen=True, slots=True)
class JobFilters:
    """Which jobs to list; None is any.

    :param since: jobs made at that time or later; `until`: before it. Naive, UTC.
    """

    state: JobState | None = None
    type: str | None = None
    site_id: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    project_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobStory:
    """A job with what happened to it, the first event first, and the ids of the jobs that it requires."""

    job: Job
    events: tuple[JobEvent, ...]
    requires: tuple[str, ...]


class JobStore:
    """Reads and changes jobs for an operator."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    def page(
        self, filters: JobFilters = JobFilters(), *, limit: int | None = None, marker: str | None = None
    ) -> list[Job]:
        """Return jobs, the newest first.

        :param marker: id of the last job of the page before.
        :raises BadRequest: there is no job with the marker's id.
        """
        query = rows.SELECT.where(*_conditions(filters)).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        with self._database.read() as connection:
            if marker is not None:
                made = connection.scalar(sa.select(jobs.c.created_at).where(jobs.c.id == marker))
                if made is None:
                    raise BadRequest(f"There is no job {marker} to begin after.")
                query = query.where(
                    (jobs.c.created_at < made) | ((jobs.c.created_at == made) & (jobs.c.id < marker))
                )
            return [rows.job_of(row) for row in connection.execute(query.limit(limit))]

    def show(self, job_id: str) -> JobStory:
        """Return a job with its story.

        :raises NotFound: there is none.
        """
        events = sa.select(job_events).where(job_events.c.job_id == job_id).order_by(job_events.c.id)
        required = (
            sa.select(job_requirements.c.required_job_id)
            .where(job_requirements.c.job_id == job_id)
            .order_by(job_requirements.c.required_job_id)
        )
        with self._database.read() as connection:
            job = _find(connection, job_id)
            return JobStory(
                job, tuple(rows.events_of(connection.execute(events))), tuple(connection.scalars(required))
            )

    def counts(self) -> dict[tuple[str, JobState], int]:
        """Count the jobs by type and state."""
        query = sa.select(jobs.c.type, jobs.c.state, sa.func.count()).group_by(jobs.c.type, jobs.c.state)
        with self._database.read() as connection:
            return {(kind, JobState(state)): count for kind, state, count in connection.execute(query)}

    def redo(self, job_id: str) -> Job:
        """Have a job that failed or was cancelled done again, from its first attempt on.

        :raises NotFound: there is none.
        :raises Conflict: it waits, runs or has succeeded, another one for the same waits, or it requires one
            that has to be redone first.
        """

        def work(connection: sa.Connection) -> Job:
            job = _find(connection, job_id, lock=True)
            if job.state not in {JobState.FAILED, JobState.CANCELLED}:
                raise Conflict(
                    f"Job {job_id} is {job.state}: only one that failed or was cancelled is redone."
                )
            other = connection.scalar(sa.select(jobs.c.id).where(jobs.c.waiting_key == job.key))
            if other is not None:
                raise Conflict(f"Job {other}, for the same as job {job_id}, waits already.")
            failed = requirements.find_failed(connection, job_id)
            if failed is not None:
                raise Conflict(f"{failed} Redo that first.")
            time = self._clock()
            changes = {
                "state": JobState.WAITING,
                "waiting_key": job.key,
                "run_after": time,
                "attempts": 0,
                "cause": None,
                "progress": None,
                "updated_at": time,
            }
            rows.write_event(connection, job_id, JobEventType.REDONE, time, attempt=job.attempts)
            return rows.write(connection, job_id, changes)

        try:
            return self._database.transact(work)
        except DBDuplicateEntry:
            raise Conflict(f"Another job for the same as job {job_id} waits already.") from None

    def cancel(self, job_id: str, cause: str = "An operator cancelled it.") -> Job:
        """Have a job not done. A worker that is at it stops at its next step; what it did stays done.

        One that is parked is put away.

        :raises NotFound: there is none.
        :raises Conflict: it is done, or cancelled already.
        """

        def work(connection: sa.Connection) -> Job:
            job = _find(connection, job_id, lock=True)
            if job.state.is_final and job.state is not JobState.FAILED:
                raise Conflict(f"Job {job_id} is {job.state} already.")
            time = self._clock()
            changes: dict[str, Any] = {
                "state": JobState.CANCELLED,
                "waiting_key": None,
                # A worker that is at it finds that its lease is of the past.
                "fence": job.fence + 1,
                "cause": cause,
                "updated_at": time,
            } | rows.NOT_RUNNING
            rows.write_event(
                connection, job_id, JobEventType.CANCELLED, time, attempt=job.attempts, cause=cause
            )
            return rows.write(connection, job_id, changes)

        return self._database.transact(work)

    def purge(self, before: datetime) -> int:
        """Delete jobs that ended before a time; return how many.

        Those that failed stay until they are redone, and what another job requires stays as long as that
        one: it would be free without having what it requires.
        """
        is_old = (
            jobs.c.state.in_([JobState.SUCCEEDED, JobState.CANCELLED]),
            jobs.c.updated_at < before,
            ~requirements.is_required(),
        )
        purged = 0
        while True:
            with self._database.read() as connection:
                ids = list(connection.scalars(sa.select(jobs.c.id).where(*is_old).limit(_PURGED_AT_ONCE)))
            # Asked again: by now one may have been redone, or be required.
            statement = jobs.delete().where(jobs.c.id.in_(ids), *is_old)
            deleted = self._database.transact(partial(_count_changed, statement=statement)) if ids else 0
            if not deleted:
                return purged
            purged += deleted


def _count_changed(connection: sa.Connection, *, statement: sa.Delete) -> int:
    return connection.execute(statement).rowcount


def _conditions(filters: JobFilters) -> list[sa.ColumnElement[bool]]:
    conditions = [
        jobs.c[name] == value
        for name in ("state", "type", "site_id", "resource_type", "resource_id", "project_id", "request_id")
        if (value := getattr(filters, name)) is not None
    ]
    if filters.since is not None:
        conditions.append(jobs.c.created_at >= filters.since)
    if filters.until is not None:
        conditions.append(jobs.c.created_at < filters.until)
    return conditions


def _find(connection: sa.Connection, job_id: str, *, lock: bool = False) -> Job:
    job = rows.find(connection, job_id, lock=lock)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    return job
