"""The search of sites for an id that nobody knows."""

import pytest
from oslo_config import cfg
from tests.unit.sites.wire import Outcome, StandInUser, Wire, endpoints_of, json_answer, site

from tricircle.errors import NotFound, SiteUnavailable, TricircleError
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.search import Search
from tricircle.sites.client import SiteClient
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer, NoAnswer, Request

KIND = ResourceType(
    name="server",
    service_type="compute",
    path="/v2.1/servers/{id}",
    envelope="server",
    not_found="Instance {id} could not be found.",
    version="2.13",
)
SITES = (site("a"), site("b"), site("c"))
A, B, C = SITES
ID = "9168b536-cd40-4630-b43f-b259807c6e87"
ITEM = {"id": ID, "tenant_id": "blue"}
FOUND = json_answer(b'{"server": {"id": "9168b536-cd40-4630-b43f-b259807c6e87", "tenant_id": "blue"}}')
ABSENT = json_answer(b'{"itemNotFound": {"code": 404, "message": "no"}}', 404)
FORBIDDEN = json_answer(b'{"forbidden": {"code": 403, "message": "no"}}', 403)
HTML = [("content-type", "text/html")]


class Searching:
    """Searches sites that answer as they are told; those of which nothing is said do not have it."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    def find(self, **answers: Outcome) -> tuple[Site, dict[str, object] | None]:
        self.wire = Wire({f"http://{each.name}.internal": answers.get(each.name, ABSENT) for each in SITES})
        user = StandInUser(endpoints_of("a", "b", "c"))
        health = HealthBoard(self._conf)
        client = SiteClient(Endpoints(user, self._conf), user, health, self.wire, self._conf)
        return Search(client, 3.0).find(KIND, ID, "user", SITES)


@pytest.fixture
def searching(conf: cfg.ConfigOpts) -> Searching:
    return Searching(conf)


def test_every_site_is_asked_once_with_the_users_token(searching: Searching) -> None:
    searching.find(b=FOUND)
    headers = [
        "X-Auth-Token: user",
        "Accept: application/json",
        "OpenStack-API-Version: compute 2.13",
        "X-Service-Token: the-service-token",
    ]
    assert searching.wire.requests == [
        Request("GET", f"http://{name}.internal/compute/v2.1/servers/{ID}", headers, None, 3.0)
        for name in "abc"
    ]


def test_the_site_that_shows_it_has_it(searching: Searching) -> None:
    assert searching.find(b=FOUND) == (B, ITEM)


def test_a_site_that_does_not_answer_does_not_hide_the_one_that_has_it(searching: Searching) -> None:
    assert searching.find(a=NoAnswer("x"), c=FOUND) == (C, ITEM)


def test_a_site_that_refuses_to_show_it_has_it(searching: Searching) -> None:
    assert searching.find(b=FORBIDDEN) == (B, None)


def test_a_site_that_shows_it_goes_before_one_that_refuses(searching: Searching) -> None:
    """A role that one site does not know may see nothing there."""
    assert searching.find(a=FORBIDDEN, b=FOUND) == (B, ITEM)


def test_what_no_site_has_is_not_found_in_the_services_words(searching: Searching) -> None:
    with pytest.raises(NotFound, match=f"^Instance {ID} could not be found.$"):
        searching.find()


def test_as_long_as_a_site_is_silent_nobody_knows(searching: Searching) -> None:
    with pytest.raises(SiteUnavailable) as caught:
        searching.find(a=NoAnswer("x"), c=json_answer(b"", 503))
    assert caught.value.site == "a, c"


@pytest.mark.parametrize("status", [302, 401, 406, 413, 429, 500, 502, 503])
def test_only_a_404_says_that_a_site_does_not_have_it(searching: Searching, status: int) -> None:
    with pytest.raises(TricircleError) as caught:
        searching.find(b=json_answer(b"{}", status))
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, HTML, b"<html>Not Found</html>"),
        Answer(200, HTML, b"<html>Please log in</html>"),
        Answer(403, HTML, b"<html>Forbidden</html>"),
        json_answer(b'{"server": '),
        json_answer(b"[]"),
        json_answer(b"{}"),
        json_answer(b'{"server": null}'),
    ],
)
def test_what_is_not_the_services_own_answer_says_nothing(searching: Searching, answer: Answer) -> None:
    with pytest.raises(SiteUnavailable):
        searching.find(b=answer)
    assert searching.find(a=answer, b=FOUND) == (B, ITEM)
