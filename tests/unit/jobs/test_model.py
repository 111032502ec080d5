"""The queue, whatever happens in whatever order: it does what its twin does, and keeps its promises.

Hypothesis chooses requests, workers, crashes and operators. After each step all that can be seen is what the
twin (`tests.fakes.jobs`) shows, and the rows themselves keep what `doc/source/contributor/jobs.md` promises.

TRICIRCLE_TEST_EXAMPLES says how many stories are tried on each database; 2000 take an hour.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from tests.fakes.jobs import Jobs
from tests.unit.clock import Clock
from tests.unit.jobs.house import LEASE, House
from tests.unit.jobs.rows import read_events, read_jobs, read_requirements
from tests.unit.jobs.story import replay

from tricircle.db.engine import Database
from tricircle.db.tables import jobs as table
from tricircle.errors import TricircleError
from tricircle.jobs import requester
from tricircle.jobs.job import Job, JobEventType, JobState, Lease, Request
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded
from tricircle.jobs.queue import TOP
from tricircle.jobs.types import ReplicateParameters, type_of

pytestmark = [pytest.mark.every_database, pytest.mark.usefixtures("retries_without_luck")]

STORIES = settings(
    max_examples=int(os.environ.get("TRICIRCLE_TEST_EXAMPLES", "30")),
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

CALLED_OFF = {JobState.SUCCEEDED, JobState.CANCELLED}

SITES = ("one", "two")
PROJECTS = ("p", None)

requests = st.builds(
    lambda type_and_about, site, parameters, **more: Request(
        type_and_about[0],
        type_and_about[1],
        type_and_about[2] or site,
        site_id=site,
        parameters=ReplicateParameters(mend=parameters),
        **more,
    ),
    # One that is tried ten times and one that is tried three times.
    st.sampled_from(
        [("replicate", "flavor", "small"), ("replicate", "flavor", "large"), ("drift", "site", "")]
    ),
    st.sampled_from(SITES),
    st.booleans(),
    project_id=st.sampled_from(PROJECTS),
    delay=st.sampled_from([0.0, 0.0, 0.000001, 5.0, 120.0]),
    priority=st.sampled_from([None, None, 1]),
    request_id=st.sampled_from([None, "req-1", "req-2"]),
)

outcomes = st.sampled_from(
    [
        Succeeded(),
        Succeeded("it was there"),
        Postponed(5.0, "too early"),
        Postponed(0.0, "a moment"),
        Failed("no room", site_request_id="req-site"),
        Failed("never", is_final=True),
        HandedBack(),
    ]
)

progresses = st.sampled_from([None, {"step": "one"}, {"step": "two", "done": 7}])


class Story(RuleBasedStateMachine):
    """Everybody who has to do with jobs, on a database and on its twin."""

    database: Database
    """Set by whoever runs it; left empty by each story."""

    jobs = Bundle("jobs")
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.house = House(self.database, self.clock)
        self.twin = Jobs(lease=LEASE, clock=self.clock.moment, new_id=lambda: str(self.next_id()))
        self.ids = 0
        self.fences: dict[str, int] = {}
        self.last_asked: dict[str, str] = {}
        """The job that a key's last request or redo came to; by key."""
        self.asked: dict[str, bytes] = {}
        """The parameters of the last request that came to a job; by its id."""
        setattr(requester, "uuid4", self.next_id)  # noqa: B010  # mypy: it is not the module's own

    def next_id(self) -> UUID:
        """Make the same ids for both: not in the order of time."""
        return uuid5(NAMESPACE_OID, str(self.ids))

    def teardown(self) -> None:
        """See that nothing is left over when all workers go on and nobody asks for more."""
        try:
            self.drain()
        finally:
            with self.database.write() as connection:
                connection.execute(table.delete())

    def both(self, act: Callable[[Any], Any]) -> Any:
        """Do something to the database and to the twin; it must come to the same."""
        results = []
        for side in (self.house, self.twin):
            try:
                results.append(act(side))
            except TricircleError as error:
                results.append(type(error))
        assert results[0] == results[1]
        return results[0]

    # Those who ask

    @rule(target=jobs, request=requests, requires=st.lists(jobs, max_size=2))
    def ask(self, request: Request, requires: Sequence[str]) -> Any:
        """Ask for a job."""
        return self.asked_for(request, requires)

    @rule(target=jobs, lease=leases, mend=st.booleans())
    def ask_again(self, lease: Lease, mend: bool) -> Any:
        """Ask once more for what a worker may just be doing."""
        return self.asked_for(replace(_again(lease.job), parameters=ReplicateParameters(mend=mend)), ())

    @rule(target=jobs, lease=leases, request=requests)
    def ask_for_what_follows(self, lease: Lease, request: Request) -> Any:
        """Ask for a job that requires what a worker may just be doing."""
        return self.asked_for(replace(request, delay=0.0), [lease.job.id])

    def asked_for(self, request: Request, requires: Sequence[str]) -> Any:
        """Ask both; see that what was asked for last is what will be done."""
        self.ids += 1
        request = replace(request, requires=requires)
        made = self.both(lambda side: side.requester.request(request))
        if isinstance(made, type):
            return multiple()
        (job,) = made
        assert job.state is JobState.WAITING
        self.last_asked[job.key] = job.id
        mend = request.parameters.mend or self.asked.get(job.id) == b'{"mend":true,"is_precaution":false}'  # type: ignore[attr-defined]
        self.asked[job.id] = job.parameters
        assert job.parameters == b'{"mend":%s,"is_precaution":false}' % (b"true" if mend else b"false")
        return job.id

    @rule(job_id=jobs, cause=st.sampled_from([None, "made"]))
    def complete(self, job_id: str, cause: str | None) -> None:
        """Say that a job is needed no more."""
        self.both(
            lambda side: self.database.transact(
                lambda connection: side.requester.complete(connection, job_id, cause)
            )
        )

    @rule(job_id=jobs, delay=st.sampled_from([0.0, 5.0]))
    def hasten(self, job_id: str, delay: float) -> None:
        """Have a job done sooner."""
        self.both(lambda side: side.requester.hasten(job_id, delay))

    # Those who work. A worker that crashes is one that is heard of no more, or comes too late

    @rule(
        target=leases,
        owner=st.sampled_from(["worker-1", "worker-2", "worker-3"]),
        busy_sites=st.sampled_from([(), (), (), ("one",), ("one", TOP), SITES]),
        busy_projects=st.sampled_from([(), (), ("p",)]),
    )
    def claim(self, owner: str, busy_sites: Sequence[str], busy_projects: Sequence[str]) -> Any:
        """Lease a job."""
        return self.claimed(owner, busy_sites, busy_projects) or multiple()

    @rule(target=leases, times=st.integers(1, 4))
    def claim_and_die(self, times: int) -> Any:
        """Have workers die one after the other; a job may have had enough of it."""
        lost = [lease for _ in range(times) if (lease := self.lost_by_a_worker())]
        return multiple(*lost)

    def lost_by_a_worker(self) -> Lease | None:
        """Lease a job to a worker that is not heard of again."""
        lease = self.claimed("dies", (), ())
        self.clock.time += LEASE
        return lease

    def claimed(self, owner: str, busy_sites: Sequence[str], busy_projects: Sequence[str]) -> Lease | None:
        """Claim from both; see that the job could be had, and is what was asked for last."""
        before = {row.id: row for row in read_jobs(self.database)}
        required = read_requirements(self.database)
        lease = self.both(
            lambda side: side.queue.claim(owner, busy_sites=busy_sites, busy_projects=busy_projects)
        )
        if lease is None:
            return None
        assert isinstance(lease, Lease)
        was = before[lease.job.id]
        assert was.state in {JobState.WAITING, JobState.RUNNING}
        assert (was.site_id or TOP) not in busy_sites
        assert was.project_id not in busy_projects
        if was.state == JobState.WAITING:
            assert was.run_after <= self.clock.moment()
            assert all(
                before[other].state == JobState.SUCCEEDED for job_id, other in required if job_id == was.id
            )
        else:
            assert was.lease_expires_at <= self.clock.moment()
        # Whatever was asked for last is what is done, with what was asked for last. Only where somebody has
        # called that off does an older one, which was running meanwhile, go on.
        last = self.last_asked[lease.job.key]
        if last in before and before[last].state not in CALLED_OFF:
            assert last == lease.job.id
        assert self.asked[lease.job.id] == lease.job.parameters
        return lease

    @rule(held=st.lists(leases, max_size=3), progress=progresses)
    def renew(self, held: Sequence[Lease], progress: Mapping[str, Any] | None) -> None:
        """Tell that a worker lives; it may have lost some of its leases."""
        said = {} if progress is None else {lease.job.id: progress for lease in held}
        kept = self.both(lambda side: side.queue.renew(held, said))
        assert kept == {lease.job.id for lease in held if self.is_good(lease)}

    @rule(lease=leases, outcome=outcomes, progress=progresses)
    def finish(self, lease: Lease, outcome: Outcome, progress: Mapping[str, Any] | None) -> None:
        """End an attempt; the lease may have been lost long ago."""
        self.both(lambda side: side.queue.finish(lease, outcome, progress=progress))

    @rule(lease=leases)
    def work_while_there_is_time(self, lease: Lease) -> None:
        """End the attempt of a worker that is not late."""
        if self.is_good(lease):
            assert self.both(lambda side: side.queue.finish(lease, Succeeded())).state is JobState.SUCCEEDED

    @rule(seconds=st.sampled_from([0.000001, 1.0, 5.0, LEASE, 1000.0]))
    def pass_time(self, seconds: float) -> None:
        """Let leases expire and jobs fall due."""
        self.clock.time += seconds

    # Those who look

    @rule(job_id=jobs)
    def redo(self, job_id: str) -> None:
        """Have a job done again."""
        redone = self.both(lambda side: side.store.redo(job_id))
        if isinstance(redone, Job):
            self.last_asked[redone.key] = redone.id

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        """Have a job not done."""
        self.both(lambda side: side.store.cancel(job_id))

    @rule(seconds=st.sampled_from([0.0, LEASE]))
    def purge(self, seconds: float) -> None:
        """Delete old jobs."""
        before = self.clock.moment() - timedelta(seconds=seconds)
        self.both(lambda side: side.store.purge(before))

    # What must be true after each step

    @invariant()
    def shows_what_the_twin_shows(self) -> None:
        """All that can be seen of the database is as the twin shows it."""
        page = self.both(lambda side: side.store.page())
        self.both(lambda side: side.store.counts())
        self.both(lambda side: side.queue.next_due())
        events = read_events(self.database)
        required = read_requirements(self.database)
        for job in page:
            story = self.twin.store.show(job.id)
            assert events[job.id] == list(story.events)
            assert {other for job_id, other in required if job_id == job.id} == set(story.requires)

    @invariant()
    def keeps_its_promises(self) -> None:
        """The rows are as they must be, whatever the twin says."""
        rows = read_jobs(self.database)
        events = read_events(self.database)
        for state, column in ((JobState.WAITING, "waiting_key"), (JobState.RUNNING, "running_key")):
            keys = [_key(row) for row in rows if row.state == state]
            assert len(keys) == len(set(keys))
            assert all(getattr(row, column) == (_key(row) if row.state == state else None) for row in rows)
        parked = [_key(row) for row in rows if row.state == JobState.FAILED]
        assert len(parked) == len(set(parked))
        for row in rows:
            runs = row.state == JobState.RUNNING
            assert (row.lease_owner is not None, row.lease_expires_at is not None) == (runs, runs)
            assert row.fence >= self.fences.get(row.id, 0)
            self.fences[row.id] = row.fence
            assert 0 <= row.attempts <= type_of(row.type).retry.attempts
            told, attempts = replay(events[row.id])
            if runs:
                assert told in {JobState.WAITING, None}
                assert row.attempts == attempts + 1
            else:
                assert (row.state, row.attempts) == (told, attempts)
        self.nothing_is_lost({row.id: row for row in rows}, events)

    def nothing_is_lost(self, rows: Mapping[str, Any], events: Mapping[str, Any]) -> None:
        """See that the last request or redo for each thing still stands, or has ended as somebody decided."""
        for job_id in self.last_asked.values():
            # What is not there any more was purged: it succeeded or was cancelled.
            if job_id in rows and rows[job_id].state == JobState.CANCELLED:
                assert events[job_id][-1].event is JobEventType.CANCELLED
        for job_id, row in rows.items():
            if events[job_id][-1].event is JobEventType.SUPERSEDED:
                successors = self.asked.keys() & set(re.findall(r"[0-9a-f-]{36}", row.cause)) - {job_id}
                assert len(successors) == 1
                assert all(_key(rows[other]) == _key(row) for other in successors & rows.keys())

    def is_good(self, lease: Lease) -> bool:
        """Say whether a lease is still its worker's."""
        return any(
            row.id == lease.job.id and row.state == JobState.RUNNING and row.fence == lease.fence
            for row in read_jobs(self.database)
        )

    def drain(self) -> None:
        """Let one good worker go on; all jobs must come to an end."""
        for _ in range(100):
            self.clock.time += 1000
            while (lease := self.both(lambda side: side.queue.claim("last"))) is not None:
                self.both(lambda side, lease=lease: side.queue.finish(lease, Succeeded()))  # type: ignore[misc]
            if all(JobState(row.state).is_final for row in read_jobs(self.database)):
                break
        self.shows_what_the_twin_shows()
        self.keeps_its_promises()
        assert all(JobState(row.state).is_final for row in read_jobs(self.database))


def _again(job: Job) -> Request:
    return Request(
        job.type, job.resource_type, job.resource_id, site_id=job.site_id, project_id=job.project_id
    )


def _key(row: Any) -> str:
    return f"{row.type}|{row.resource_type}|{row.resource_id}|{row.site_id}"


def test_whatever_happens(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requester, "uuid4", uuid4)  # so that what each story replaces is put back
    monkeypatch.setattr(Story, "database", database, raising=False)
    run_state_machine_as_test(Story, settings=STORIES)
