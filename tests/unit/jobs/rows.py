"""Jobs to ask for, and rows as they stand."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.db.tables import job_events, job_requirements, jobs
from tricircle.jobs.job import JobEvent, Request
from tricircle.jobs.rows import events_of
from tricircle.jobs.types import ReplicateParameters


def flavor(
    name: str = "small",
    *,
    site: str = "one",
    project: str | None = None,
    mend: bool = False,
    is_precaution: bool = False,
    **more: Any,
) -> Request:
    """A wish for a flavor in a site."""
    return Request(
        "replicate",
        "flavor",
        name,
        site_id=site,
        project_id=project,
        parameters=ReplicateParameters(mend=mend, is_precaution=is_precaution),
        **more,
    )


def node(site: str = "one", **more: Any) -> Request:
    """A wish for a look at a site: three attempts, and no hurry."""
    return Request("node", "site", site, site_id=site, **more)


def read_jobs(database: Database) -> list[sa.Row[Any]]:
    """All rows of jobs."""
    with database.read() as connection:
        return list(connection.execute(sa.select(jobs)))


def read_requirements(database: Database) -> set[tuple[str, str]]:
    """All pairs of a job and one that it requires."""
    with database.read() as connection:
        return {(row.job_id, row.required_job_id) for row in connection.execute(sa.select(job_requirements))}


def read_events(database: Database) -> dict[str, list[JobEvent]]:
    """The events of all jobs, by their ids."""
    events: dict[str, list[JobEvent]] = defaultdict(list)
    with database.read() as connection:
        for row in connection.execute(sa.select(job_events).order_by(job_events.c.id)):
            events[row.job_id] += events_of([row])
    return events


def add_of_the_future(database: Database, job_id: str, like: str) -> None:
    """Write a job of a type that only a newer version knows, otherwise like another one."""
    with database.write() as connection:
        row = dict(connection.execute(sa.select(jobs).where(jobs.c.id == like)).one()._mapping)
        keys = {name: f"{job_id}|" if row[name] else None for name in ("waiting_key", "running_key")}
        connection.execute(jobs.insert(), row | {"id": job_id, "type": "teleport"} | keys)
