"""How jobs are asked for: one waits for each thing to be done, however often it is asked for.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.db.tables import jobs
from tricircle.db.timestamps import now
from tricircle.errors import BadRequest
from tricircle.jobs import completing, requirements, rows
from tricircle.jobs.job import Job, JobEventType, JobState, NoParameters, Request
from tricircle.jobs.types import type_of


class JobRequester:
    """Asks for jobs, and says when one is needed no more.

    :param clock: the present time, naive, UTC.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    def request(self, *requests: Request) -> list[Job]:
        """Ask for jobs, all or none of them.

        :return: those that wait now, in the order of the requests: new ones, or those that waited already.
        :raises BadRequest: there is no such type, it is not about that, or what it requires is not there.
        """

        def work(connection: sa.Connection) -> list[Job]:
            # In the same order by all, so that two that ask for the same do not wait for one another.
            places = sorted(range(len(requests)), key=lambda place: requests[place].key)
            enqueued = {place: self.enqueue(connection, requests[place]) for place in places}
            return [enqueued[place] for place in range(len(requests))]

        return self._database.transact(work)

    def enqueue(self, connection: sa.Connection, request: Request) -> Job:
        """Ask for a job in the transaction of what it follows from, which is to be `Database.transact`'s.

        Where one for the same waits already it takes the new parameters over, and is done as early as the
        earlier of the two; the attempts that it has had still count.

        :raises BadRequest: there is no such type, it is not about that, or what it requires is not there or
            requires it.
        """
        _check(request)
        time = self._clock()
        row = rows.new_row(request, str(uuid4()), time, time + timedelta(seconds=request.delay))
        while True:
            connection.execute(rows.INSERT_IF_NONE_WAITS[connection.dialect.name], row)
            found = connection.execute(
                rows.SELECT.where(jobs.c.waiting_key == request.key).with_for_update()
            ).one_or_none()
            if found is not None:
                break
            # A worker took it between the two statements.
        job = rows.job_of(found)
        if job.id == row["id"]:
            rows.write_event(connection, job.id, JobEventType.REQUESTED, time)
        else:
            job = self._merge(connection, job, row)
        requirements.require(connection, job.id, request.requires)
        return job

    def _merge(self, connection: sa.Connection, job: Job, new: Mapping[str, Any]) -> Job:
        is_due = job.run_after <= self._clock()
        changes = {
            "parameters": type_of(job.type).merge(job.parameters, new["parameters"].encode()).decode(),
            "priority": min(job.priority, new["priority"]),
            # What is due already does not become more so by a request that was on the way for longer.
            "run_after": job.run_after if is_due else min(job.run_after, new["run_after"]),
        }
        before = {
            "parameters": job.parameters.decode(),
            "priority": job.priority,
            "run_after": job.run_after,
        }
        if changes == before:
            return job
        time = new["created_at"]
        rows.write_event(connection, job.id, JobEventType.MERGED, time, attempt=job.attempts)
        return rows.write(connection, job.id, changes | {"request_id": new["request_id"], "updated_at": time})

    def complete(self, connection: sa.Connection, job_id: str, cause: str | None = None) -> bool:
        """Note that what a waiting job is to bring about is so already.

        :return: False where it does not wait any more: a worker has it, or it is done.
        """
        job = rows.find(connection, job_id, lock=True)
        if job is None or job.state is not JobState.WAITING:
            return False
        completing.complete(connection, job, self._clock(), cause)
        return True

    def revise(self, job_id: str, parameters: msgspec.Struct, delay: float) -> bool:
        """Have a job that waits be done with other parameters, and at another time.

        :param delay: seconds.
        :return: False where it does not wait any more.
        """
        time = self._clock()
        changes = {
            "parameters": msgspec.json.encode(parameters).decode(),
            "run_after": time + timedelta(seconds=delay),
            "updated_at": time,
        }
        statement = jobs.update().where(jobs.c.id == job_id, jobs.c.state == JobState.WAITING)
        done = self._database.transact(lambda connection: connection.execute(statement.values(**changes)))
        return done.rowcount == 1

    def hasten(self, job_id: str, delay: float = 0.0) -> None:
        """Have a job that waits for longer than that be done so soon.

        :param delay: seconds.
        """
        self._hasten(jobs.c.id == job_id, delay)

    def hasten_waiting(self, key: str) -> list[Job]:
        """Have the job for something be done now, if one waits.

        :param key: of the request for it.
        :return: the job, if it was to wait for longer.
        """
        return self._hasten(jobs.c.waiting_key == key)

    def _hasten(self, which: sa.ColumnElement[bool], delay: float = 0.0) -> list[Job]:

        def work(connection: sa.Connection) -> list[Job]:
            time = self._clock()
            sooner = time + timedelta(seconds=delay)
            waiting = rows.SELECT.where(which, jobs.c.state == JobState.WAITING, jobs.c.run_after > sooner)
            found = connection.execute(waiting.with_for_update()).all()
            changes = {"run_after": sooner, "updated_at": time}
            return [rows.write(connection, rows.job_of(row).id, changes) for row in found]

        return self._database.transact(work)


def _check(request: Request) -> None:
    kind = type_of(request.type)
    if kind.about and request.resource_type not in kind.about:
        raise BadRequest(f"A {kind.name} job is not about a {request.resource_type}.")
    if kind.needs_site and request.site_id is None:
        raise BadRequest(f"A {kind.name} job needs a site.")
    if isinstance(request.parameters, NoParameters):
        kind.read(b"{}")  # the defaults are meant, where all have one
    elif not isinstance(request.parameters, kind.parameters):
        raise BadRequest(f"A {kind.name} job takes other parameters.")
