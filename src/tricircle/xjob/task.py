"""A job in the hands of the worker that does it."""

from collections.abc import Callable
from typing import Any

import msgspec

from tricircle.errors import Conflict
from tricircle.jobs.job import Job, Lease
from tricircle.jobs.outcome import Outcome
from tricircle.jobs.types import type_of
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine


class SiteGone(Conflict):
    """The site of a job is not registered any more, or is disabled; or the job names none."""


class SiteRemoved(SiteGone):
    """The site of a job is not registered any more: it needs nothing, as do its jobs that waited then."""


class Stopping(Exception):
    """The worker is told to stop: what it was doing is handed back. Not for handlers to catch."""


class Task:
    """A job that is being done.

    :param lease: the worker's right to do it.
    :param check: raises LeaseLost where the lease is lost, and Stopping where the worker is told to stop.
    """

    def __init__(self, engine: Engine, lease: Lease, check: Callable[[], None]) -> None:
        self.engine = engine
        self.lease = lease
        self.progress: dict[str, Any] = dict(lease.job.progress)
        self._check = check

    @property
    def job(self) -> Job:
        """The job."""
        return self.lease.job

    @property
    def parameters(self) -> Any:
        """The job's parameters, as its type has them.

        :raises BadRequest: they make no sense any more.
        """
        return type_of(self.job.type).read(self.job.parameters)

    @property
    def site(self) -> Site:
        """The site that it is for.

        :raises SiteGone: it is not registered any more, or is disabled; or the job names none.
        """
        if self.job.site_id is None:
            raise SiteGone("The job names no site.")
        site = self.engine.registry.snapshot.by_id.get(self.job.site_id)
        if site is None or not site.is_asked:
            # It may have been registered, or enabled, a moment ago.
            self.engine.registry.expire()
            site = self.engine.registry.snapshot.by_id.get(self.job.site_id)
        if site is None:
            raise SiteRemoved(f"Site {self.job.site_id} is not registered any more.")
        if not site.is_asked:
            raise SiteGone(f"Site {site.name} is disabled.", site=site.name)
        return site

    def step(self, name: str, **progress: Any) -> None:
        """Begin a step: the place between two effects where a job may end without harm.

        :param name: what has been done by now or is done next; the same for each attempt.
        :param progress: figures to show to whoever looks at the job; plain JSON.
        :raises LeaseLost: the job is not this worker's any more.
        :raises Stopping: the worker is told to stop.
        """
        told = self.progress | {"step": name} | progress
        # Here, where only this job fails if it cannot be written, and not where all are renewed.
        msgspec.json.encode(told)
        self.progress = told
        self._check()


Handler = Callable[[Task], Outcome]
"""Does a job of one type. A TricircleError that it raises is a failure; the worker says which."""
