"""Parked jobs: of each thing to be done at most one stays parked, the one that failed last.

So what is asked for again and again, and fails each time, is one row for the operator, and what is done in
the end leaves none.
"""

from datetime import datetime

import sqlalchemy as sa

from tricircle.db.tables import jobs
from tricircle.jobs import requirements, rows
from tricircle.jobs.job import Job, JobEventType, JobState

_DEEDS = {JobState.SUCCEEDED: "did it", JobState.FAILED: "failed as well"}


def replace_by(connection: sa.Connection, job: Job, state: JobState, time: datetime) -> None:
    """Cancel what is parked of the same as a job that ends, in the transaction that ends it.

    :param state: in which it ends; nothing is done unless it succeeded or failed.
    :param time: the present one, naive, UTC.
    """
    if state not in _DEEDS:
        return
    cause = f"Job {job.id}, asked for later, {_DEEDS[state]}."
    for older_id in _find(connection, job):
        older = rows.find(connection, older_id, lock=True)
        if older is None or older.state is not JobState.FAILED:
            continue  # an operator has just redone it
        requirements.pass_on(connection, older_id, job.id)
        rows.write_event(
            connection, older_id, JobEventType.SUPERSEDED, time, attempt=older.attempts, cause=cause
        )
        rows.write(connection, older_id, {"state": JobState.CANCELLED, "cause": cause, "updated_at": time})


def _find(connection: sa.Connection, job: Job) -> list[str]:
    # Without a lock: looking for them passes by the jobs of other sites, which others are just ending.
    query = sa.select(jobs.c.id).where(
        jobs.c.resource_id == job.resource_id,
        jobs.c.resource_type == job.resource_type,
        jobs.c.type == job.type,
        jobs.c.site_id.is_(None) if job.site_id is None else jobs.c.site_id == job.site_id,
        jobs.c.state == JobState.FAILED,
        jobs.c.id != job.id,
    )
    return list(connection.scalars(query.order_by(jobs.c.id)))
