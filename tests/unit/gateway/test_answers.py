"""A site's answer, made the top's."""

import pytest
from tests.unit.gateway.office import TOP, A, Office, Opening, document, header, says
from tests.unit.sites.wire import json_answer

from tricircle.errors import BadAnswer, NotFound, SiteUnavailable
from tricircle.gateway.answers import bookmark, pass_back, prefix, relocate
from tricircle.gateway.compute.resources import SERVER
from tricircle.sites.transport import Answer

IMAGES = (
    ("image", "region-a", "internal", "http://glance.a.internal/image/v2"),
    ("image", "region-a", "public", "https://glance.a.example/image"),
    ("image", "Central", "public", "https://top.example/image"),
)


@pytest.fixture
def office(compute: Opening) -> Office:
    return compute(more=IMAGES)


def test_status_body_and_headers_are_the_sites(office: Office) -> None:
    body = b'{"diagnostics": { "cpu0_time": 1 } }'
    answer = json_answer(
        body, 202, ("openstack-api-version", "compute 2.79"), ("vary", "X"), ("retry-after", "3")
    )
    reply = pass_back(office.call("GET /servers"), A, answer)
    assert (reply.status, reply.body) == (202, body)
    assert reply.headers == answer.headers


@pytest.mark.parametrize(
    "name",
    [
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "proxy-authenticate",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-compute-request-id",
        "x-openstack-request-id",
    ],
)
def test_headers_of_the_connection_and_those_we_set_ourselves_stay_behind(office: Office, name: str) -> None:
    reply = pass_back(office.call("GET /servers"), A, json_answer(b"{}", 200, (name, "theirs")))
    assert header(reply, name) == []


def test_the_sites_own_request_id_is_told_beside_ours(office: Office) -> None:
    answer = json_answer(b"{}", 200, ("x-openstack-request-id", "req-1"))
    reply = pass_back(office.call("GET /servers"), A, answer)
    assert header(reply, "X-Tricircle-Site-Request-Id") == ["a req-1"]


def test_links_and_zones_of_a_resource_are_the_tops(office: Office) -> None:
    theirs = [
        {"rel": "self", "href": "http://a/v2.1/servers/s"},
        {"rel": "bookmark", "href": "http://a/servers/s"},
    ]
    item = {"id": "s", "links": theirs, "OS-EXT-AZ:availability_zone": "nova-a", "metadata": {"links": "x"}}
    reply = pass_back(office.call("GET /servers"), A, says({"server": item}), SERVER)
    ours = [
        {"rel": "self", "href": f"{TOP}/v2.1/servers/s"},
        {"rel": "bookmark", "href": f"{TOP}/servers/s"},
    ]
    assert document(reply) == {"server": item | {"links": ours, "OS-EXT-AZ:availability_zone": "east"}}


def test_a_zone_that_no_zone_of_the_top_stands_for_keeps_its_name(office: Office) -> None:
    item = {"id": "s", "OS-EXT-AZ:availability_zone": "internal"}
    reply = pass_back(office.call("GET /servers"), A, says({"server": item}), SERVER)
    assert document(reply) == {"server": item}


@pytest.mark.parametrize(
    "body", [b'{"itemNotFound": { "code": 404} }', b"[1, 2]", b'{"server": null}', b'{"adminPass": "x"}', b""]
)
def test_a_body_without_the_resource_is_passed_byte_by_byte(office: Office, body: bytes) -> None:
    assert pass_back(office.call("GET /servers"), A, json_answer(body, 404), SERVER).body == body


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_has_lost_the_site_says_that_it_is_down(office: Office, status: int) -> None:
    answer = Answer(status, [("content-type", "text/html")], b"<html>")
    with pytest.raises(SiteUnavailable):
        pass_back(office.call("GET /servers"), A, answer)
    with pytest.raises(BadAnswer):
        pass_back(office.call("POST /servers"), A, answer)


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_page_of_some_proxy_is_no_answer(office: Office, status: int) -> None:
    headers = [("content-type", "text/html; charset=utf-8"), ("x-openstack-request-id", "req-1")]
    with pytest.raises(BadAnswer) as caught:
        pass_back(office.call("GET /servers"), A, Answer(status, headers, b"<html>"))
    assert (caught.value.site, caught.value.request_id) == ("a", "req-1")


def test_novas_own_page_for_an_unknown_path_is_not_found(office: Office) -> None:
    call = office.call("GET /servers/s/new", row="/servers/{server_id}/{rest}", server_id="s", rest="new")
    with pytest.raises(NotFound):
        pass_back(call, A, Answer(404, [("content-type", "text/html")], b"<html>"))


def test_half_a_resource_is_no_answer(office: Office) -> None:
    with pytest.raises(BadAnswer):
        pass_back(office.call("GET /servers"), A, json_answer(b'{"server": {'), SERVER)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("http://a.public/compute/v2.1/servers/s", f"{TOP}/v2.1/servers/s"),
        ("http://a.internal/compute/v2.1/servers/s", f"{TOP}/v2.1/servers/s"),
        ("http://a.internal/compute/v2.1/p/servers/s?x=1", f"{TOP}/v2.1/p/servers/s?x=1"),
        ("https://glance.a.example/image/v2/images/i", "https://top.example/image/v2/images/i"),
        ("http://glance.a.internal/image/v2/images/i", "https://top.example/image/v2/images/i"),
        ("http://10.0.0.1:8774/v2.1/servers/s", f"{TOP}/v2.1/servers/s"),
        ("http://10.0.0.1:8774/v2.1/servers/s/", f"{TOP}/v2.1/servers/s"),
        ("http://a.public/computer/v2.1/servers/s", f"{TOP}/v2.1/servers/s"),
        ("/v2.1/servers/s", f"{TOP}/v2.1/servers/s"),
    ],
)
def test_a_location_is_the_tops(office: Office, theirs: str, ours: str) -> None:
    assert relocate(office.call("POST /servers"), A, theirs) == ours


def test_an_image_is_at_the_tops_image_service_wherever_the_site_keeps_it(compute: Opening) -> None:
    """The site need not have an image service of its own; what it did must not be told as a failure."""
    office = compute(more=[("image", "Central", "public", "https://top.example/image")])
    answer = json_answer(b"", 202, ("location", "http://glance.example/v2/images/i"))
    reply = pass_back(office.call("POST /servers/s/action"), A, answer)
    assert reply.status == 202
    (location,) = header(reply, "Location")
    assert location.startswith("https://top.example/")
    assert location.endswith("/images/i")


def test_a_project_in_the_path_is_in_the_links(office: Office) -> None:
    call = office.call("GET /servers", project_id_in_path="a/b")
    assert prefix(call) == f"{TOP}/v2.1/a%2Fb"
    assert bookmark(call) == f"{TOP}/a%2Fb"
