"""One site twice: the fake, and a real one of the sandbox. The same must be true of both.

What the functional tests and the benchmark learn from the fakes is worth as much as these tests.
"""

import os
from collections.abc import Iterator

import pytest
from tests.contract.neutron import Neutron
from tests.contract.site import People, SiteUnderTest, fake_site, real_site
from tests.fakes.cloud import Cloud
from tests.integration.sandbox import DIRECTORY, Sandbox

KEEP = "TRICIRCLE_KEEP_SANDBOX"
"""Environment variable: anything in it leaves a sandbox running that was started here."""


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with real sites; one that runs already is used as it is, and left running."""
    sandbox = Sandbox(DIRECTORY)
    started = not sandbox.is_running
    if started:
        sandbox.down()  # what an earlier run may have left
        sandbox.up("--sites", "2")
    yield sandbox
    if started and not os.environ.get(KEEP):
        sandbox.down()


@pytest.fixture(scope="session", params=["fake", pytest.param("real", marks=pytest.mark.integration)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUnderTest]:
    """The fake site, then a real one."""
    if request.param == "real":
        yield real_site(request.getfixturevalue("sandbox"))
        return
    cloud = Cloud(tmp_path_factory.mktemp("contract"))
    cloud.start()
    cloud.add_site("SiteOne", "az1").network.has_dns = True
    yield fake_site(cloud, cloud.sites["SiteOne"])
    cloud.stop()
    assert cloud.failures == []


@pytest.fixture
def people(site: SiteUnderTest) -> Iterator[People]:
    """Those who use the site. What a test makes is deleted after it."""
    people = People(site)
    yield people
    people.tidy()


@pytest.fixture
def neutron(people: People) -> Iterator[Neutron]:
    """The same people at the site's Neutron. What a test makes is deleted after it."""
    neutron = Neutron(people)
    yield neutron
    neutron.tidy()
