"""A worker in the test's own process: does the jobs that are due when a test asks for it."""

import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa
from tests.fakes.cloud import Cloud

from tricircle.db.tables import definitions
from tricircle.db.timestamps import now
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import CATCH_UP, DRIFT, FOLLOW, LEARN, PORTS, REPLICATE, DriftParameters
from tricircle.realise.definition import Known
from tricircle.sites.store import SiteStore
from tricircle.xjob.bounds import bounds_of
from tricircle.xjob.engine import make_engine
from tricircle.xjob.hand import Hand
from tricircle.xjob.handlers import HANDLERS
from tricircle.xjob.worker import Worker

if TYPE_CHECKING:
    from tricircle.xjob.engine import Engine

PATIENCE = 15.0
"""Seconds within which jobs that wait for one another, or for a grace to be over, are done."""

KINDS = ("flavor", "keypair", "volume_type", "qos_spec")

ABOUT_REPLICAS = (LEARN.name, REPLICATE.name, CATCH_UP.name, DRIFT.name, FOLLOW.name)

MOST = 500
"""Jobs that a test has done at most; more go round in a circle."""


@dataclass
class Workshop:
    """The worker and the jobs of a cloud's top."""

    cloud: Cloud
    done: list[Job] = field(default_factory=list)
    """Each attempt, as it ended."""

    @cached_property
    def engine(self) -> "Engine":
        """What the jobs are done with."""
        return make_engine(self.cloud.configuration)

    @cached_property
    def _worker(self) -> Worker:
        conf = self.cloud.configuration
        return Worker(
            self.engine,
            JobQueue(self.engine.database, lease=conf.xjob.lease),
            HANDLERS,
            name="workshop",
            hand=Hand(conf.xjob.lease),
            bounds=bounds_of(conf),
        )

    def run(self) -> list[Job]:
        """Do what is due now, and what follows from it at once; return it as it ended."""
        begun = len(self.done)
        while (attempt := self._worker.run_one()) is not None:
            self.done.append(attempt.job)
            assert len(self.done) < MOST, "the jobs do not end"
        return self.done[begun:]

    def clear(self) -> None:
        """Have nothing done of what waits: what is asked for when sites are registered."""
        store = JobStore(self.engine.database)
        for job in store.page(JobFilters(state=JobState.WAITING)):
            store.cancel(job.id)

    def finish(self, *types: str) -> None:
        """Do jobs until none of some types waits, also those that are due later."""
        deadline = time.monotonic() + PATIENCE
        queue = JobQueue(self.engine.database)
        self.run()
        while self.waiting(*types):
            due = queue.next_due()
            wait = 0.05 if due is None else max(0.01, (due - now()).total_seconds())
            assert time.monotonic() + wait < deadline, f"not done in time: {self.waiting(*types)}"
            threading.Event().wait(wait)
            self.run()

    def hurry(self, *types: str) -> None:
        """Do jobs until none of some types waits, without waiting for those that are due later."""
        for _ in range(30):
            self.run()
            waiting = self.waiting(*types)
            if not waiting:
                return
            for job in waiting:
                self.engine.requester.hasten(job.id)
        raise AssertionError(f"not done: {waiting}")

    def carry(self) -> None:
        """Have changes at the top carried to the sites."""
        self.hurry(FOLLOW.name, REPLICATE.name)

    def waiting(self, *types: str) -> list[Job]:
        """Return the jobs of some types that wait; those about replicated resources where none is named."""
        jobs = JobStore(self.engine.database).page(JobFilters(state=JobState.WAITING))
        return [job for job in jobs if job.type in (types or ABOUT_REPLICAS)]

    def parked(self) -> list[Job]:
        """Return the jobs that have failed for good."""
        jobs = JobStore(self.engine.database).page(JobFilters(state=JobState.FAILED))
        return [job for job in jobs if job.type in ABOUT_REPLICAS]

    def catch_up(self, site: str) -> None:
        """Have a site get all that it lacks."""
        self._request(CATCH_UP.name, site)

    def look_for_drift(self, site: str, *, mend: bool = False) -> None:
        """Compare a site with the definitions."""
        self._request(DRIFT.name, site, DriftParameters(mend))

    def compare_ports(self, site: str = "SiteOne") -> str:
        """Compare a site's ports with the top's; return what the job says."""
        self._request(PORTS.name, site)
        (job, *_) = JobStore(self.engine.database).page(JobFilters(type=PORTS.name))
        assert job.state is JobState.SUCCEEDED, job.cause
        return str(job.cause)

    def _request(self, job_type: str, site: str, *parameters: DriftParameters) -> None:
        site_id = self.site_id(site)
        extra = {"parameters": parameters[0]} if parameters else {}
        request = Request(job_type, "site", site_id, site_id, **extra)  # type: ignore[arg-type]
        self.engine.requester.request(request)
        self.run()

    def site_id(self, name: str) -> str:
        """Return the id under which a site is registered."""
        return next(site.id for site in SiteStore(self.engine.database).page() if site.name == name)

    def drift_in(self, site: str) -> dict[str, str]:
        """Return what is known to be otherwise in a site, by the resource's name."""
        site_id = self.site_id(site)
        every = [known for kind in KINDS for known in self.known(kind)]
        found = {known.definition.name: known.realisations.get(site_id) for known in every}
        return {name: each.drift for name, each in found.items() if each is not None and each.drift}

    def definitions(self, kind: str) -> dict[str, str]:
        """Return what is defined of a kind: keys and states."""
        return {each.definition.key: each.definition.state for each in self.known(kind)}

    def known(self, kind: str) -> list[Known]:
        """Return what is known of all that is defined of a kind, by key."""
        kept = definitions.c
        query = sa.select(kept.resource_key).where(kept.resource_type == kind).order_by(kept.resource_key)
        with self.engine.database.read() as connection:
            keys = list(connection.scalars(query))
        return self.engine.replicas.store.several([(kind, key) for key in keys])
