"""Waiting jobs that are needed no more: what they were to bring about is so already."""

from datetime import datetime

import sqlalchemy as sa

from tricircle.db.tables import jobs
from tricircle.db.timestamps import now
from tricircle.jobs import parked, rows
from tricircle.jobs.job import Job, JobEventType, JobState, Request
from tricircle.jobs.types import type_of


def complete(connection: sa.Connection, job: Job, time: datetime, cause: str | None = None) -> None:
    """Note that a waiting job, which the transaction has locked, is done.

    :param time: the present one, naive, UTC.
    """
    rows.write_event(connection, job.id, JobEventType.SUCCEEDED, time, attempt=job.attempts, cause=cause)
    changes = {"state": JobState.SUCCEEDED, "waiting_key": None, "cause": cause, "updated_at": time}
    parked.replace_by(connection, job, JobState.SUCCEEDED, time)
    rows.write(connection, job.id, changes)


def complete_precaution(connection: sa.Connection, done: Request) -> None:
    """Complete the job that waits for something just in case that whoever asked for it does not do it.

    :param done: the request for it.
    """
    query = rows.SELECT.where(jobs.c.waiting_key == done.key, jobs.c.attempts == 0)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        return
    job = rows.job_of(row)
    if type_of(job.type).read(job.parameters) == done.parameters:
        complete(connection, job, now(), "It was done without it.")
