"""Calls of sites: what leaves, and what is said of what went wrong."""

from collections.abc import Sequence

import pytest
from oslo_config import cfg
from tests.unit.sites.wire import Outcome, StandInUser, Wire, endpoints_of, json_answer, site

from tricircle.errors import AnswerLost, BadAnswer, SiteUnavailable, TricircleError
from tricircle.sites.client import SiteClient, SiteRequest
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.transport import Answer, BrokenAnswer, NoAnswer, NotSent, Request, TransportError

COMPUTE = "compute"
A, B, C = site("a"), site("b"), site("c")
UNREGISTERED = site("nowhere")
GOOD = json_answer(b"{}")
LIST = SiteRequest("GET", "/v2.1/servers?limit=1", ("X-Auth-Token: user",))


@pytest.fixture
def user() -> StandInUser:
    return StandInUser(endpoints_of("a", "b", "c"))


@pytest.fixture
def health(conf: cfg.ConfigOpts) -> HealthBoard:
    conf.set_override("breaker_threshold", 1, group="sites")
    conf.set_override("max_concurrency", 1, group="sites")
    return HealthBoard(conf)


def is_up(health: HealthBoard, name: str) -> bool:
    return health.of(f"id-{name}", name).is_up


class Office:
    """Makes clients over a wire that answers as it is told."""

    def __init__(self, user: StandInUser, health: HealthBoard, conf: cfg.ConfigOpts) -> None:
        self._parts = Endpoints(user, conf), user, health
        self._conf = conf

    def client(self, **answers: Outcome) -> tuple[SiteClient, Wire]:
        """Make a client; each answer is that of the site of its name, and the others' is good."""
        wire = Wire({f"http://{name}.internal": answers.get(name, GOOD) for name in ("a", "b", "c")})
        return SiteClient(*self._parts, wire, self._conf), wire


@pytest.fixture
def office(user: StandInUser, health: HealthBoard, conf: cfg.ConfigOpts) -> Office:
    return Office(user, health, conf)


def test_a_request_goes_to_the_sites_endpoint_with_our_token_beside_the_users(office: Office) -> None:
    client, wire = office.client()
    body = SiteRequest("POST", "/v2.1/servers", ("X-Auth-Token: user", "Accept: */*"), b"{}", deadline=7.0)
    assert client.send(A, COMPUTE, body) is GOOD
    headers = ["X-Auth-Token: user", "Accept: */*", "X-Service-Token: the-service-token"]
    assert wire.requests == [Request("POST", "http://a.internal/compute/v2.1/servers", headers, b"{}", 7.0)]


def test_without_keystone_a_request_goes_without_our_token(office: Office, user: StandInUser) -> None:
    user.service_token = None
    client, wire = office.client()
    client.send(A, COMPUTE, LIST)
    assert wire.requests[0].headers == ["X-Auth-Token: user"]


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("GET", "read_deadline"),
        ("HEAD", "read_deadline"),
        ("POST", "write_deadline"),
        ("PUT", "write_deadline"),
        ("PATCH", "write_deadline"),
        ("DELETE", "write_deadline"),
    ],
)
def test_a_request_has_the_deadline_of_its_method(
    office: Office, conf: cfg.ConfigOpts, method: str, option: str
) -> None:
    client, wire = office.client()
    client.send(A, COMPUTE, SiteRequest(method, "/v2.1/servers"))
    assert wire.requests[0].deadline == conf.sites[option]


@pytest.mark.parametrize(
    ("error", "methods", "told"),
    [
        (NotSent("x"), ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), SiteUnavailable),
        (NoAnswer("x"), ("GET", "HEAD"), SiteUnavailable),
        (NoAnswer("x"), ("POST", "PUT", "PATCH", "DELETE"), AnswerLost),
        (BrokenAnswer("x"), ("GET", "HEAD"), BadAnswer),
        (BrokenAnswer("x"), ("POST", "PUT", "PATCH", "DELETE"), AnswerLost),
    ],
)
def test_what_is_said_of_a_failure_depends_on_how_far_the_request_got_and_what_it_does(
    office: Office, conf: cfg.ConfigOpts, error: TransportError, methods: Sequence[str], told: type
) -> None:
    conf.set_override("breaker_threshold", 99, group="sites")
    client, _ = office.client(a=error)
    for method in methods:
        with pytest.raises(told) as caught:
            client.send(A, COMPUTE, SiteRequest(method, "/v2.1/servers"))
        assert type(caught.value) is told
        assert caught.value.site == "a"
        assert "a.internal" not in caught.value.message


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_a_site_that_answers_is_up_whatever_it_says(office: Office, health: HealthBoard, status: int) -> None:
    client, _ = office.client(a=json_answer(b"{}", status))
    assert client.send(A, COMPUTE, LIST).status == status
    assert is_up(health, "a")


@pytest.mark.parametrize("error", [NotSent("x"), NoAnswer("x")])
def test_a_site_that_does_not_answer_is_not_tried_again_at_once(
    office: Office, health: HealthBoard, error: TransportError
) -> None:
    client, wire = office.client(a=error)
    for _ in range(2):
        with pytest.raises(SiteUnavailable):
            client.send(A, COMPUTE, LIST)
    assert not is_up(health, "a")
    assert len(wire.requests) == 1


def test_a_site_whose_answer_is_too_large_is_up(office: Office, health: HealthBoard) -> None:
    """Else one tenant's large list closes the site to all others."""
    client, _ = office.client(a=BrokenAnswer("too large"))
    with pytest.raises(BadAnswer):
        client.send(A, COMPUTE, LIST)
    assert is_up(health, "a")


class Defect(Exception):
    """Something that nobody has thought of."""


class BrokenWire:
    """A transport with a defect."""

    def perform(self, request: Request) -> Answer:
        raise Defect

    def perform_all(self, requests: Sequence[Request]) -> list[Outcome]:
        raise Defect


@pytest.fixture
def broken_client(user: StandInUser, health: HealthBoard, conf: cfg.ConfigOpts) -> SiteClient:
    return SiteClient(Endpoints(user, conf), user, health, BrokenWire(), conf)


def test_a_defect_of_ours_is_not_counted_against_a_site(
    broken_client: SiteClient, health: HealthBoard
) -> None:
    with pytest.raises(Defect):
        broken_client.send(A, COMPUTE, LIST)
    assert is_up(health, "a")


def test_a_defect_of_ours_is_not_counted_against_all_sites(
    broken_client: SiteClient, health: HealthBoard
) -> None:
    with pytest.raises(Defect):
        broken_client.send_all(COMPUTE, [(A, LIST), (B, LIST)])
    assert [is_up(health, name) for name in "ab"] == [True, True]


def test_a_defect_of_ours_gives_the_places_back(
    broken_client: SiteClient, office: Office, conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tricircle.sites.health.PATIENCE", 0.0)
    conf.set_override("breaker_threshold", 99, group="sites")
    for _ in range(2):
        with pytest.raises(Defect):
            broken_client.send(A, COMPUTE, LIST)
        with pytest.raises(Defect):
            broken_client.send_all(COMPUTE, [(A, LIST)])


def names(results: Sequence[Answer | TricircleError]) -> list[object]:
    return [type(result) if isinstance(result, TricircleError) else result for result in results]


def test_many_answers_stand_in_the_order_of_their_requests_and_failures_are_values(office: Office) -> None:
    other = json_answer(b"[]", 404)
    client, wire = office.client(a=NoAnswer("x"), c=other)
    requests = [(C, LIST), (A, LIST), (UNREGISTERED, LIST), (B, LIST)]
    assert names(client.send_all(COMPUTE, requests)) == [other, SiteUnavailable, SiteUnavailable, GOOD]
    assert sorted(request.url for request in wire.requests) == [
        f"http://{name}.internal/compute/v2.1/servers?limit=1" for name in "abc"
    ]


def test_sites_that_are_down_are_passed_over(office: Office, health: HealthBoard) -> None:
    down = health.of(A.id, A.name)
    down.enter()
    down.leave(reached=False)
    client, wire = office.client()
    assert names(client.send_all(COMPUTE, [(A, LIST), (B, LIST)])) == [SiteUnavailable, GOOD]
    assert [request.url for request in wire.requests] == ["http://b.internal/compute/v2.1/servers?limit=1"]


def test_many_calls_tell_the_health_of_each_site(office: Office, health: HealthBoard) -> None:
    client, _ = office.client(a=NoAnswer("x"), c=json_answer(b"", 503))
    client.send_all(COMPUTE, [(A, LIST), (B, LIST), (C, LIST)])
    assert [is_up(health, name) for name in "abc"] == [False, True, True]


def test_many_calls_give_every_place_back(
    office: Office, conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that follow a site which the catalogue does not know."""
    monkeypatch.setattr("tricircle.sites.health.PATIENCE", 0.0)
    conf.set_override("breaker_threshold", 99, group="sites")
    client, _ = office.client(b=NoAnswer("x"))
    for _ in range(3):
        results = client.send_all(COMPUTE, [(A, LIST), (B, LIST), (UNREGISTERED, LIST), (C, LIST)])
        assert names(results) == [GOOD, SiteUnavailable, SiteUnavailable, GOOD]


def test_nobody_asked_is_nobody_answering(office: Office) -> None:
    client, wire = office.client()
    assert client.send_all(COMPUTE, []) == []
    assert wire.requests == []
