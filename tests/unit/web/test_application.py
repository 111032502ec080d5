"""What happens to every request before and after its handler."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import falcon
import pytest
from falcon import testing
from oslo_config import cfg

from tricircle.errors import (
    AnswerLost,
    BadAnswer,
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    Gone,
    IdentityUnavailable,
    MethodNotAllowed,
    NotAcceptable,
    NotDecided,
    NotFound,
    PayloadTooLarge,
    SiteUnavailable,
    TricircleError,
    Unauthorized,
    UnsupportedMediaType,
)
from tricircle.identity.tokens import TokenChecker
from tricircle.web.application import make_app, with_health
from tricircle.web.faults import compute_fault

CHALLENGE = 'Keystone uri="https://keystone.example"'
TOKEN = "the-token-of-alice"
ID = "req-9168b536-cd40-4630-b43f-b259807c6e87"
UUID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def keystone(token: str) -> dict[str, Any]:
    if token != TOKEN:
        raise Unauthorized("The request you have made requires authentication.")
    expires_at = datetime(2100, 1, 1, tzinfo=UTC).isoformat()
    roles = [{"name": "member"}]
    return {
        "token": {
            "user": {"id": "alice"},
            "project": {"id": "blue"},
            "roles": roles,
            "expires_at": expires_at,
        }
    }


class Things:
    """A handler that does as it is told, and keeps what it saw."""

    def __init__(self) -> None:
        self.does: Callable[[falcon.Request], object] = lambda _: None
        self.seen: list[falcon.Request] = []

    def on_get(self, req: falcon.Request, resp: falcon.Response, **_: str) -> None:
        self.seen.append(req)
        self.does(req)
        resp.data = b"{}"


class Service:
    """A small web service, and a client of it."""

    def __init__(self) -> None:
        checker = TokenChecker(keystone, cache_time=60, cache_size=10)
        self.app = make_app(
            compute_fault,
            checker,
            CHALLENGE,
            public=frozenset({"/", "/v2.1"}),
            request_id_header="x-compute-request-id",
        )
        self.things = Things()
        for path in ("/", "/v2.1", "/v2.1/things/{name}"):
            self.app.add_route(path, self.things)

    def get(
        self, path: str = "/v2.1/things/one", *, environ: Mapping[str, str] | None = None, **more: Any
    ) -> testing.Result:
        headers = {"X-Auth-Token": TOKEN} | more.pop("headers", {})
        return testing.simulate_get(self.app, path, headers=headers, extras=dict(environ or {}), **more)

    def fail(self, error: Exception) -> testing.Result:
        def does(_: falcon.Request) -> None:
            raise error

        self.things.does = does
        return self.get()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.mark.parametrize(
    "kind",
    [
        BadRequest,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        Gone,
        PayloadTooLarge,
        UnsupportedMediaType,
        NotDecided,
        BadAnswer,
        DatabaseUnavailable,
        IdentityUnavailable,
        SiteUnavailable,
        AnswerLost,
    ],
)
def test_each_error_of_ours_has_its_status_and_the_services_shape(
    service: Service, kind: type[TricircleError]
) -> None:
    answer = service.fail(kind("why"))
    assert answer.status_code == kind.status
    assert answer.headers["content-type"] == "application/json"
    ((error),) = answer.json.values()
    assert error == {"code": kind.status, "message": "why"}


def test_what_is_unavailable_says_when_to_come_back(service: Service) -> None:
    assert service.fail(SiteUnavailable("why", retry_after=17)).headers["retry-after"] == "17"
    assert "retry-after" not in service.fail(AnswerLost("why")).headers


def test_an_unexpected_error_tells_no_more_than_where_to_look(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    answer = service.fail(KeyError("a secret of ours"))
    request_id = answer.headers["x-openstack-request-id"]
    assert answer.json == {
        "computeFault": {"code": 500, "message": f"Unexpected error. Its request id is {request_id}."}
    }
    assert "a secret of ours" not in answer.text + str(answer.headers)
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert request_id in record.getMessage()


@pytest.mark.parametrize("token", [None, "", "unknown", "t\xf6ken"])
def test_without_a_valid_token_nothing_is_looked_at(service: Service, token: str | None) -> None:
    for path in ("/v2.1/things/one", "/v2.1/nowhere", "/v2.1things", "/v2.1/x"):
        answer = testing.simulate_get(
            service.app, path, extras={} if token is None else {"HTTP_X_AUTH_TOKEN": token}
        )
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == CHALLENGE
        assert answer.json["error"]["code"] == 401
    assert service.things.seen == []


def test_a_valid_token_says_who_asks(service: Service) -> None:
    service.get()
    identity = service.things.seen[0].context.identity
    assert (identity.user_id, identity.project_id, identity.roles) == ("alice", "blue", {"member"})


@pytest.mark.parametrize("path", ["/", "/v2.1", "/v2.1/"])
def test_version_documents_need_no_token(service: Service, path: str) -> None:
    assert testing.simulate_get(service.app, path).status_code == 200
    assert service.things.seen[0].context.identity is None


def test_an_unknown_path_and_an_unknown_method_are_told_in_the_services_shape(service: Service) -> None:
    absent = service.get("/v2.1/nowhere")
    assert absent.status_code == 404
    assert absent.json == {"itemNotFound": {"code": 404, "message": "The resource could not be found."}}
    headers = {"X-Auth-Token": TOKEN}
    refused = testing.simulate_put(service.app, "/v2.1/things/one", headers=headers)
    assert refused.status_code == 405
    assert refused.json["badMethod"]["code"] == 405
    assert "GET" in refused.headers["allow"]


def test_every_request_has_an_id_of_its_own(service: Service) -> None:
    ids = [service.get().headers["x-openstack-request-id"] for _ in range(2)]
    assert all(UUID.fullmatch(each) for each in ids)
    assert ids[0] != ids[1]


def test_the_services_own_header_for_it_is_set_too_also_in_errors(service: Service) -> None:
    for answer in (service.get(), service.get("/nowhere"), service.fail(KeyError())):
        assert answer.headers["x-compute-request-id"] == answer.headers["x-openstack-request-id"]


def test_a_valid_id_that_the_client_sent_is_the_global_one(service: Service) -> None:
    answer = service.get(headers={"X-OpenStack-Request-ID": ID})
    assert service.things.seen[0].context.global_request_id == ID
    assert answer.headers["x-openstack-request-id"] != ID


@pytest.mark.parametrize(
    "sent", ["", "req-1", ID + "x", ID.upper(), ID + "\n", f"{ID}\r\nX: y", ID[4:], "<script>"]
)
def test_anything_else_that_the_client_sent_for_an_id_is_dropped(service: Service, sent: str) -> None:
    answer = service.get(environ={"HTTP_X_OPENSTACK_REQUEST_ID": sent})
    ours = answer.headers["x-openstack-request-id"]
    assert service.things.seen[0].context.global_request_id == ours


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Give the access log's lines."""
    with caplog.at_level(logging.INFO):
        yield lambda: [
            each.getMessage() for each in caplog.records if each.name == "tricircle.web.middleware"
        ]


def test_a_request_is_one_line_of_the_log(service: Service, lines: Callable[[], list[str]]) -> None:
    def does(req: falcon.Request) -> None:
        req.context.site = "site-a"

    service.things.does = does
    ours = service.get(headers={"X-OpenStack-Request-ID": ID}).headers["x-openstack-request-id"]
    (line,) = lines()
    assert re.fullmatch(
        r'127\.0\.0\.1 "GET /v2\.1/things/one" status: 200 len: 2 time: \d+\.\d{4} '
        rf"user: alice project: blue site: site-a request: {ours} global: {ID}",
        line,
    )


def test_whoever_is_refused_is_logged_too(service: Service, lines: Callable[[], list[str]]) -> None:
    service.get(headers={"X-Auth-Token": "unknown"})
    service.get("/v2.1/../x")
    assert ["status: 401" in lines()[0], "status: 400" in lines()[1]] == [True, True]
    assert "user: - project: -" in lines()[0]


def test_an_errors_site_is_in_the_log(service: Service, lines: Callable[[], list[str]]) -> None:
    service.fail(SiteUnavailable("why", site="site-b"))
    assert "site: site-b " in lines()[0]


def test_the_log_holds_no_query_and_no_token(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        service.get(query_string="token=a-secret&x=another-secret")
        service.get(headers={"X-Auth-Token": "a-secret"})
        service.fail(KeyError("x"))
    assert "secret" not in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "path", ["/v2.1/things/a\nb", "/v2.1/things/a\r\nb", "/v2.1/things/\x1b[2J", '/v2.1/"']
)
def test_a_path_cannot_make_up_lines_of_the_log(
    service: Service, lines: Callable[[], list[str]], path: str
) -> None:
    service.get(environ={"PATH_INFO": path})
    (line,) = lines()
    assert not re.search(r"[\x00-\x1f]", line)
    assert line.count('"') == 2


@pytest.mark.parametrize(
    "path",
    [
        "/v2.1/things/.",
        "/v2.1/things/..",
        "/v2.1/./things/one",
        "/v2.1/../v2.1/things/one",
        "//v2.1/things/one",
        "/v2.1//things/one",
        "/v2.1/things//",
        "/v2.1/things/one//",
        "/v2.1/things\\one",
        "/v2.1/things/a\x00",
        "/v2.1/things/a\nb",
        "/v2.1/things/\x7f",
        "/v2.1/things/..\n",
    ],
)
def test_a_path_that_two_parsers_could_read_differently_is_refused(service: Service, path: str) -> None:
    assert service.get(environ={"PATH_INFO": path}).status_code == 400
    assert service.things.seen == []


@pytest.mark.parametrize("variable", ["REQUEST_URI", "RAW_URI"])
@pytest.mark.parametrize("quoted", ["%2F", "%2f", "%5C", "%5c"])
def test_a_quoted_slash_is_refused_where_the_server_shows_it(
    service: Service, variable: str, quoted: str
) -> None:
    environ = {"PATH_INFO": "/v2.1/things/one", variable: f"/v2.1/things{quoted}one?x=1"}
    assert service.get(environ=environ).status_code == 400


@pytest.mark.parametrize(
    "target", ["/v2.1/things/one?next=%2Fv2.1%2F", "/v2.1/things/%C3%BC", "/v2.1/things/a%252Fb"]
)
def test_a_quoted_slash_elsewhere_is_nobodys_business(service: Service, target: str) -> None:
    environ = {"PATH_INFO": "/v2.1/things/one", "REQUEST_URI": target}
    assert service.get(environ=environ).status_code == 200


@pytest.mark.parametrize(
    "path", ["/v2.1/things/one", "/v2.1/things/one/", "/v2.1/things/a.b", "/v2.1/things/..."]
)
def test_other_paths_pass(service: Service, path: str) -> None:
    assert service.get(environ={"PATH_INFO": path}).status_code == 200


def test_health_needs_no_token_and_leaves_the_rest_to_the_application(
    service: Service, conf: cfg.ConfigOpts
) -> None:
    app = with_health(service.app, conf)
    assert testing.simulate_get(app, "/healthcheck").status_code == 200
    assert testing.simulate_get(app, "/v2.1/things/one").status_code == 401
    assert testing.simulate_get(app, "/healthcheck/more").status_code == 401


def test_a_body_of_an_error_is_json_whatever_the_client_accepts(service: Service) -> None:
    answer = service.get("/nowhere", headers={"Accept": "application/xml"})
    assert json.loads(answer.text)["itemNotFound"]["code"] == 404
