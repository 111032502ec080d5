"""Those who use a cloud, or look at it: fixtures for any folder that has a cloud of its own."""

import pytest
from tests.integration.clients import Client, SiteAdmin
from tests.integration.sandbox import Sandbox


@pytest.fixture(scope="session", name="tenant")
def a_tenant(sandbox: Sandbox) -> Client:
    """A member of project demo."""
    return Client(sandbox, "tricircle")


@pytest.fixture(scope="session", name="stranger")
def a_stranger(sandbox: Sandbox) -> Client:
    """A member of another project."""
    return Client(sandbox, "tricircle-other")


@pytest.fixture(scope="session", name="admin")
def the_admin(sandbox: Sandbox) -> Client:
    """The cloud's administrator, at the top."""
    return Client(sandbox, "tricircle-admin")


@pytest.fixture(scope="session", name="sites")
def all_sites(sandbox: Sandbox) -> list[SiteAdmin]:
    """Each site, as its own administrator sees it."""
    return [SiteAdmin(sandbox, site) for site in sandbox.sites]
