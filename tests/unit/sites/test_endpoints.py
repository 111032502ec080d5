"""Where services are, as the catalogue says."""

import pytest
from oslo_config import cfg
from tests.unit.sites.wire import Endpoint, StandInUser, endpoints_of

from tricircle.errors import IdentityUnavailable, SiteUnavailable
from tricircle.sites.endpoints import Endpoints

COMPUTE, VOLUME = "compute", "block-storage"


def endpoints(conf: cfg.ConfigOpts, *catalog: Endpoint, project: str | None = "p1") -> Endpoints:
    return Endpoints(StandInUser(catalog, project=project), conf)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://nova.example/compute", "http://nova.example/compute"),
        ("http://nova.example/compute/", "http://nova.example/compute"),
        ("http://nova.example/compute/v2.1", "http://nova.example/compute"),
        ("http://nova.example:8774/v2.1/", "http://nova.example:8774"),
        ("http://nova.example:8774/v2.1/p1", "http://nova.example:8774"),
        ("http://nova.example/v3/p1/", "http://nova.example"),
        ("http://swift.example/v1/AUTH_p1", "http://swift.example"),
        ("http://v2.example/compute", "http://v2.example/compute"),
        ("http://nova.example/v2.1/another", "http://nova.example/v2.1/another"),
    ],
)
def test_a_root_has_no_version_and_no_project(conf: cfg.ConfigOpts, url: str, root: str) -> None:
    found = endpoints(conf, (COMPUTE, "one", "internal", url))
    assert found.root("one", COMPUTE) == root


def test_a_service_user_without_a_project_has_urls_without_one(conf: cfg.ConfigOpts) -> None:
    found = endpoints(conf, (COMPUTE, "one", "internal", "http://nova.example/v2.1"), project=None)
    assert found.root("one", COMPUTE) == "http://nova.example"


@pytest.mark.parametrize("alias", ["block-storage", "block-store", "volumev3"])
def test_a_service_is_found_under_an_alias_of_its_type(conf: cfg.ConfigOpts, alias: str) -> None:
    found = endpoints(conf, (alias, "one", "internal", "http://cinder.example/v3/p1"))
    assert found.root("one", VOLUME) == "http://cinder.example"


def test_each_region_has_its_own_root(conf: cfg.ConfigOpts) -> None:
    found = endpoints(conf, *endpoints_of("a", "b"))
    assert found.root("region-a", COMPUTE) == "http://a.internal/compute"
    assert found.root("region-b", COMPUTE) == "http://b.internal/compute"


def test_the_interface_is_the_configured_one(conf: cfg.ConfigOpts) -> None:
    conf.set_override("interface", "public", group="sites")
    assert endpoints(conf, *endpoints_of("a")).root("region-a", COMPUTE) == "http://a.public/compute"


def test_users_are_told_the_public_interface(conf: cfg.ConfigOpts) -> None:
    assert endpoints(conf, *endpoints_of("a")).public_root("region-a", COMPUTE) == "http://a.public/compute"


@pytest.mark.parametrize(
    ("region", "service_type"), [("region-a", VOLUME), ("region-b", COMPUTE), ("", COMPUTE)]
)
def test_a_service_that_the_catalogue_lacks_cannot_be_called(
    conf: cfg.ConfigOpts, region: str, service_type: str
) -> None:
    found = endpoints(conf, *endpoints_of("a"))
    with pytest.raises(SiteUnavailable):
        found.root(region, service_type)
    assert found.public_root(region, service_type) is None


def test_a_service_that_has_other_interfaces_only_cannot_be_called(conf: cfg.ConfigOpts) -> None:
    with pytest.raises(SiteUnavailable):
        endpoints(conf, (COMPUTE, "one", "admin", "http://nova.example")).root("one", COMPUTE)


def test_an_empty_catalogue_has_nothing(conf: cfg.ConfigOpts) -> None:
    with pytest.raises(SiteUnavailable):
        endpoints(conf).root("one", COMPUTE)


def test_a_catalogue_that_was_never_read_is_told_as_keystones_outage(conf: cfg.ConfigOpts) -> None:
    with pytest.raises(IdentityUnavailable):
        Endpoints(StandInUser([], is_away=True), conf).root("one", COMPUTE)
