"""A site that is stopped, silent, broken or slow: the others' resources are still there, in bounded time."""

import time
from collections.abc import Callable, Iterator

import pytest
from tests.fakes.cloud import HASTY, PROJECT, Cloud
from tests.fakes.faults import (
    Answer,
    Delay,
    Fault,
    HalfBody,
    HangUp,
    HugeBody,
    Silence,
    Status,
    Trickle,
    bad_gateway,
    garbage,
)
from tests.fakes.service import Service
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api, received
from tests.functional.gateway import GatewayClient
from tests.integration.conditions import eventually

OPTIONS = HASTY

MISSING = "X-Tricircle-Missing-Sites"

BOUND = 30.0
"""Seconds within which a gateway answers whatever sites do: its deadlines here are much shorter, and what a
site holds back comes much later."""


def stop(service: Service) -> None:
    """Refuse connections."""
    service.stop()


def put(make: Callable[[], Fault]) -> Callable[[Service], None]:
    """Make a way to break a service of a fault, which is made anew for each test."""

    def break_it(service: Service) -> None:
        service.faults.put(make())

    return break_it


FAILING: dict[str, Callable[[Service], None]] = {
    "stopped": stop,
    "never answers": put(Silence),
    "answers too late": put(lambda: Delay(300.0)),
    "answers byte by byte": put(Trickle),
    "answers 500": put(lambda: Status(500)),
    "answers 503": put(lambda: Status(503)),
    "answers HTML": put(bad_gateway),
    "answers HTML with 200": put(lambda: Answer(200, b"<html>OK</html>", (("Content-Type", "text/html"),))),
    "answers half a body": put(HalfBody),
    "answers garbage": put(garbage),
    "hangs up": put(HangUp),
    "answers too much": put(lambda: HugeBody(3 << 20)),
    "redirects": put(lambda: Answer(302, b"", (("Location", "http://192.0.2.1/"),))),
}

STRANGE: dict[str, Callable[[Service], None]] = {
    "answers another JSON": put(lambda: Answer(200, b'[1, "x", null]')),
    "answers JSON without what was asked for": put(lambda: Answer(200, b'{"other": []}')),
    "answers nothing with 200": put(lambda: Answer(200, b"")),
}
"""Well-formed, and still not what was asked for. Only where answers are put together does it matter: what is
asked of one site comes back as that site sends it."""

Break = Callable[[Service], None]


@pytest.fixture(params=list(FAILING | STRANGE))
def broken(request: pytest.FixtureRequest, cloud: Cloud) -> Break:
    """Each way in which a site can be of no use for an answer that is made of several."""
    return _way(request.param, cloud)


@pytest.fixture(params=list(FAILING))
def failing(request: pytest.FixtureRequest, cloud: Cloud) -> Break:
    """Each way in which a site can fail."""
    return _way(request.param, cloud)


def _way(name: str, cloud: Cloud) -> Break:
    cloud.configuration.set_override("max_answer_size", 2 << 20, group="sites")
    return (FAILING | STRANGE)[name]


@pytest.fixture
def quickly() -> Iterator[None]:
    """What is tested stays within its bound."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < BOUND


def known(api: Api, *sites: Site) -> list[list[str]]:
    """Put some into each site, and have the gateway see them."""
    ids = [api.add(site, 2) for site in sites]
    # A machine that stands still for a moment is a site that does not answer.
    eventually(lambda: api.client.get(api.detail).status == 200, "all sites answer")
    return ids


class TestLists:
    def test_the_other_sites_things_are_listed(
        self, api: Api, site_one: Site, site_two: Site, broken: Break
    ) -> None:
        _, theirs = known(api, site_one, site_two)
        broken(api.service(site_one))
        start = time.monotonic()
        reply = api.client.get(api.detail)
        assert time.monotonic() - start < BOUND
        assert reply.status == 200, reply.body
        assert sorted(api.ids(reply)) == sorted(theirs)
        assert reply.header(MISSING) == "SiteOne"

    def test_also_by_a_process_that_has_never_seen_the_site_well(
        self, api: Api, site_one: Site, site_two: Site, broken: Break
    ) -> None:
        broken(api.service(site_one))
        theirs = api.add(site_two, 2)
        start = time.monotonic()
        reply = api.client.get(api.detail)
        assert time.monotonic() - start < BOUND
        assert reply.status == 200, reply.body
        assert sorted(api.ids(reply)) == sorted(theirs)
        assert reply.header(MISSING) == "SiteOne"

    def test_nothing_of_the_site_leaks(self, api: Api, site_one: Site, site_two: Site, broken: Break) -> None:
        known(api, site_one, site_two)
        broken(api.service(site_one))
        text = api.client.get(api.detail).body.decode()
        assert [word for word in ("127.0.0.1", "html", "Traceback", "pycurl", "curl") if word in text] == []

    def test_when_no_site_answers_the_client_is_told_which(
        self, api: Api, site_one: Site, site_two: Site
    ) -> None:
        known(api, site_one, site_two)
        for site in (site_one, site_two):
            api.service(site).stop()
        reply = api.client.get(api.detail)
        assert reply.status == 503
        assert reply.fault[0] == "serviceUnavailable"
        assert "SiteOne" in reply.fault[1]
        assert "SiteTwo" in reply.fault[1]
        assert reply.header("Retry-After") is not None

    def test_a_site_that_fails_in_the_middle_of_a_walk(
        self, api: Api, site_one: Site, site_two: Site
    ) -> None:
        mine, theirs = api.add(site_one, 10), api.add(site_two, 10)
        first = api.client.get(f"{api.detail}?limit=6")
        api.service(site_one).stop()
        rest = api.walk(api.next_link(first) or "")
        seen = api.ids(first) + rest
        assert set(theirs) <= set(seen) <= set(mine) | set(theirs)
        assert len(seen) == len(set(seen))

    def test_a_site_that_comes_back_is_listed_again(self, api: Api, site_one: Site, site_two: Site) -> None:
        mine, theirs = known(api, site_one, site_two)
        api.service(site_one).stop()
        for _ in range(5):
            assert sorted(api.ids(api.client.get(api.detail))) == sorted(theirs)
        api.service(site_one).start()
        deadline = time.monotonic() + 20
        while sorted(api.ids(api.client.get(api.detail))) != sorted(mine + theirs):
            assert time.monotonic() < deadline, "the site is not listed again"

    def test_one_that_is_known_to_be_down_costs_no_time(
        self, api: Api, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        cloud.configuration.set_override("breaker_cooldown", 60.0, group="sites")
        known(api, site_one, site_two)
        api.service(site_one).faults.put(Silence())
        for _ in range(3):
            api.client.get(api.detail)
        asked = len(api.service(site_one).requests)
        start = time.monotonic()
        for _ in range(5):
            assert api.client.get(api.detail).header(MISSING) == "SiteOne"
        assert time.monotonic() - start < 5.0  # five deadlines, had each been waited for
        assert len(api.service(site_one).requests) == asked


class TestUnknownRecords:
    """From microversion 2.69 on Nova shows what cannot be asked about with the status UNKNOWN."""

    @pytest.fixture
    def down(self, compute: GatewayClient, site_one: Site, site_two: Site) -> tuple[list[str], list[str]]:
        """The ids of a site that is down, and those of one that is not."""
        mine, theirs = known(compute_api(compute), site_one, site_two)
        site_one.compute.stop()
        return mine, theirs

    @pytest.mark.parametrize("path", ["/v2.1/servers", "/v2.1/servers/detail"])
    def test_in_lists(self, compute: GatewayClient, down: tuple[list[str], list[str]], path: str) -> None:
        mine, theirs = down
        servers = compute.at("compute 2.69").get(path).json["servers"]
        unknown = {server["id"] for server in servers if server.get("status") == "UNKNOWN"}
        assert unknown == set(mine)
        assert {server["id"] for server in servers} - unknown == set(theirs)

    def test_have_what_nova_shows_of_them(
        self, compute: GatewayClient, down: tuple[list[str], list[str]]
    ) -> None:
        servers = compute.at("compute 2.69").get("/v2.1/servers/detail").json["servers"]
        (server,) = [server for server in servers if server["id"] == down[0][0]]
        assert set(server) == {"id", "status", "tenant_id", "created", "links"}
        assert server["tenant_id"] == PROJECT
        assert server["created"] == "2026-01-01T00:00:00Z"

    @pytest.mark.parametrize("query", ["limit=10", "sort_key=created_at", "name=server", "status=ACTIVE"])
    def test_are_left_out_where_nova_leaves_them_out(
        self, compute: GatewayClient, down: tuple[list[str], list[str]], query: str
    ) -> None:
        reply = compute.at("compute 2.69").get(f"/v2.1/servers/detail?{query}")
        assert {server["id"] for server in reply.json["servers"]} == set(down[1])

    def test_are_left_out_below_2_69(self, compute: GatewayClient, down: tuple[list[str], list[str]]) -> None:
        reply = compute.at("compute 2.68").get("/v2.1/servers/detail")
        assert {server["id"] for server in reply.json["servers"]} == set(down[1])

    def test_are_ones_own(
        self, compute: GatewayClient, cloud: Cloud, down: tuple[list[str], list[str]]
    ) -> None:
        reply = compute.as_(cloud.stranger).at("compute 2.69").get("/v2.1/servers/detail")
        assert reply.json["servers"] == []

    def test_by_id(self, compute: GatewayClient, down: tuple[list[str], list[str]]) -> None:
        reply = compute.at("compute 2.69").get(f"/v2.1/servers/{down[0][0]}")
        assert reply.status == 200
        assert reply.json["server"]["status"] == "UNKNOWN"
        assert reply.header("OpenStack-API-Version") == "compute 2.69"

    def test_by_id_not_for_strangers(
        self, compute: GatewayClient, cloud: Cloud, down: tuple[list[str], list[str]]
    ) -> None:
        reply = compute.as_(cloud.stranger).at("compute 2.69").get(f"/v2.1/servers/{down[0][0]}")
        assert reply.status in {404, 503}
        assert "UNKNOWN" not in reply.body.decode()


class TestById:
    def test_the_client_is_told_which_site_it_is(
        self, api: Api, site_one: Site, site_two: Site, failing: Break
    ) -> None:
        (mine, _), _ = known(api, site_one, site_two)
        failing(api.service(site_one))
        start = time.monotonic()
        reply = api.show(mine)
        assert time.monotonic() - start < BOUND
        assert reply.status in {500, 502, 503, 504}, reply.body
        assert "127.0.0.1" not in reply.body.decode()
        assert "192.0.2.1" not in reply.body.decode() + repr(reply.headers)
        if reply.status != 500:  # which a site's service has said itself
            name, message = reply.fault
            assert name in {"computeFault", "serviceUnavailable"}
            assert "SiteOne" in message or message == Status(503).message

    def test_the_other_sites_things_are_not_disturbed(
        self, api: Api, site_one: Site, site_two: Site, failing: Break, quickly: None
    ) -> None:
        _, (theirs, _) = known(api, site_one, site_two)
        failing(api.service(site_one))
        for _ in range(5):
            assert api.show(theirs).status == 200

    def test_it_may_be_tried_again_later(self, api: Api, site_one: Site, site_two: Site) -> None:
        (mine, _), _ = known(api, site_one, site_two)
        api.service(site_one).stop()
        reply = api.show(mine)
        assert reply.status == 503
        assert reply.header("Retry-After") is not None

    @pytest.mark.parametrize("fault", ["never answers", "hangs up", "answers half a body"])
    def test_a_change_whose_answer_is_lost_is_made_at_most_once(
        self, api: Api, site_one: Site, site_two: Site, fault: str
    ) -> None:
        (mine, _), _ = known(api, site_one, site_two)
        FAILING[fault](api.service(site_one))
        reply = api.client.put(f"{api.path}/{mine}", {api.item: {"name": "x"}})
        assert reply.status == 504
        assert "SiteOne" in reply.fault[1]
        assert len(received([site_one, site_two], "PUT")) == 1

    def test_it_works_again_once_the_site_is_back(self, api: Api, site_one: Site, site_two: Site) -> None:
        (mine, _), _ = known(api, site_one, site_two)
        api.service(site_one).stop()
        for _ in range(4):
            assert api.show(mine).status == 503
        api.service(site_one).start()
        deadline = time.monotonic() + 20
        while api.show(mine).status != 200:
            assert time.monotonic() < deadline, "the site is not used again"

    def test_a_kept_connection_that_the_site_has_closed_is_no_failure(
        self, api: Api, site_one: Site, site_two: Site
    ) -> None:
        (mine, _), _ = known(api, site_one, site_two)
        assert api.show(mine).status == 200
        api.service(site_one).stop()
        api.service(site_one).start()
        assert api.show(mine).status == 200
        assert api.client.put(f"{api.path}/{mine}", {api.item: {"name": "x"}}).status == 200


class TestAggregates:
    @pytest.mark.parametrize("path", ["/os-availability-zone", "/limits"])
    def test_are_computed_without_the_site(
        self, api: Api, site_one: Site, site_two: Site, broken: Break, path: str
    ) -> None:
        known(api, site_one, site_two)
        broken(api.service(site_one))
        start = time.monotonic()
        reply = api.client.get(api.version + path)
        assert time.monotonic() - start < BOUND
        assert reply.status == 200, reply.body
        assert reply.header(MISSING) == "SiteOne"

    def test_the_zone_of_a_site_that_is_down_is_not_available(
        self, api: Api, site_one: Site, site_two: Site
    ) -> None:
        api.service(site_one).stop()
        zones = api.client.get(f"{api.version}/os-availability-zone").json["availabilityZoneInfo"]
        assert {zone["zoneName"]: zone["zoneState"]["available"] for zone in zones} == {
            "az1": False,
            "az2": True,
        }
