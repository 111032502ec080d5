"""What jobs require: other jobs that must have succeeded before.

A job that requires one which has failed, or was cancelled, is parked; nothing here starts it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from oslo_db.exception import DBReferenceError
from sqlalchemy.dialects import mysql, postgresql, sqlite

from tricircle.db.tables import job_requirements as table
from tricircle.db.tables import jobs
from tricircle.errors import BadRequest
from tricircle.jobs.job import JobState

_INSERT_IF_NONE: Mapping[str, Any] = MappingProxyType(
    {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
        "mysql": mysql.insert(table).on_duplicate_key_update(job_id=table.c.job_id),
        "mariadb": mysql.insert(table).on_duplicate_key_update(job_id=table.c.job_id),
    }
)

_REQUIRED = jobs.alias("required")

FAILED = (JobState.FAILED, JobState.CANCELLED)
"""States from which a job does not come to succeed by itself."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """A job that is required and has not succeeded."""

    id: str
    type: str
    state: JobState

    def __str__(self) -> str:
        return f"It requires job {self.id} ({self.type}), which is {self.state}."


def require(connection: sa.Connection, job_id: str, required: Iterable[str]) -> None:
    """Have a job that waits require others. That it requires itself goes without saying.

    :raises BadRequest: one of them is not there, or requires this one.
    """
    others = set(required) - {job_id}
    if not others:
        return
    if job_id in _with_all_that_is_required(connection, others):
        raise BadRequest(f"Job {job_id} cannot require jobs that require it: none would ever be done.")
    _write(connection, ((job_id, other) for other in others))


def find_unmet(connection: sa.Connection, job_id: str) -> list[Unmet]:
    """Find what a job requires that has not succeeded, what has failed first."""
    query = (
        sa.select(_REQUIRED.c.id, _REQUIRED.c.type, _REQUIRED.c.state)
        .join(table, table.c.required_job_id == _REQUIRED.c.id)
        .where(table.c.job_id == job_id, _REQUIRED.c.state != JobState.SUCCEEDED)
        .order_by(_REQUIRED.c.state.in_(FAILED).desc(), _REQUIRED.c.id)
    )
    return [Unmet(row.id, row.type, JobState(row.state)) for row in connection.execute(query)]


def find_failed(connection: sa.Connection, job_id: str) -> Unmet | None:
    """Find a job that is required and has failed or was cancelled."""
    return next((unmet for unmet in find_unmet(connection, job_id) if unmet.state in FAILED), None)


def has_to_wait() -> sa.Exists:
    """Make the condition of a job of `jobs` that it requires one which is still to be done."""
    return sa.exists().where(
        table.c.job_id == jobs.c.id,
        table.c.required_job_id == _REQUIRED.c.id,
        _REQUIRED.c.state.in_([JobState.WAITING, JobState.RUNNING]),
    )


def is_required() -> sa.Exists:
    """Make the condition of a job of `jobs` that another one requires it."""
    return sa.exists().where(table.c.required_job_id == jobs.c.id)


def pass_on(connection: sa.Connection, job_id: str, successor: str) -> None:
    """Have those that require a job require the one that is done in its stead.

    One that the successor itself waits for cannot wait for the successor: it keeps its requirement.
    """
    query = sa.select(table.c.job_id).where(table.c.required_job_id == job_id)
    dependents = set(connection.scalars(query))
    if not dependents:
        return
    movable = dependents - _with_all_that_is_required(connection, {successor})
    _write(connection, ((dependent, successor) for dependent in movable))
    connection.execute(table.delete().where(table.c.required_job_id == job_id, table.c.job_id.in_(movable)))


def _write(connection: sa.Connection, pairs: Iterable[tuple[str, str]]) -> None:
    new = [{"job_id": job_id, "required_job_id": other} for job_id, other in sorted(pairs)]
    if not new:
        return
    try:
        connection.execute(_INSERT_IF_NONE[connection.dialect.name], new)
    except DBReferenceError:
        raise BadRequest("A job that is required is not there.") from None


def _with_all_that_is_required(connection: sa.Connection, job_ids: Collection[str]) -> set[str]:
    """Add to jobs all that they require, and what that requires, and so on."""
    found: set[str] = set()
    new = set(job_ids)
    while new:
        found |= new
        new = (
            set(connection.scalars(sa.select(table.c.required_job_id).where(table.c.job_id.in_(new)))) - found
        )
    return found
