"""What of a client's request goes to a site."""

import io

import pytest
from oslo_config import cfg
from tests.unit.gateway.office import GLOBAL_ID, A, Office, Opening, lines_of

from tricircle.errors import BadRequest, LengthRequired, PayloadTooLarge, TricircleError, UnsupportedMediaType
from tricircle.gateway.call import Call
from tricircle.sites.client import SiteClient
from tricircle.sites.health import HealthBoard
from tricircle.sites.transport import CurlTransport

MOST = 1024


@pytest.fixture
def office(compute: Opening, conf: cfg.ConfigOpts) -> Office:
    conf.set_override("max_body_size", MOST, group="api")
    return compute()


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("plain-1.2_3~", "plain-1.2_3~"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("?limit=1", "%3Flimit%3D1"),
        ("#top", "%23top"),
        ("%2F", "%252F"),
        ("a;b=c&d", "a%3Bb%3Dc%26d"),
        ("{id}", "%7Bid%7D"),
        ("schl\u00fcssel", "schl%C3%BCssel"),
    ],
)
def test_a_paths_parameters_are_quoted_anew(office: Office, value: str, quoted: str) -> None:
    row = "/servers/{server_id}/tags/{tag}"
    call = office.call("PUT /any", row=row, server_id="one", tag=value)
    assert call.target() == f"/v2.1/servers/one/tags/{quoted}"


def test_the_rest_of_a_path_keeps_its_segments(office: Office) -> None:
    call = office.call("GET /any", row="/servers/{server_id}/{rest}", server_id="one", rest="new thing/?/2")
    assert call.target() == "/v2.1/servers/one/new%20thing/%3F/2"


def test_the_project_in_a_path_is_quoted_and_kept(office: Office) -> None:
    call = office.call("GET /servers?limit=1", project_id_in_path="a/b")
    assert call.target() == "/v2.1/a%2Fb/servers?limit=1"


def test_the_query_goes_on_as_it_came(office: Office) -> None:
    query = "name=a%20b+c&name=%C3%BC&flag&&x=%2F;y='\"<>|"
    call = office.call("GET /servers", environ={"QUERY_STRING": query})
    assert call.target() == f"/v2.1/servers?{query}"


@pytest.mark.parametrize("query", ["a b", "a\r\nX-Roles: admin", "a\x00", "\xfc", "a\x7f", "a\t"])
def test_a_query_that_is_not_quoted_is_refused(office: Office, query: str) -> None:
    with pytest.raises(BadRequest):
        office.call("GET /servers", environ={"QUERY_STRING": query}).target()


def test_a_site_gets_the_clients_headers_that_are_its_business(office: Office) -> None:
    sent = {
        "Accept": "application/json",
        "Accept-Language": "de",
        "Content-Type": "application/json",
        "Traceparent": "00-1-2-01",
        "Tracestate": "a=b",
        "User-Agent": "python-novaclient",
        "X-Auth-Token": "user",
    }
    lines = office.call("GET /servers", headers=sent).headers()
    assert sorted(lines) == sorted(
        [f"{name}: {value}" for name, value in sent.items()] + [f"X-OpenStack-Request-ID: {GLOBAL_ID}"]
    )


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Connection",
        "Cookie",
        "Forwarded",
        "Host",
        "Proxy-Authorization",
        "TE",
        "Transfer-Encoding",
        "Upgrade",
        "X-Domain-Id",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Identity-Status",
        "X-Openstack-Request-Id",
        "X-Project-Id",
        "X-Roles",
        "X-Service-Roles",
        "X-Service-Token",
        "X-Subject-Token",
        "X-User-Id",
    ],
)
def test_no_other_header_reaches_a_site(office: Office, name: str) -> None:
    lines = office.call("GET /servers", headers={name: "forged"}).headers()
    assert "forged" not in "".join(lines)


@pytest.mark.parametrize("name", ["Accept", "Content-Type", "User-Agent", "OpenStack-API-Version"])
@pytest.mark.parametrize("value", ["compute a\r\nX-Roles: admin", "compute a\x00", "compute a\x1b[2J"])
def test_control_characters_in_a_header_are_refused(office: Office, name: str, value: str) -> None:
    variable = "CONTENT_TYPE" if name == "Content-Type" else "HTTP_" + name.upper().replace("-", "_")
    with pytest.raises(BadRequest):
        office.call("GET /servers", environ={variable: value}).headers()


def test_a_header_with_letters_outside_ascii_is_no_defect(compute: Opening, conf: cfg.ConfigOpts) -> None:
    """It is carried or refused. libcurl may not even look for this endpoint, as its scheme is another."""
    office = compute(more=[("image", "region-a", "internal", "ftp://a.example")])
    client = SiteClient(office.endpoints, office.user, HealthBoard(conf), CurlTransport(conf), conf)
    call = office.call("GET /servers", environ={"HTTP_USER_AGENT": "caf\xe9"})
    with pytest.raises(TricircleError):
        client.send(A, "image", call.request())


@pytest.mark.parametrize("asked", ["2.79", "latest"])
def test_the_microversion_is_asked_for_in_both_of_novas_headers(office: Office, asked: str) -> None:
    lines = office.call("GET /servers", headers={"OpenStack-API-Version": f"compute {asked}"}).headers()
    assert lines_of(lines, "OpenStack-API-Version") == [f"compute {asked}"]
    assert lines_of(lines, "X-OpenStack-Nova-API-Version") == [asked]


def test_without_a_microversion_none_is_asked_for(office: Office) -> None:
    assert lines_of(office.call("GET /servers").headers(), "OpenStack-API-Version") == []


def test_another_microversion_may_stand_for_the_clients(office: Office) -> None:
    call = office.call("GET /servers", headers={"OpenStack-API-Version": "compute latest"})
    assert lines_of(call.headers("2.90"), "OpenStack-API-Version") == ["compute 2.90"]


@pytest.mark.parametrize(
    ("asked", "number"),
    [(None, (0, 0)), ("compute 2.69", (2, 69)), ("volume 3.60", (0, 0)), ("compute nonsense", (0, 0))],
)
def test_a_microversion_as_a_number(office: Office, asked: str | None, number: tuple[int, int]) -> None:
    headers = {} if asked is None else {"OpenStack-API-Version": asked}
    assert office.call("GET /servers", headers=headers).version_number == number


def test_the_latest_microversion_is_above_all(office: Office) -> None:
    call = office.call("GET /servers", headers={"OpenStack-API-Version": "compute latest"})
    assert call.version_number > (2, 9999)


def posted(office: Office, body: bytes, **environ: object) -> Call:
    stream = {"wsgi.input": io.BytesIO(body)}
    return office.call("POST /servers", environ={**stream, **environ})


def test_a_body_goes_on_byte_by_byte(office: Office) -> None:
    body = b'{ "server" : {"name":"\xc3\xbc", "n": 1.0} }\n'
    assert posted(office, body, CONTENT_LENGTH=str(len(body))).request().body == body


@pytest.mark.parametrize(("length", "body"), [("0", b""), ("", None)])
def test_an_empty_body_is_told_from_none(office: Office, length: str, body: bytes | None) -> None:
    assert posted(office, b"", CONTENT_LENGTH=length).body() == body


def test_what_follows_the_body_is_left_alone(office: Office) -> None:
    assert posted(office, b"12345GET /", CONTENT_LENGTH="5").body() == b"12345"


def test_a_body_in_chunks_is_refused(office: Office) -> None:
    """A server need not tell one that was cut off before its last chunk."""
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    with pytest.raises(LengthRequired):
        posted(office, b"12345", **chunked).body()


def test_a_body_of_the_largest_size_is_taken(office: Office) -> None:
    assert posted(office, b"1" * MOST, CONTENT_LENGTH=str(MOST)).body() == b"1" * MOST


def test_a_larger_body_is_refused_before_it_is_read(office: Office) -> None:
    unread = io.BytesIO(b"1" * (MOST + 1))
    with pytest.raises(PayloadTooLarge):
        office.call("POST /servers", environ={"CONTENT_LENGTH": str(MOST + 1), "wsgi.input": unread}).body()
    assert unread.tell() == 0


def test_a_body_that_is_cut_short_is_refused(office: Office) -> None:
    with pytest.raises(BadRequest):
        posted(office, b"1234", CONTENT_LENGTH="5").body()


def test_a_body_can_be_sent_to_a_second_site(office: Office) -> None:
    call = posted(office, b"12345", CONTENT_LENGTH="5")
    assert [call.request().body, call.request().body] == [b"12345", b"12345"]


def test_a_document_and_what_is_under_its_envelope(office: Office) -> None:
    document, member = office.call("POST /servers", {"server": {"name": "x"}, "hints": 1}).json("server")
    assert (document, member) == ({"server": {"name": "x"}, "hints": 1}, {"name": "x"})
    assert document["server"] is member


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"server": []}', b'{"server": null}', b'{"x": NaN}']
)
def test_a_body_that_is_no_such_document_is_refused(office: Office, body: bytes) -> None:
    with pytest.raises(BadRequest):
        office.call("POST /servers", body).json("server")


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_called_so_in_several_ways(office: Office, media: str) -> None:
    call = office.call("POST /servers", {"server": {}}, headers={"Content-Type": media})
    assert call.json("server") == ({"server": {}}, {})


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_another_type_of_body_is_refused(office: Office, media: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        office.call("POST /servers", {"server": {}}, headers={"Content-Type": media}).json("server")
