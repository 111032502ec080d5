"""A job, as it is asked for and as it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class JobState(StrEnum):
    """What has become of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Parked: it is not tried again unless somebody says so."""
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Say whether it stays so by itself."""
        return self not in {JobState.WAITING, JobState.RUNNING}


class JobEventType(StrEnum):
    """What happened to a job. Each attempt ends with one of those from `SUCCEEDED` on."""

    REQUESTED = "requested"
    MERGED = "merged"
    """Another request for the same, while it waited, changed what or when."""
    REDONE = "redone"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    POSTPONED = "postponed"
    """Nothing went wrong, and it is too early."""
    RETRIED = "retried"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """A later request for the same waits already, or, where it was parked, another one has ended."""
    HANDED_BACK = "handed_back"
    """Its worker was told to stop."""
    LOST = "lost"
    """Its worker has not been heard of for as long as its lease lasted."""


class NoParameters(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The parameters of a job that needs none."""


@dataclass(frozen=True, slots=True)
class Request:
    """A wish for a job.

    :param type: one of `tricircle.jobs.types`.
    :param resource_id: what it is about; of a job about a whole site, the site's id.
    :param site_id: where it is to be done; None for one that concerns no single site.
    :param project_id: whose it is; None for the top's own.
    :param parameters: as the type wants them; those of a later request for the same replace these, unless the
        type keeps something of them.
    :param delay: seconds before which no worker takes it.
    :param priority: smaller is sooner; None stands for the type's own.
    :param requires: ids of jobs that must have succeeded before.
    :param request_id: of the client's request that it follows from.
    """

    type: str
    resource_type: str
    resource_id: str
    site_id: str | None = None
    project_id: str | None = None
    parameters: msgspec.Struct = field(default_factory=NoParameters)
    delay: float = 0.0
    priority: int | None = None
    requires: Sequence[str] = ()
    request_id: str | None = None

    @property
    def key(self) -> str:
        """What at most one waiting job and at most one running job bear."""
        return f"{self.type}|{self.resource_type}|{self.resource_id}|{self.site_id or ''}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is kept. Times are naive, UTC.

    :param parameters: as they are written; its type reads them.
    :param attempts: that have begun since it was requested or redone and have counted.
    :param fence: counts the leases that were ever given; a write that names an older one misses.
    :param cause: what the last attempt died of, or why it was cancelled.
    :param progress: what it says of itself while it runs: names and figures.
    """

    id: str
    type: str
    resource_type: str
    resource_id: str
    site_id: str | None
    project_id: str | None
    state: JobState
    priority: int
    parameters: bytes
    run_after: datetime
    attempts: int
    lease_owner: str | None
    lease_expires_at: datetime | None
    fence: int
    cause: str | None
    progress: Mapping[str, Any]
    request_id: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> str:
        """As that of its request."""
        return f"{self.type}|{self.resource_type}|{self.resource_id}|{self.site_id or ''}"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened to a job.

    :param attempt: 0 before the first one.
    :param site_request_id: by which the site's operator finds the cause.
    """

    attempt: int
    event: JobEventType
    cause: str | None
    site_request_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to do a job: good until it expires, is renewed, or is taken away."""

    job: Job
    owner: str
    fence: int
