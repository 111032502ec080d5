"""The queue of jobs: leased to workers, and finished.

Its guarantees are the database's. A unique index on `waiting_key` lets one job of a kind wait, one on
`running_key` lets one run. A worker's write names the fence of its lease, which grows with each lease given
or taken away: a worker that was taken for dead changes nothing any more. A job is locked before it is looked
at: where the database can skip rows that another worker is just taking (`FOR UPDATE SKIP LOCKED`), it does;
on SQLite one transaction writes at a time.

Every method raises DatabaseUnavailable where the database cannot be reached.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry

from tricircle.db.engine import Database
from tricircle.db.tables import jobs
from tricircle.db.timestamps import now
from tricircle.errors import LeaseLost
from tricircle.jobs import parked, requirements, rows
from tricircle.jobs.ending import Ending, ending_of, ending_of_loss, has_attempt_left
from tricircle.jobs.job import Job, JobEventType, JobState, Lease
from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.jobs.types import TYPES

_BATCH = 16
"""How many jobs a worker looks at at once to get one: others may be taking the first ones."""

TOP = "top"
"""Stands, among busy sites, for the jobs that are for none, which are about the top's own services."""

_RUNNING = jobs.alias("running")


class JobQueue:
    """The queue.

    :param lease: seconds for which a job is a worker's unless the worker renews it.
    :param clock: the present time, naive, UTC. Workers on several hosts must agree on it to within a fraction
        of a lease.
    """

    def __init__(
        self, database: Database, *, lease: float = 30.0, clock: Callable[[], datetime] = now
    ) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease)
        self._clock = clock

    def claim(
        self, owner: str, *, busy_sites: Collection[str] = (), busy_projects: Collection[str] = ()
    ) -> Lease | None:
        """Lease the next job to a worker, or None where there is none for it now.

        A job whose worker let its lease expire comes before those that wait. One that has used up its
        attempts, or requires one that has failed, is parked on the way. Jobs of a type that this version does
        not know are left to those that do.

        :param owner: the worker's name.
        :param busy_sites: ids of sites that the worker has enough to do for, or `TOP`; so for projects.
        """
        free = _free(busy_sites, busy_projects)
        lease = self._claim_one_of(_expired(self._clock()).where(*free), owner)
        priority: int | None = None
        # One priority after the other: each is a range of the index, however many wait for their time before.
        while lease is None and (priority := self._next_priority(priority)) is not None:
            lease = self._claim_one_of(_due(self._clock(), priority).where(*free), owner)
        return lease

    def _next_priority(self, last: int | None) -> int | None:
        query = sa.select(sa.func.min(jobs.c.priority)).where(jobs.c.state == JobState.WAITING)
        if last is not None:
            query = query.where(jobs.c.priority > last)
        with self._database.read() as connection:
            found: int | None = connection.scalar(query)
            return found

    def _claim_one_of(self, query: sa.Select[str], owner: str) -> Lease | None:
        passed_over: set[str] = set()
        while True:
            left = query.where(jobs.c.id.not_in(passed_over)) if passed_over else query
            with self._database.read() as connection:
                candidates = list(connection.scalars(left))
            if not candidates:
                return None
            for job_id in candidates:
                # Each in a transaction of its own, which begins with the lock: what it reads then is as new
                # as the job is, on every database, and nobody waits for jobs that are only passed over.
                lease = self._database.transact(partial(self._take, job_id=job_id, owner=owner))
                if lease is not None:
                    return lease
            passed_over.update(candidates)

    def _take(self, connection: sa.Connection, *, job_id: str, owner: str) -> Lease | None:
        """Take a job, or None where it cannot be had now."""
        query = rows.SELECT.where(jobs.c.id == job_id).with_for_update(skip_locked=True)
        found = connection.execute(query).one_or_none()
        if found is None:
            return None
        job = rows.job_of(found)
        match job.state:
            case JobState.WAITING:
                is_free = self._may_begin(connection, job)
            case JobState.RUNNING:
                is_free = self._is_given_up(connection, job)
            case _:
                is_free = False
        return self._give(connection, job, owner) if is_free else None

    def _may_begin(self, connection: sa.Connection, job: Job) -> bool:
        """Say whether a waiting job may be done now; park it where it never may."""
        if job.run_after > self._clock():
            return False
        unmet = requirements.find_unmet(connection, job.id)
        if unmet and unmet[0].state in requirements.FAILED:
            self._park(connection, job, str(unmet[0]))
        if unmet:
            return False
        return connection.scalar(sa.select(_RUNNING.c.id).where(_RUNNING.c.running_key == job.key)) is None

    def _is_given_up(self, connection: sa.Connection, job: Job) -> bool:
        """Take a job from a worker that has not been heard of; say whether another may have it."""
        time = self._clock()
        if job.lease_expires_at is None or job.lease_expires_at > time:
            return False
        cause = f"Worker {job.lease_owner} has not been heard of since its lease expired."
        rows.write_event(connection, job.id, JobEventType.LOST, time, attempt=job.attempts, cause=cause)
        if has_attempt_left(job) and _later(connection, job) is None:
            return True
        # The fence grows, so that a worker that comes back from the dead has lost it.
        self._end(connection, job, ending_of_loss(job, cause), fence=job.fence + 1)
        return False

    def _give(self, connection: sa.Connection, job: Job, owner: str) -> Lease:
        time = self._clock()
        changes = {
            "state": JobState.RUNNING,
            "waiting_key": None,
            "running_key": job.key,
            "lease_owner": owner,
            "lease_expires_at": time + self._lease,
            "fence": job.fence + 1,
            "attempts": job.attempts + 1,
            "updated_at": time,
        }
        given = rows.write(connection, job.id, changes)
        return Lease(given, owner, given.fence)

    def renew(self, leases: Iterable[Lease], progress: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """Renew leases.

        :param progress: what jobs say of themselves, by their ids.
        :return: the ids of the jobs that still are the worker's.
        """

        def work(connection: sa.Connection) -> set[str]:
            time = self._clock()
            kept = set()
            for lease in sorted(leases, key=lambda lease: lease.job.id):
                changes: dict[str, Any] = {"lease_expires_at": time + self._lease}
                if lease.job.id in progress:
                    changes["progress"] = rows.progress_of(progress[lease.job.id])
                statement = jobs.update().where(
                    jobs.c.id == lease.job.id,
                    jobs.c.state == JobState.RUNNING,
                    jobs.c.fence == lease.fence,
                )
                if connection.execute(statement.values(**changes)).rowcount == 1:
                    kept.add(lease.job.id)
            return kept

        return self._database.transact(work)

    def finish(self, lease: Lease, outcome: Outcome, *, progress: Mapping[str, Any] | None = None) -> Job:
        """Say how an attempt ended. To say it again, because the answer was lost, changes nothing.

        Where a later request for the same waits, what is not done is left to it, together with those that
        require this job.

        :return: the job as it stands now.
        :raises LeaseLost: the job is another worker's by now, or was cancelled.
        """
        said = {} if progress is None else {"progress": rows.progress_of(progress)}

        def work(connection: sa.Connection) -> Job:
            job = rows.find(connection, lease.job.id, lock=True)
            if job is None or job.fence != lease.fence:
                raise LeaseLost(f"Job {lease.job.id} is not this worker's any more.")
            if job.state is not JobState.RUNNING:
                # This lease was neither given to another nor taken away: it was said before.
                return job
            ended = self._end(connection, job, ending_of(job, outcome), **said)
            if isinstance(outcome, Succeeded) and outcome.work is not None:
                outcome.work(connection)
            return ended

        while True:
            try:
                return self._database.transact(work)
            except DBDuplicateEntry:
                if isinstance(outcome, Succeeded):
                    raise
                # A request for the same came between the look for one and the change.

    def _end(self, connection: sa.Connection, job: Job, ending: Ending, **more: Any) -> Job:
        """Have a job not run any more.

        :param more: other columns to change.
        """
        time = self._clock()
        event, state, cause, attempts = ending.event, ending.state, ending.cause, ending.attempts
        later = None if state is JobState.SUCCEEDED else _later(connection, job)
        if later is not None:
            requirements.pass_on(connection, job.id, later)
            event, state, attempts = JobEventType.SUPERSEDED, JobState.CANCELLED, job.attempts
            cause = f"{cause} Job {later}, asked for later, does it."
        changes = more | rows.NOT_RUNNING
        changes |= {"state": state, "cause": cause, "attempts": attempts, "updated_at": time}
        if state is JobState.WAITING:
            changes |= {"waiting_key": job.key, "run_after": time + timedelta(seconds=ending.delay)}
        rows.write_event(
            connection,
            job.id,
            event,
            time,
            attempt=job.attempts,
            cause=cause,
            site_request_id=ending.site_request_id,
        )
        parked.replace_by(connection, job, state, time)
        return rows.write(connection, job.id, changes)

    def _park(self, connection: sa.Connection, job: Job, cause: str) -> None:
        """Have a waiting job not done."""
        time = self._clock()
        changes = {"state": JobState.FAILED, "waiting_key": None, "cause": cause, "updated_at": time}
        rows.write_event(connection, job.id, JobEventType.FAILED, time, attempt=job.attempts, cause=cause)
        parked.replace_by(connection, job, JobState.FAILED, time)
        rows.write(connection, job.id, changes)

    def next_due(self) -> datetime | None:
        """Tell when the next waiting job falls due that is not due yet; None where there is none."""
        query = (
            sa.select(jobs.c.run_after)
            .where(
                jobs.c.state == JobState.WAITING,
                jobs.c.run_after > self._clock(),
                jobs.c.type.in_(list(TYPES)),
            )
            .order_by(jobs.c.run_after)
            .limit(1)
        )
        with self._database.read() as connection:
            found: datetime | None = connection.scalar(query)
            return found


def _later(connection: sa.Connection, job: Job) -> str | None:
    """Find the job for the same that was asked for later and waits, so that nobody else changes it."""
    found: str | None = connection.scalar(
        sa.select(jobs.c.id).where(jobs.c.waiting_key == job.key).with_for_update()
    )
    return found


def _free(busy_sites: Collection[str], busy_projects: Collection[str]) -> list[sa.ColumnElement[bool]]:
    """Make the conditions that leave out what a worker does not know or has enough of."""
    conditions: list[sa.ColumnElement[bool]] = [jobs.c.type.in_(list(TYPES))]
    for column, busy in ((jobs.c.site_id, busy_sites), (jobs.c.project_id, busy_projects)):
        if busy:
            conditions.append(column.is_(None) | column.not_in(sorted(busy)))
    if TOP in busy_sites:
        conditions.append(jobs.c.site_id.is_not(None))
    return conditions


def _expired(time: datetime) -> sa.Select[str]:
    return (
        sa.select(jobs.c.id)
        .where(jobs.c.state == JobState.RUNNING, jobs.c.lease_expires_at <= time)
        .order_by(jobs.c.lease_expires_at, jobs.c.id)
        .limit(_BATCH)
    )


def _due(time: datetime, priority: int) -> sa.Select[str]:
    """Select jobs that may be done now: what they require is done, and none like them is under way."""
    running = sa.exists().where(_RUNNING.c.running_key == jobs.c.waiting_key)
    return (
        sa.select(jobs.c.id)
        .where(
            jobs.c.state == JobState.WAITING,
            jobs.c.priority == priority,
            jobs.c.run_after <= time,
            ~running,
            ~requirements.has_to_wait(),
        )
        .order_by(jobs.c.run_after, jobs.c.id)
        .limit(_BATCH)
    )
