"""What hostile or broken clients send to the served gateways: a clear refusal, nothing made, nothing told."""

import json
import os
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.integration.clients import Client
from tests.integration.conditions import eventually
from tests.integration.population import Population
from tests.integration.sandbox import Sandbox
from tests.integration.wire import Answer, Wire, chunked

# Whatever these tests have made without wishing to is found when the module is over.
pytestmark = pytest.mark.usefixtures("nothing_left")

SERVICES = ["compute", "volume"]
VERSIONS = {"compute": "/v2.1", "volume": "/v3"}
COLLECTIONS = {"compute": "/v2.1/servers", "volume": "/v3/volumes"}
BODY_LIMIT = 1 << 20


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    """Either gateway."""
    name: str = request.param
    return name


@pytest.fixture
def wire(service: str, sandbox: Sandbox, tenant: Client) -> Wire:
    """Connections of the tenant's to a gateway."""
    return connect(sandbox, service, tenant.token)


def connect(sandbox: Sandbox, service: str, token: str) -> Wire:
    """Make a wire to a gateway."""
    url = urlsplit(sandbox.facts["top"][f"{service}_url"])
    assert url.hostname is not None
    assert url.port is not None
    return Wire(url.hostname, url.port, token)


def creation(service: str, **more: Any) -> dict[str, Any]:
    """Return a body that would make something if it were sent in order."""
    if service == "compute":
        return {"server": {"name": "unwanted", "imageRef": "", "flavorRef": "1", **more}}
    return {"volume": {"name": "unwanted", "size": 1, **more}}


def encoded(service: str, **more: Any) -> bytes:
    """Return such a body as bytes."""
    return json.dumps(creation(service, **more)).encode()


def refused(answers: list[Answer], *statuses: int) -> None:
    """See that there is one answer, a refusal, after which nothing more was read."""
    assert [answer.status for answer in answers] in [[status] for status in statuses or (400,)]


class TestLengths:
    def test_two_that_differ_are_refused(self, wire: Wire, service: str) -> None:
        body = encoded(service)
        lines = (f"Content-Length: {len(body)}", "Content-Length: 3")
        refused(wire.request("POST", COLLECTIONS[service], *lines, body=body))

    def test_a_length_that_is_no_number_is_refused(self, wire: Wire, service: str) -> None:
        for length in ("-1", "+5", "0x10", "1e3", "5, 6", "99999999999999999999999"):
            refused(wire.request("POST", COLLECTIONS[service], f"Content-Length: {length}", body=b"{}{}{"))

    def test_more_than_there_is_makes_nothing(self, wire: Wire, service: str) -> None:
        body = encoded(service)
        answers = wire.request(
            "POST", COLLECTIONS[service], f"Content-Length: {len(body) + 10}", body=body, hang_up=True
        )
        assert [answer.status for answer in answers] in ([], [400])

    def test_less_than_there_is_cuts_the_body(self, wire: Wire, service: str) -> None:
        body = encoded(service)
        length = f"Content-Length: {len(body) - 1}"
        answer = wire.request("POST", COLLECTIONS[service], length, body=body)[0]
        assert answer.fault == ("badRequest", "Malformed request body")

    @pytest.mark.parametrize("order", [1, -1], ids=["length first", "encoding first"])
    def test_beside_a_transfer_encoding_are_refused_and_end_the_connection(
        self, wire: Wire, service: str, order: int
    ) -> None:
        """As RFC 9112, section 6.3, advises."""
        body = chunked(encoded(service, availability_zone="nowhere"))
        head = (
            f"POST {COLLECTIONS[service]} HTTP/1.1",
            f"Host: {wire.host}",
            f"X-Auth-Token: {wire.token}",
            "Content-Type: application/json",
            *["Content-Length: 6", "Transfer-Encoding: chunked"][::order],
        )
        hidden = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        refused(wire.send("\r\n".join([*head, "", ""]).encode() + body + hidden), 400, 411)

    @pytest.mark.parametrize(
        "coding", ["gzip", "chunked, gzip", "identity", "xchunked", "chunked, chunked", "\x0bchunked"]
    )
    def test_an_encoding_that_is_not_chunked_is_refused(self, wire: Wire, service: str, coding: str) -> None:
        body = chunked(encoded(service))
        answers = wire.request("POST", COLLECTIONS[service], f"Transfer-Encoding: {coding}", body=body)
        refused(answers, 400, 411, 501)

    @pytest.mark.parametrize("size", [10, 1 << 16], ids=["small", "over the limit"])
    def test_chunks_are_refused(self, wire: Wire, service: str, size: int) -> None:
        body = chunked(*[b" " * size] * 17, encoded(service))
        answer = wire.request("POST", COLLECTIONS[service], "Transfer-Encoding: chunked", body=body)[0]
        assert answer.status == 411
        assert "Content-Length" in answer.fault[1]

    def test_a_second_request_hidden_in_a_body_is_not_served(self, wire: Wire, service: str) -> None:
        hidden = f"GET {VERSIONS[service]} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        answers = wire.request("POST", COLLECTIONS[service], f"Content-Length: {len(hidden)}", body=hidden)
        refused(answers)


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [b"{", b"", b"[]", b"null", b'"server"', b"\xff\xfe", b"[" * 100_000, b'{"server": NaN}', b"{}{}"],
        ids=["cut", "empty", "list", "null", "text", "no UTF-8", "deep", "NaN", "two"],
    )
    def test_that_are_not_json_or_no_object_are_refused(self, wire: Wire, service: str, body: bytes) -> None:
        answer = wire.one("POST", COLLECTIONS[service], f"Content-Length: {len(body)}", body=body)
        assert answer.status == 400
        assert answer.fault[0] == "badRequest"

    @pytest.mark.parametrize("member", [None, [], "text", 5])
    def test_whose_envelope_holds_no_object_are_refused(
        self, wire: Wire, service: str, member: object
    ) -> None:
        (envelope,) = creation(service)
        answer = wire.one("POST", COLLECTIONS[service], body=json.dumps({envelope: member}).encode())
        assert answer.status == 400
        assert answer.fault[0] == "badRequest"

    def test_over_the_limit_are_refused_before_they_are_sent(self, wire: Wire, service: str) -> None:
        head = (
            f"POST {COLLECTIONS[service]} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {wire.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n"
        )
        answer = wire.send(head.encode())[0]
        assert answer.status == 413
        assert answer.fault[0] == "overLimit"

    def test_of_another_type_are_refused(self, wire: Wire, service: str) -> None:
        answer = wire.one(
            "POST", COLLECTIONS[service], "Content-Type: application/xml", body=encoded(service)
        )
        assert answer.status == 415
        assert answer.fault[0] == "badMediaType"


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/../v2.1/servers",
            "{collection}/../servers",
            "{collection}/%2e%2e/servers",
            "{collection}/..%2fservers",
            "{collection}/%2E%2E%2Fos-services",
            "{collection}/a%5cb",
            "{collection}/a\\b",
            "{collection}//detail",
            "//{collection}",
            "{collection}/./detail",
            "{collection}/%00",
            "{collection}/a%0d%0aX-Injected:%20yes",
            "{collection}/{id}/../../os-services",
            "{collection}/{id}/%2e%2e/%2e%2e/os-services",
        ],
    )
    def test_that_could_be_read_in_two_ways_are_refused(
        self, wire: Wire, service: str, population: Population, path: str
    ) -> None:
        things = population.servers if service == "compute" else population.volumes
        answer = wire.one("GET", path.format(collection=COLLECTIONS[service], id=things["b"].id))
        assert answer.status in {400, 404}
        assert answer.fault[0] in {"badRequest", "itemNotFound"}
        assert "x-injected" not in answer.headers

    def test_with_an_encoded_slash_are_those_with_a_plain_one(
        self, wire: Wire, service: str, sandbox: Sandbox, population: Population
    ) -> None:
        """Nobody can tell the two apart behind granian, and so nobody does: neither the top nor the site."""
        things = population.servers if service == "compute" else population.volumes
        path = f"{COLLECTIONS[service]}/{things['b'].id}"
        plain = wire.one("GET", f"{path}/metadata")
        log = sandbox.directory / "log" / f"SiteTwo-{'nova' if service == 'compute' else 'cinder'}.log"
        with log.open(errors="replace") as said:
            said.seek(0, os.SEEK_END)
            encoded = wire.one("GET", f"{path}%2Fmetadata")
            asked = eventually(lambda: [line for line in said if things["b"].id in line], "the site's log")
        assert (encoded.status, encoded.body) == (plain.status, plain.body)
        assert all(f"{path}/metadata" in line for line in asked)

    @pytest.mark.parametrize(
        "item_id", ["abc", "1", "a%2fb", "%27%20OR%201=1", "a" * 300, "%C3%A9", "%25s", "{}"]
    )
    def test_with_an_id_that_is_none_are_not_found(self, wire: Wire, service: str, item_id: str) -> None:
        answer = wire.one("GET", f"{COLLECTIONS[service]}/{item_id}")
        assert answer.status == 404
        assert answer.fault[0] == "itemNotFound"

    @pytest.mark.parametrize(
        "target", ["http://127.0.0.1:1/v2.1/servers", "http://{address}:8774/v2.1/os-services"]
    )
    def test_that_name_a_host_lead_nowhere_else(
        self, wire: Wire, service: str, sandbox: Sandbox, target: str
    ) -> None:
        answer = wire.one("GET", target.format(address=sandbox.sites[0].address))
        assert answer.status in {200, 400, 404, 501}
        if answer.status == 200:
            assert answer.headers["x-openstack-request-id"].startswith("req-")
            assert sandbox.sites[0].address.encode() not in answer.body

    def test_without_end_are_refused(self, wire: Wire, service: str) -> None:
        refused(wire.request("GET", f"{COLLECTIONS[service]}/{'a' * 1_000_000}"), 400, 404, 414, 431)

    @pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "PROPFIND", "get"])
    def test_take_no_other_methods(self, wire: Wire, service: str, method: str) -> None:
        refused(wire.request(method, COLLECTIONS[service]), 400, 404, 405, 501)


class TestQueries:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=-1",
            "limit=many",
            "limit=1e3",
            "cursor=abc&marker=7a1c2b3d-0000-4000-8000-000000000000",
            "sort_key=password",
            "sort_key=name&sort_dir=sideways",
        ],
    )
    def test_that_make_no_sense_are_refused(self, wire: Wire, service: str, query: str) -> None:
        answer = wire.one("GET", f"{COLLECTIONS[service]}/detail?{query}")
        assert answer.status == 400
        assert answer.fault[0] == "badRequest"

    @pytest.mark.parametrize("marker", ["abc", "7a1c2b3d-0000-4000-8000-000000000000"])
    def test_with_a_marker_that_is_none_are_refused_as_the_service_does(
        self, wire: Wire, service: str, marker: str
    ) -> None:
        answer = wire.one("GET", f"{COLLECTIONS[service]}/detail?marker={marker}")
        assert answer.status == {"compute": 400, "volume": 404}[service]
        assert marker in answer.fault[1]

    @pytest.mark.parametrize("query", ["name=a%0d%0aX-Injected:%20yes", "name=%00", "name=\xe9", "a=%zz"])
    def test_go_to_the_site_as_text_only(self, wire: Wire, service: str, query: str) -> None:
        answer = wire.one("GET", f"{COLLECTIONS[service]}/detail?{query}")
        assert answer.status in {200, 400}
        assert "x-injected" not in answer.headers


class TestHeaders:
    @pytest.mark.parametrize(
        "lines",
        [
            ["X-Forwarded-Host: evil.example"],
            ["X-Forwarded-Proto: gopher", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /evil"],
            ["Forwarded: host=evil.example;proto=gopher"],
            ["X-Original-URL: /evil", "X-Rewrite-URL: /evil"],
        ],
    )
    def test_of_proxies_change_no_link(
        self, wire: Wire, service: str, population: Population, lines: list[str]
    ) -> None:
        plain = wire.one("GET", COLLECTIONS[service])
        assert plain.status == 200
        assert f"http://{wire.host}:{wire.port}{VERSIONS[service]}/".encode() in plain.body
        assert wire.one("GET", COLLECTIONS[service], *lines).body == plain.body

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:1@x", "x/../", "[::1", "a b"])
    def test_naming_another_host_change_no_link(
        self, wire: Wire, service: str, population: Population, host: str
    ) -> None:
        plain = wire.one("GET", COLLECTIONS[service])
        (answer,) = wire.request("GET", COLLECTIONS[service], host=host)
        assert answer.status in {200, 400}
        assert answer.status == 400 or answer.body == plain.body
        assert b"evil" not in answer.body

    @pytest.mark.parametrize(
        "lines",
        [
            ["X-Identity-Status: Confirmed", "X-Roles: admin", "X-Project-Id: 1", "X-User-Id: 1"],
            ["X-Service-Identity-Status: Confirmed", "X-Service-Roles: service", "X-Service-Token: made-up"],
        ],
    )
    def test_that_say_who_somebody_is_are_no_token(self, wire: Wire, service: str, lines: list[str]) -> None:
        stranger = Wire(wire.host, wire.port, "made-up")
        answer = stranger.one("GET", COLLECTIONS[service], *lines)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Keystone uri=")

    @pytest.mark.parametrize(
        "line",
        [
            "X-Roles: admin",
            "X-Service-Token: made-up",
            "X-Identity-Status: Invalid",
            "X-Service-Identity-Status: Confirmed",
            "X-Is-Admin-Project: True",
            "X-Project-Id: 00000000000000000000000000000000",
            "Openstack-System-Scope: all",
            "Connection: X-Auth-Token",
            "X-HTTP-Method-Override: DELETE",
        ],
    )
    def test_that_say_who_somebody_is_change_nothing(
        self, wire: Wire, service: str, population: Population, line: str
    ) -> None:
        plain = wire.one("GET", f"{COLLECTIONS[service]}/detail")
        assert wire.one("GET", f"{COLLECTIONS[service]}/detail", line).body == plain.body

    def test_do_not_make_a_tenant_an_administrator(
        self, sandbox: Sandbox, service: str, stranger: Client, population: Population
    ) -> None:
        wire = connect(sandbox, service, stranger.token)
        answer = wire.one(
            "GET",
            f"{COLLECTIONS[service]}/detail?all_tenants=1",
            "X-Roles: admin",
            "X-Identity-Status: Confirmed",
        )
        assert answer.status == 403 or answer.json[COLLECTIONS[service].split("/")[-1]] == []

    @pytest.mark.parametrize(
        "line",
        [
            "User-Agent: a\rX-Injected: yes",
            "User-Agent: a\nX-Injected: yes",
            "User-Agent: a\0b",
            "Accept: a\x01b",
            "OpenStack-API-Version: compute 2.1\x0b",
            "Bad Name: x",
            " Folded: x",
            "NoColon",
            ": nameless",
        ],
    )
    def test_that_are_none_are_refused_or_left_here(self, wire: Wire, service: str, line: str) -> None:
        (answer,) = wire.request("GET", COLLECTIONS[service], line)
        assert answer.status in {200, 400}
        assert "x-injected" not in answer.headers

    @pytest.mark.parametrize("version", ["\xff", "0.0", "99.99", "2.1, 2.2", "-1", "2." + "9" * 5000, ""])
    def test_that_ask_for_no_version_are_refused(self, wire: Wire, service: str, version: str) -> None:
        (answer,) = wire.request("GET", COLLECTIONS[service], f"OpenStack-API-Version: {service} {version}")
        assert answer.status in {200, 400, 406}

    def test_without_end_are_refused(self, wire: Wire, service: str) -> None:
        refused(wire.request("GET", COLLECTIONS[service], f"User-Agent: {'a' * 1_000_000}"), 400, 431)
        refused(wire.request("GET", COLLECTIONS[service], *["X-A: b"] * 5000), 400, 431)


class TestCreations:
    @pytest.mark.parametrize("zone", ["nowhere", "nova", "az1:host", "AZ1", "az1 ", "a" * 300])
    def test_in_an_unknown_zone_are_refused(self, wire: Wire, service: str, zone: str) -> None:
        answer = wire.one("POST", COLLECTIONS[service], body=encoded(service, availability_zone=zone))
        assert answer.status in {400, 403}
        assert answer.fault[0] in {"badRequest", "forbidden"}

    def test_from_volumes_of_two_sites_are_refused(
        self, sandbox: Sandbox, tenant: Client, population: Population
    ) -> None:
        devices = [
            {"boot_index": index, "uuid": population.volumes[letter].id, "source_type": "volume"}
            | {"destination_type": "volume"}
            for index, letter in enumerate("ab")
        ]
        wire = connect(sandbox, "compute", tenant.token)
        answer = wire.one("POST", "/v2.1/servers", body=encoded("compute", block_device_mapping_v2=devices))
        assert answer.status == 400
        name, message = answer.fault
        assert name == "badRequest"
        assert "SiteOne" in message
        assert "SiteTwo" in message

    def test_that_the_site_refuses_are_refused_in_its_words(
        self, wire: Wire, service: str, population: Population
    ) -> None:
        answer = wire.one("POST", COLLECTIONS[service], body=encoded(service, name="n" * 300))
        assert answer.status == 400
        assert "255" in answer.fault[1] or "too long" in answer.fault[1]
