"""Homed and replicated resources by id."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from tests.unit.gateway.office import GLOBAL_ID, TOP, A, B, Office, Opening, document, header, says
from tests.unit.gateway.walker import HANDLERS
from tests.unit.sites.wire import json_answer

from tricircle.errors import AnswerLost, BadAnswer, BadRequest, NotFound, SiteUnavailable
from tricircle.gateway.call import Call, Reply
from tricircle.routing.route import Route
from tricircle.sites.transport import Answer, NoAnswer, NotSent

ID = "9168b536-cd40-4630-b43f-b259807c6e87"
ROW = "/servers/{server_id}"
SHOW = HANDLERS["GET", ROW]
ACTION = HANDLERS["POST", f"{ROW}/action"]
NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # as the database keeps it
ABSENT = says({"itemNotFound": {"code": 404, "message": "no"}}, 404)
HTML = [("content-type", "text/html")]


class Servers:
    """An office that knows where one server is."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.index.sites["server", ID] = A

    def __call__(
        self, handler: Callable[[Call], Reply], line: str, body: object = None, **more: Any
    ) -> Reply:
        method, _, tail = line.partition(" ")
        call = self.office.call(f"{method} /servers/{ID}{tail}", body, server_id=ID, **more)
        return handler(call)


@pytest.fixture
def servers(compute: Opening) -> Callable[..., Servers]:
    return lambda **answers: Servers(compute(**answers))


def test_a_request_goes_to_the_one_site_that_holds_it(servers: Callable[..., Servers]) -> None:
    asked = servers(a=says({"server": {"id": ID}}))
    assert document(asked(SHOW, "GET", row=ROW)) == {"server": {"id": ID}}
    assert asked.office.asked == [("a", "GET", f"/v2.1/servers/{ID}")]


def test_body_and_query_go_on_as_they_came(servers: Callable[..., Servers]) -> None:
    asked = servers(a=json_answer(b"", 202))
    body = b'{ "reboot" : {"type":"HARD", "links": "x"} }'
    asked(ACTION, "POST /action?x=%20y", body, row=f"{ROW}/action")
    assert asked.office.asked == [("a", "POST", f"/v2.1/servers/{ID}/action?x=%20y")]
    assert asked.office.wire.requests[0].body == body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_site_that_no_longer_has_it_is_not_asked_again(
    servers: Callable[..., Servers], method: str
) -> None:
    asked = servers(a=ABSENT)
    reply = asked(HANDLERS[method, ROW], method, row=ROW)
    assert (reply.status, reply.body) == (404, ABSENT.body)
    assert asked.office.index.forgotten == [("server", ID, "a")]
    assert asked.office.desk.hastened == [f"after_delete|server|{ID}|id-a"]


def test_a_404_of_a_part_does_not_say_that_the_whole_is_gone(servers: Callable[..., Servers]) -> None:
    asked = servers(a=ABSENT)
    row = f"{ROW}/metadata/{{key}}"
    assert asked(HANDLERS["GET", row], "GET /metadata/k", row=row, key="k").status == 404
    assert asked.office.index.forgotten == []


def test_a_404_of_some_proxy_does_not_say_that_it_is_gone(servers: Callable[..., Servers]) -> None:
    asked = servers(a=Answer(404, HTML, b"<html>"))
    with pytest.raises(BadAnswer):
        asked(SHOW, "GET", row=ROW)
    assert asked.office.index.forgotten == []


def test_a_write_whose_answer_was_lost_is_told_so(servers: Callable[..., Servers]) -> None:
    asked = servers(a=NoAnswer("x"))
    with pytest.raises(AnswerLost):
        asked(ACTION, "POST /action", b'{"reboot": {}}', row=f"{ROW}/action")
    assert len(asked.office.asked) == 1


UNSHELVE = {"unshelve": {"availability_zone": "east"}}


def test_a_zone_in_an_action_is_the_sites(servers: Callable[..., Servers]) -> None:
    asked = servers(a=json_answer(b"", 202))
    asked(ACTION, "POST /action", UNSHELVE, row=f"{ROW}/action")
    assert asked.office.wire.requests[0].body == b'{"unshelve":{"availability_zone":"nova-a"}}'


def test_servers_do_not_move_to_another_sites_zone(servers: Callable[..., Servers]) -> None:
    asked = servers()
    for name in ("north", "west"):
        with pytest.raises(BadRequest):
            asked(ACTION, "POST /action", {"unshelve": {"availability_zone": name}}, row=f"{ROW}/action")
    assert asked.office.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"unshelve": {"availability_zone": null} }',
        b'{"unshelve": null, "x": "availability_zone"}',
        b'{"rebuild": {"metadata": {"availability_zone": "east"} } }',
        b'{"createImage": {"name": "availability_zone"} }',
        b'"availability_zone"',
        b'["availability_zone"]',
        b'{"availability_zone"',
    ],
)
def test_an_action_without_a_zone_goes_on_as_it_came(servers: Callable[..., Servers], body: bytes) -> None:
    asked = servers(a=json_answer(b"", 202))
    asked(ACTION, "POST /action", body, row=f"{ROW}/action")
    got = asked.office.wire.requests[0].body
    assert got == body or document(Reply(200, got or b"")) == document(Reply(200, body))


RECORD = {
    "id": ID,
    "status": "UNKNOWN",
    "tenant_id": "blue",
    "created": "2026-01-31T12:00:00Z",
    "links": [
        {"rel": "self", "href": f"{TOP}/v2.1/servers/{ID}"},
        {"rel": "bookmark", "href": f"{TOP}/servers/{ID}"},
    ],
    "OS-EXT-AZ:availability_zone": "UNKNOWN",
    "OS-EXT-STS:power_state": 0,
    "user_id": "UNKNOWN",
}


def shown_by(asked: Servers, version: str) -> Reply:
    headers = {"OpenStack-API-Version": f"compute {version}"}
    return asked(SHOW, "GET", row=ROW, headers=headers)


@pytest.mark.parametrize("version", ["2.69", "2.96"])
def test_a_record_stands_for_a_server_whose_site_does_not_answer(
    servers: Callable[..., Servers], version: str
) -> None:
    asked = servers(a=NotSent("x"))
    asked.office.index.routes.append(Route(ID, "server", A.id, ID, "blue", NOON))
    reply = shown_by(asked, version)
    assert document(reply) == {"server": RECORD}
    assert header(reply, "OpenStack-API-Version") == [f"compute {version}"]


def test_the_latest_microversion_of_a_record_is_what_sites_have_in_common(
    servers: Callable[..., Servers],
) -> None:
    versions = says({"versions": [{"id": "v2.1", "version": "2.90", "min_version": "2.1"}]})
    asked = servers(a=NotSent("x"), b=versions)
    asked.office.index.routes.append(Route(ID, "server", A.id, ID, "blue", NOON))
    assert header(shown_by(asked, "latest"), "OpenStack-API-Version") == ["compute 2.90"]


def test_before_2_69_there_is_no_such_record(servers: Callable[..., Servers]) -> None:
    asked = servers(a=NotSent("x"))
    asked.office.index.routes.append(Route(ID, "server", A.id, ID, "blue", NOON))
    with pytest.raises(SiteUnavailable):
        shown_by(asked, "2.68")


def test_of_a_server_that_no_row_knows_there_is_no_record(servers: Callable[..., Servers]) -> None:
    with pytest.raises(SiteUnavailable):
        shown_by(servers(a=NotSent("x")), "2.69")


def test_a_route_to_a_site_that_was_removed_is_no_defect(servers: Callable[..., Servers]) -> None:
    asked = servers(a=NotSent("x"))
    asked.office.index.routes.append(Route(ID, "server", "removed", ID, "blue", NOON))
    with pytest.raises(SiteUnavailable):
        shown_by(asked, "2.69")


FLAVOR = HANDLERS["GET", "/flavors/{flavor_id}"]
FOUND = says({"flavor": {"id": "1", "links": [{"rel": "self", "href": "http://a/x"}]}})


def flavor(office: Office) -> Reply:
    return FLAVOR(office.call("GET /flavors/1", row="/flavors/{flavor_id}", flavor_id="1"))


def test_any_site_that_has_a_replicated_resource_answers(compute: Opening) -> None:
    office = compute(a=FOUND, b=FOUND, c=FOUND)
    ours = [{"rel": "self", "href": f"{TOP}/v2.1/flavors/1"}]
    assert document(flavor(office)) == {"flavor": {"id": "1", "links": ours}}
    assert [name for name, _, _ in office.asked] == ["a"]


@pytest.mark.parametrize("other", [ABSENT, NotSent("x"), NoAnswer("x"), Answer(503, HTML, b"<html>")])
def test_sites_are_asked_until_one_has_it(compute: Opening, other: Any) -> None:
    office = compute(a=other, b=FOUND, c=FOUND)
    assert flavor(office).status == 200
    assert [name for name, _, _ in office.asked] == ["a", "b"]


@pytest.mark.parametrize("silent", ["a", "c"])
def test_what_no_site_that_answers_has_is_told_in_its_own_words(compute: Opening, silent: str) -> None:
    office = compute(**(dict.fromkeys("abc", ABSENT) | {silent: NotSent("x")}))
    assert (flavor(office).status, flavor(office).body) == (404, ABSENT.body)


def test_where_no_site_answers_nothing_is_known(compute: Opening) -> None:
    with pytest.raises(SiteUnavailable):
        flavor(compute())


def test_a_resource_that_nobody_knows_is_not_found(compute: Opening) -> None:
    office = compute()
    office.index.sites["server", "another"] = B
    with pytest.raises(NotFound, match=f"Instance {ID} could not be found"):
        SHOW(office.call(f"GET /servers/{ID}", row=ROW, server_id=ID))
    assert office.asked == []


DELETE = HANDLERS["DELETE", ROW]


def test_somebody_looks_after_a_delete(servers: Callable[..., Servers]) -> None:
    asked = servers(a=json_answer(b"", 204))
    assert asked(DELETE, "DELETE", row=ROW).status == 204
    (request,) = asked.office.desk.requests
    assert (request.type, request.resource_type, request.resource_id) == ("after_delete", "server", ID)
    assert (request.site_id, request.project_id, request.request_id) == (A.id, "blue", GLOBAL_ID)
    assert request.delay > 0


def test_that_is_written_before_the_site_is_asked(servers: Callable[..., Servers]) -> None:
    asked = servers(a=NoAnswer("x"))
    with pytest.raises(AnswerLost):
        asked(DELETE, "DELETE", row=ROW)
    assert len(asked.office.desk.requests) == 1


def test_a_delete_goes_on_without_the_database(servers: Callable[..., Servers]) -> None:
    asked = servers(a=json_answer(b"", 204))
    asked.office.desk.is_away = True
    assert asked(DELETE, "DELETE", row=ROW).status == 204


def test_nobody_looks_after_anything_else(servers: Callable[..., Servers]) -> None:
    asked = servers(a=says({"server": {"id": ID}}))
    asked(SHOW, "GET", row=ROW)
    row = f"{ROW}/tags/{{tag}}"
    asked(HANDLERS["DELETE", row], "DELETE /tags/x", row=row, tag="x")
    assert asked.office.desk.requests == []
