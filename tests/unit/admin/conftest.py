"""An Admin API over an empty database, and who calls it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from falcon import testing
from oslo_config import cfg

from tricircle.admin.application import assemble
from tricircle.admin.definition_reader import DefinitionReader
from tricircle.admin.engine import Engine
from tricircle.admin.policies import make_enforcer
from tricircle.db.engine import Database
from tricircle.db.tables import jobs
from tricircle.errors import Unauthorized
from tricircle.identity.tokens import TokenChecker
from tricircle.jobs.job import Job
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobStore
from tricircle.jobs.worker_store import WorkerStore
from tricircle.realise.store import DefinitionStore
from tricircle.routing.store import RouteStore
from tricircle.sites.binding_store import BindingStore
from tricircle.sites.node_store import NodeStore
from tricircle.sites.site import Site, SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import ZoneStore

ROOT = "https://top.example/admin"
CHALLENGE = 'Keystone uri="https://keystone.example"'
ROLES = {"admin-token": "admin", "member-token": "member"}


def fetch_token(token: str) -> dict[str, Any]:
    """Stand in for Keystone."""
    if token not in ROLES:
        raise Unauthorized("The request you have made requires authentication.")
    return {
        "token": {
            "user": {"id": "user"},
            "project": {"id": "project"},
            "roles": [{"name": ROLES[token]}],
            "expires_at": "2999-01-01T00:00:00Z",
        }
    }


class Bus:
    """Keeps the ids of the jobs that workers were told of."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, jobs: Sequence[Job]) -> None:
        self.woken += [job.id for job in jobs]

    def close(self) -> None:
        pass


class Times:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # times of rows are naive

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def times() -> Times:
    """Give the clock of jobs, workers and nodes."""
    return Times()


@pytest.fixture
def queue(database: Database, times: Times) -> JobQueue:
    return JobQueue(database, clock=times)


@pytest.fixture
def engine(database: Database, conf: cfg.ConfigOpts, bus: Bus, times: Times) -> Engine:
    return Engine(
        sites=SiteStore(database),
        zones=ZoneStore(database),
        bindings=BindingStore(database),
        nodes=NodeStore(database, clock=times),
        routes=RouteStore(database),
        jobs=JobStore(database, clock=times),
        requester=JobRequester(database, clock=times),
        workers=WorkerStore(database, clock=times),
        definitions=DefinitionReader(database),
        replicated=DefinitionStore(database),
        bus=bus,
        enforcer=make_enforcer(conf),
        public_root=lambda req: ROOT,
        region_name="Central",
        max_limit=3,
        max_body_size=2048,
        clock=times,
    )


@pytest.fixture
def sites_at_rest(engine: Engine, database: Database) -> list[Site]:
    """Register three sites, the last one disabled; their own first jobs are long done and purged."""
    made = [
        engine.sites.create("SiteOne", "RegionOne"),
        engine.sites.create("SiteTwo", "RegionTwo"),
        engine.sites.create("SiteThree", "RegionThree", state=SiteState.DISABLED),
    ]
    with database.write() as connection:
        connection.execute(jobs.delete())
    return made


@pytest.fixture
def anyone(engine: Engine) -> testing.TestClient:
    """Give a client without a token."""
    checker = TokenChecker(fetch_token, cache_time=60, cache_size=10)
    return testing.TestClient(assemble(engine, checker, CHALLENGE))


@pytest.fixture
def admin(anyone: testing.TestClient) -> testing.TestClient:
    """Give an administrator's client."""
    return testing.TestClient(anyone.app, headers={"X-Auth-Token": "admin-token"})


@pytest.fixture
def member(anyone: testing.TestClient) -> testing.TestClient:
    """Give the client of someone who is not an administrator."""
    return testing.TestClient(anyone.app, headers={"X-Auth-Token": "member-token"})
