"""The jobs that follow from changes of sites."""

from collections.abc import Sequence

import pytest

from tricircle.db.engine import Database
from tricircle.errors import Conflict
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.outcome import Failed, Succeeded
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import AFTER_DELETE, CATCH_UP, NODE, REBUILD
from tricircle.sites.site import Site, SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

pytestmark = pytest.mark.every_database

JOINING = {REBUILD.name, NODE.name, CATCH_UP.name}


class Woken:
    """A bus that keeps what it is told."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def wake(self, jobs: Sequence[Job]) -> None:
        self.jobs += jobs


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def store(database: Database, woken: Woken) -> SiteStore:
    return SiteStore(database, wake=woken.wake)


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


def waiting(jobs: JobStore, site: Site) -> set[str]:
    found = jobs.page(JobFilters(state=JobState.WAITING, site_id=site.id))
    assert all((job.resource_type, job.resource_id) == ("site", site.id) for job in found)
    return {job.type for job in found}


def finish_all(database: Database) -> None:
    queue = JobQueue(database)
    while (lease := queue.claim("w")) is not None:
        queue.finish(lease, Succeeded())


def test_a_new_site_is_learnt_and_caught_up(store: SiteStore, jobs: JobStore, woken: Woken) -> None:
    site = store.create("One", "RegionOne")
    assert waiting(jobs, site) == JOINING
    assert {job.id for job in woken.jobs} == {job.id for job in jobs.page()}


@pytest.mark.parametrize("state", [SiteState.CORDONED, SiteState.DRAINING])
def test_so_is_one_that_gets_nothing_new(store: SiteStore, jobs: JobStore, state: SiteState) -> None:
    assert waiting(jobs, store.create("One", "RegionOne", state=state)) == JOINING


def test_a_disabled_one_is_when_it_is_enabled(
    store: SiteStore, jobs: JobStore, woken: Woken, database: Database
) -> None:
    site = store.create("One", "RegionOne", state=SiteState.DISABLED)
    assert (waiting(jobs, site), woken.jobs) == (set(), [])
    store.update("One", state=SiteState.CORDONED)
    assert waiting(jobs, site) == JOINING
    assert len(woken.jobs) == len(JOINING)
    finish_all(database)
    store.update("One", state=SiteState.ENABLED)
    store.update("One", description="another")
    store.update("One", state=SiteState.DISABLED)
    assert waiting(jobs, site) == set()


def test_a_site_with_other_physical_networks_gets_what_it_could_not_have_before(
    store: SiteStore, jobs: JobStore, database: Database
) -> None:
    site = store.create("One", "RegionOne")
    finish_all(database)
    store.update("One", physical_networks=None)
    assert waiting(jobs, site) == set()
    store.update("One", physical_networks={"stretched": "physnet1"})
    assert waiting(jobs, site) == {"catch_up"}
    finish_all(database)
    store.update("One", physical_networks={"stretched": "physnet1"}, description="another")
    assert waiting(jobs, site) == set()
    store.update("One", state=SiteState.DISABLED, physical_networks=None)
    assert waiting(jobs, site) == set()


def test_a_site_that_is_not_made_needs_nothing(store: SiteStore, jobs: JobStore, woken: Woken) -> None:
    store.create("One", "RegionOne")
    with pytest.raises(Conflict):
        store.create("Two", "RegionOne")
    assert len(jobs.page()) == len(woken.jobs) == len(JOINING)


def test_a_deleted_sites_waiting_and_parked_jobs_are_cancelled(
    store: SiteStore, jobs: JobStore, database: Database
) -> None:
    gone, stays = store.create("Gone", "RegionOne"), store.create("Stays", "RegionTwo")
    JobRequester(database).request(
        Request(AFTER_DELETE.name, "server", "1", gone.id),
        Request(AFTER_DELETE.name, "server", "1", stays.id),
    )
    queue = JobQueue(database)
    fails = queue.claim("w", busy_sites=[stays.id])
    assert fails is not None
    queue.finish(fails, Failed("no", is_final=True))
    lease = queue.claim("w", busy_sites=[stays.id])
    assert lease is not None
    store.delete("Gone")
    states = {job.id: (job.state, job.cause) for job in jobs.page(JobFilters(site_id=gone.id))}
    assert states.pop(lease.job.id) == (JobState.RUNNING, None)
    assert set(states.values()) == {(JobState.CANCELLED, "Site Gone is not registered any more.")}
    assert fails.job.id in states
    assert len(states) == len(JOINING)
    assert {job.state for job in jobs.page(JobFilters(site_id=stays.id))} == {JobState.WAITING}
    cancelled = jobs.show(next(each for each in states if each != fails.job.id))
    assert [event.event for event in cancelled.events] == ["requested", "cancelled"]


def test_a_site_that_stays_keeps_its_jobs(store: SiteStore, jobs: JobStore, database: Database) -> None:
    site = store.create("One", "RegionOne")
    ZoneStore(database).put("az", "", [Place("One", "nova")])
    with pytest.raises(Conflict):
        store.delete("One")
    assert waiting(jobs, site) == JOINING
