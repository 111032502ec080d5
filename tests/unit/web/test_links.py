"""Where links in answers point."""

from collections.abc import Mapping

import falcon
import pytest
from falcon import testing
from oslo_config import cfg
from tests.unit.sites.wire import Endpoint, StandInUser

from tricircle.sites.endpoints import Endpoints
from tricircle.web.links import PublicRoot

TOP: Endpoint = ("compute", "Central", "public", "https://top.example:8774/compute/v2.1")
SITE: Endpoint = ("compute", "RegionOne", "public", "https://one.example/compute")
FORGED = {"Host": "evil.example", "X-Forwarded-Host": "forwarded.example", "X-Forwarded-Proto": "http"}


def root(conf: cfg.ConfigOpts, *catalog: Endpoint, headers: Mapping[str, str] = FORGED) -> str:
    request = falcon.Request(testing.create_environ("/v2.1/servers", headers=dict(headers)))
    return PublicRoot(Endpoints(StandInUser(catalog), conf), "compute", conf)(request)


def test_links_point_where_the_catalogue_says(conf: cfg.ConfigOpts) -> None:
    assert root(conf, TOP, SITE) == "https://top.example:8774/compute"


def test_the_tops_region_is_the_configured_one(conf: cfg.ConfigOpts) -> None:
    conf.set_override("region_name", "RegionOne")
    assert root(conf, TOP, SITE) == "https://one.example/compute"


def test_a_trusted_proxy_says_scheme_and_host(conf: cfg.ConfigOpts) -> None:
    conf.set_override("trust_forwarded_headers", True, group="api")
    assert root(conf, TOP) == "http://forwarded.example/compute"


@pytest.mark.parametrize("is_trusted", [False, True])
def test_a_top_that_the_catalogue_lacks_is_no_defect(conf: cfg.ConfigOpts, is_trusted: bool) -> None:
    conf.set_override("trust_forwarded_headers", is_trusted, group="api")
    assert root(conf, SITE, headers={"Host": "top.example"}) == "http://top.example"
