"""Job rows: how a job stands in its table, and the statements that several parts share."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from tricircle.db.tables import job_events, jobs
from tricircle.jobs.job import Job, JobEvent, JobEventType, JobState, Request
from tricircle.jobs.types import type_of

_COLUMNS = tuple(column for column in jobs.c if column.name not in {"waiting_key", "running_key"})

SELECT = sa.select(*_COLUMNS)

INSERT_IF_NONE_WAITS: Mapping[str, Any] = MappingProxyType(
    {
        "sqlite": sqlite.insert(jobs).on_conflict_do_nothing(index_elements=["waiting_key"]),
        "postgresql": postgresql.insert(jobs).on_conflict_do_nothing(index_elements=["waiting_key"]),
        "mysql": mysql.insert(jobs).on_duplicate_key_update(id=jobs.c.id),
        "mariadb": mysql.insert(jobs).on_duplicate_key_update(id=jobs.c.id),
    }
)
"""Inserts a row unless one with its `waiting_key` is there."""

NOT_RUNNING: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None, "running_key": None}
"""What a row bears that no worker has."""


def job_of(row: sa.Row[Any]) -> Job:
    """Make a job of a row of `SELECT`."""
    fields: dict[str, Any] = dict(row._mapping)
    fields["progress"] = MappingProxyType(_read_progress(fields["progress"]))
    fields["state"] = JobState(fields["state"])
    fields["parameters"] = fields["parameters"].encode()
    return Job(**fields)


def _read_progress(progress: str | None) -> dict[str, Any]:
    """Read what a job said of itself: nothing where that makes no sense, so that one row stops nobody."""
    try:
        return msgspec.json.decode(progress or "{}", type=dict[str, Any])
    except (msgspec.ValidationError, msgspec.DecodeError):
        return {}


def new_row(request: Request, job_id: str, time: datetime, run_after: datetime) -> dict[str, Any]:
    """Make the row of a job that is asked for."""
    return {
        "id": job_id,
        "type": request.type,
        "resource_type": request.resource_type,
        "resource_id": request.resource_id,
        "site_id": request.site_id,
        "project_id": request.project_id,
        "state": JobState.WAITING,
        "priority": priority_of(request),
        "parameters": msgspec.json.encode(request.parameters).decode(),
        "run_after": run_after,
        "attempts": 0,
        "fence": 0,
        "waiting_key": request.key,
        "request_id": request.request_id,
        "created_at": time,
        "updated_at": time,
    }


def priority_of(request: Request) -> int:
    """Tell how soon a request is to be served."""
    return type_of(request.type).priority if request.priority is None else request.priority


def write_event(
    connection: sa.Connection,
    job_id: str,
    event: JobEventType,
    time: datetime,
    *,
    attempt: int = 0,
    cause: str | None = None,
    site_request_id: str | None = None,
) -> None:
    """Keep what happened to a job."""
    connection.execute(
        job_events.insert(),
        {
            "job_id": job_id,
            "attempt": attempt,
            "event": event,
            "cause": cause,
            "site_request_id": site_request_id,
            "created_at": time,
        },
    )


def find(connection: sa.Connection, job_id: str, *, lock: bool = False) -> Job | None:
    """Read a job.

    :param lock: whether nobody else may change it before the transaction ends.
    """
    query = SELECT.where(jobs.c.id == job_id)
    found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else job_of(found)


def write(connection: sa.Connection, job_id: str, changes: Mapping[str, Any]) -> Job:
    """Change a job that this transaction has locked, and return it as it stands then."""
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(**changes))
    return job_of(connection.execute(SELECT.where(jobs.c.id == job_id)).one())


def progress_of(progress: Mapping[str, Any]) -> str:
    """Write what a job says of itself as its row has it."""
    return msgspec.json.encode(progress).decode()


def events_of(rows: Iterable[sa.Row[Any]]) -> list[JobEvent]:
    """Make events of rows."""
    return [
        JobEvent(row.attempt, JobEventType(row.event), row.cause, row.site_request_id, row.created_at)
        for row in rows
    ]
