"""What becomes of the jobs of a site that is not registered any more: all that wait or are parked go."""

from datetime import datetime

import sqlalchemy as sa

from tricircle.db.tables import jobs
from tricircle.jobs import rows
from tricircle.jobs.job import JobEventType, JobState


def withdraw(connection: sa.Connection, site_id: str, cause: str, time: datetime) -> int:
    """Cancel a site's waiting and parked jobs in the transaction that removes it; return how many.

    One that runs goes on until it asks for its site, and has succeeded then.

    :param time: the present one, naive, UTC.
    """
    waiting = (
        sa.select(jobs.c.id, jobs.c.attempts)
        .where(jobs.c.site_id == site_id, jobs.c.state.in_([JobState.WAITING, JobState.FAILED]))
        .order_by(jobs.c.id)
        .with_for_update()
    )
    found = connection.execute(waiting).all()
    for job_id, attempts in found:
        rows.write_event(connection, job_id, JobEventType.CANCELLED, time, attempt=attempts, cause=cause)
        changes = {"state": JobState.CANCELLED, "waiting_key": None, "cause": cause, "updated_at": time}
        rows.write(connection, job_id, changes)
    return len(found)
