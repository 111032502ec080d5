"""Fixtures: a real cloud of two sites and a top, the people who use it, and what is there to be looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import UPKEEP, Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.drawing import Drawing
from tests.integration.people import a_stranger, a_tenant, all_sites, the_admin  # noqa: F401  # fixtures
from tests.integration.population import Population
from tests.integration.sandbox import DIRECTORY, IS_KEPT, Sandbox
from tests.integration.whole import Whole

HERE = Path(__file__).parent

TIME_LIMIT = 600
"""Seconds for one test, and what is made and put away for it: it waits for several things in turn."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and give it time, unless it says how much."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TIME_LIMIT))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Two real sites and the top; one that runs already is used as it is."""
    sandbox = Sandbox(DIRECTORY)
    if not sandbox.is_running:
        sandbox.down()  # what an earlier run may have left
        sandbox.up("--sites", "2")
    yield sandbox
    if not IS_KEPT:
        sandbox.down()


@pytest.fixture(scope="session")
def population(tenant: Client, sites: list[SiteAdmin], settled: list[Population]) -> Iterator[Population]:
    """Servers, volumes and snapshots of the tenant in both sites, for tests that only look."""
    population = Population.make(tenant, [admin.site for admin in sites])
    settled.append(population)
    yield population
    settled.clear()
    population.put_away()


@pytest.fixture
def belongings(tenant: Client) -> Iterator[Belongings]:
    """What a test makes as the tenant; all of it is deleted after the test."""
    belongings = Belongings(tenant)
    yield belongings
    belongings.put_away()


@pytest.fixture(scope="session")
def whole(sandbox: Sandbox, admin: Client, sites: list[SiteAdmin]) -> Whole:
    """Compares the top with the sites."""
    return Whole(sandbox, admin, sites)


def _drawn(owner: Client, sites: list[SiteAdmin]) -> Iterator[Drawing]:
    drawing = Drawing(owner, sites)
    yield drawing
    drawing.put_away()


@pytest.fixture
def administered(admin: Client, sites: list[SiteAdmin], whole: Whole) -> Iterator[Drawing]:
    """What the administrator makes at the top's Neutron; put away last: then nothing is left of any."""
    yield from _drawn(admin, sites)
    whole.is_empty()


@pytest.fixture
def drawing(tenant: Client, sites: list[SiteAdmin], administered: Drawing) -> Iterator[Drawing]:
    """The tenant's networks; put away after the servers on them, and before what they may use."""
    yield from _drawn(tenant, sites)


@pytest.fixture
def servers(drawing: Drawing, belongings: Belongings, whole: Whole) -> Iterator[Belongings]:
    """What the tenant makes on networks; at the end of the test the top and the sites agree on all of it."""
    yield belongings
    whole.agrees()


@pytest.fixture
def strangers_drawing(stranger: Client, sites: list[SiteAdmin], drawing: Drawing) -> Iterator[Drawing]:
    """The networks of a member of another project, likewise."""
    yield from _drawn(stranger, sites)


@pytest.fixture
def strangers_servers(stranger: Client, strangers_drawing: Drawing, whole: Whole) -> Iterator[Belongings]:
    """What that one makes on networks, likewise."""
    belongings = Belongings(stranger)
    yield belongings
    whole.agrees()
    belongings.put_away()


@pytest.fixture
def untouched(sites: list[SiteAdmin]) -> Iterator[None]:
    """Nothing has been made, or has gone, in any site when the test is over."""
    before = side_by_side(SiteAdmin.inventory, sites)
    yield
    assert side_by_side(SiteAdmin.inventory, sites) == before


@pytest.fixture(autouse=True)
def nothing_leads_to_a_site(request: pytest.FixtureRequest) -> Iterator[None]:
    """No client of the top has asked a site, or was told where one is."""
    yield
    for name in ("tenant", "stranger", "admin"):
        if name in request.fixturenames:
            witness = request.getfixturevalue(name).witness
            offences, witness.offences = witness.offences, []
            assert offences == []


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """The top has met no error that it did not expect."""
    if "sandbox" not in request.fixturenames:
        yield
        return
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    outage = "outage_beneath" in request.fixturenames
    before = sandbox.top_logs()
    yield
    said = []
    for path in sandbox.top_logs():
        if outage and path.name.startswith("top-network"):
            continue  # Neutron's own words for a database that is away are tracebacks
        with path.open(errors="replace") as log:
            log.seek(before.get(path, 0))
            said += [line for line in log if "Unexpected error" in line or "Traceback" in line]
    # Their own words for a broker, and for a database, that goes away under a connection.
    theirs = ("oslo.messaging", "sqlalchemy.pool") if outage else ("oslo.messaging",)
    said = [line for line in said if not any(logger in line for logger in theirs)]
    assert said == []


@pytest.fixture(autouse=True)
def no_failed_jobs(request: pytest.FixtureRequest) -> Iterator[None]:
    """No background job has been given up; one that ends after its test fails the next one.

    A test that means a job to fail takes the fixture `failing_jobs`. Upkeep is not counted: it fails while a
    site is away, and comes round by itself.
    """
    if "sandbox" not in request.fixturenames or "failing_jobs" in request.fixturenames:
        yield
        return
    admin = request.getfixturevalue("admin")
    before = failed_jobs(admin)
    yield
    after = failed_jobs(admin)
    assert {job_id: job for job_id, job in after.items() if job_id not in before} == {}


@pytest.fixture
def outage_beneath() -> None:
    """This test takes the database or the bus away from everybody, the top's stock Neutron among them."""


@pytest.fixture
def failing_jobs() -> None:
    """This test means a job to fail, and looks at that itself."""


def failed_jobs(admin: Client) -> dict[str, object]:
    """The jobs that were given up, by their ids, but for upkeep."""
    answer = admin.admin_api.get("/jobs?state=failed")
    assert answer.status_code == 200, answer.text
    return {job["id"]: job for job in answer.json()["jobs"] if job["type"] not in UPKEEP}


@pytest.fixture(scope="session")
def settled() -> list[Population]:
    """The population, once some test has asked for it."""
    return []


@pytest.fixture(scope="module")
def nothing_left(sites: list[SiteAdmin], settled: list[Population]) -> Iterator[None]:
    """When a module's tests are over, the sites hold the population and nothing else."""
    yield
    for admin in sites:
        expected: dict[str, set[str]] = {
            "servers": set(),
            "volumes": set(),
            "snapshots": set(),
            "ports": set(),
        }
        for population in settled:
            expected = population.inventory(admin.site.name)
        # A port goes a moment after its server.
        eventually(lambda admin=admin: not admin.ports(), f"no port in {admin.site.name}")  # type: ignore[misc]
        assert admin.inventory() == expected, admin.site.name
