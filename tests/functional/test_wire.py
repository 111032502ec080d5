"""What only a real socket can send, to gateways served by granian as operators run them.

Whatever it is, no site may be asked for anything by it, and the gateway must go on serving.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.fakes.cloud import COMPUTE_ROOT, PATIENT, PROJECT, VOLUME_ROOT, Cloud
from tests.functional.api import received
from tests.functional.gateway import Served

LIMIT = 8192
EVIL = "evil.example.com"
SMUGGLED = "deadbeef-0000-4000-8000-000000000000"


@dataclass
class Front:
    """A served gateway, and what is sent to it."""

    cloud: Cloud
    served: Served
    collection: str
    root: str
    body: bytes

    @property
    def path(self) -> str:
        """The collection's path."""
        return f"/{'v2.1' if self.collection == 'servers' else 'v3'}/{self.collection}"

    def request(
        self, method: str, target: str, *lines: str, body: bytes = b"", host: str | None = "gateway"
    ) -> bytes:
        """Write a request: with a good token, and exactly these lines beside."""
        head = [f"{method} {target} HTTP/1.1"]
        if host is not None:
            head.append(f"Host: {host}")
        head += [f"X-Auth-Token: {self.cloud.member.id}", "Connection: close", *lines]
        return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body

    def post(self, *lines: str, body: bytes | None = None) -> bytes:
        """Write a creation."""
        return self.request(
            "POST",
            self.path,
            "Content-Type: application/json",
            *lines,
            body=self.body if body is None else body,
        )

    def smuggled(self) -> bytes:
        """Write a request that hides behind the end of another one's body."""
        return self.request("DELETE", f"{self.path}/{SMUGGLED}")

    def asked(self) -> list[tuple[str, str, str]]:
        """What sites have been asked, by the requests of this test."""
        return received(list(self.cloud.sites.values()))

    def changed(self) -> list[tuple[str, str, str]]:
        """What sites have been asked to change."""
        return [request for request in self.asked() if request[1] not in {"GET", "HEAD"}]

    def assert_alive(self) -> None:
        """Check that a good request is still answered."""
        assert status(self.served.send(self.request("GET", self.path))) == 200


@pytest.fixture(scope="module", params=["compute", "volume"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A gateway for all tests here."""
    options = {**PATIENT, "api": {"max_body_size": LIMIT}}
    cloud = Cloud(tmp_path_factory.mktemp(request.param), options=options)
    cloud.start()
    for name, zone in (("SiteOne", "az1"), ("SiteTwo", "az2")):
        cloud.add_site(name, zone)
    served = Served(cloud, f"tricircle.wsgi.{request.param}:application")
    try:
        served.start()
        body: dict[str, object] = {"name": "n", "flavorRef": "1", "imageRef": "i", "availability_zone": "az1"}
        if request.param == "volume":
            body = {"name": "n", "size": 1, "availability_zone": "az1"}
        item = "server" if request.param == "compute" else "volume"
        root = COMPUTE_ROOT if request.param == "compute" else VOLUME_ROOT
        yield Front(cloud, served, f"{item}s", root, json.dumps({item: body}).encode())
    finally:
        served.stop()
        cloud.stop()
    assert cloud.failures == []


@pytest.fixture
def front(running: Front) -> Iterator[Front]:
    """The gateway, with nothing recorded yet; it must be alive afterwards."""
    running.assert_alive()
    for site in running.cloud.sites.values():
        for service in site.services:
            service.requests.clear()
    yield running
    running.assert_alive()


def status(answer: bytes) -> int:
    """The status of the first answer; 0 where there is none."""
    match = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(match[1]) if match else 0


def assert_refused(answer: bytes) -> None:
    """Check that the client is refused, or hung up on."""
    assert status(answer) == 0 or 400 <= status(answer) < 500, answer[:200]


def test_a_good_creation_is_made(front: Front) -> None:
    answer = front.served.send(front.post(f"Content-Length: {len(front.body)}"))
    assert status(answer) == 202
    assert [method for _, method, _ in front.changed()] == ["POST"]


class TestLength:
    @pytest.mark.parametrize("length", ["-1", "x", "1e3", "+5", "0x10", "5 6", "", "99999999999999999999999"])
    def test_that_is_no_number(self, front: Front, length: str) -> None:
        assert_refused(front.served.send(front.post(f"Content-Length: {length}"), finish=True))
        assert front.changed() == []

    def test_given_twice_and_different(self, front: Front) -> None:
        size = len(front.body)
        for lengths in ((size, 0), (0, size), (size, size + 5), (5, size)):
            lines = [f"Content-Length: {length}" for length in lengths]
            assert_refused(front.served.send(front.post(*lines), finish=True))
        assert front.changed() == []

    def test_given_twice_in_one_line(self, front: Front) -> None:
        size = len(front.body)
        assert_refused(front.served.send(front.post(f"Content-Length: {size}, 0"), finish=True))
        assert front.changed() == []

    def test_longer_than_the_body(self, front: Front) -> None:
        size = len(front.body) + 50
        assert_refused(front.served.send(front.post(f"Content-Length: {size}"), finish=True))
        assert front.changed() == []

    def test_shorter_than_the_body(self, front: Front) -> None:
        """What follows is another request, without a token: it gets nowhere."""
        tail = f"DELETE {front.path}/{SMUGGLED} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        data = front.post(f"Content-Length: {len(front.body)}", body=front.body + tail)
        front.served.send(data.replace(b"Connection: close\r\n", b""), 1.0)
        assert [method for _, method, _ in front.changed()] == ["POST"]
        assert [target for _, _, target in front.asked() if SMUGGLED in target] == []

    def test_beside_chunks(self, front: Front) -> None:
        """Two ways to tell the end, of which two parsers may choose differently (RFC 9112, section 6.1)."""
        for lines in (
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ):
            front.served.send(front.post(*lines, body=b"0\r\n\r\n" + front.smuggled()), 1.0)
        assert front.changed() == []

    def test_of_a_body_over_the_limit(self, front: Front) -> None:
        body = front.body[:-2] + b', "x": "' + b"x" * LIMIT + b'"}}'
        answer = front.served.send(front.post(f"Content-Length: {len(body)}", body=body))
        assert status(answer) == 413
        assert b"overLimit" in answer
        assert front.changed() == []

    def test_of_a_body_over_the_limit_that_is_never_sent(self, front: Front) -> None:
        start = time.monotonic()
        answer = front.served.send(front.post(f"Content-Length: {10**12}", body=b"{"), 5.0, finish=True)
        assert status(answer) in {0, 400, 413}
        assert time.monotonic() - start < 5.0
        assert front.changed() == []


class TestChunks:
    @pytest.mark.parametrize(
        "coding",
        [
            "xchunked",
            "chunked, identity",
            "identity, chunked",
            "chunked, chunked",
            "CHUNKED\x0b",
            "gzip",
            "\tchunked\x00",
        ],
    )
    def test_of_a_strange_coding(self, front: Front, coding: str) -> None:
        data = front.post(f"Transfer-Encoding: {coding}", body=b"0\r\n\r\n" + front.smuggled())
        front.served.send(data, 1.0, finish=True)
        assert front.changed() == []

    @pytest.mark.parametrize(
        "chunks", [b"x\r\nabc\r\n0\r\n\r\n", b"-1\r\n\r\n", b"ffffffffffffffffff\r\n", b"5\r\nab", b""]
    )
    def test_that_are_broken(self, front: Front, chunks: bytes) -> None:
        data = front.post("Transfer-Encoding: chunked", body=chunks)
        answer = front.served.send(data, finish=True)
        assert status(answer) < 500 or status(answer) == 0
        assert front.changed() == []

    @pytest.mark.parametrize("last", [b"0\r\n\r\n", b""])
    def test_are_refused_as_the_last_one_may_be_missing(self, front: Front, last: bytes) -> None:
        chunks = b"%x\r\n%s\r\n%s" % (len(front.body), front.body, last)
        data = front.post("Transfer-Encoding: chunked", body=chunks)
        answer = front.served.send(data, finish=not last)
        assert status(answer) == 411, answer
        assert front.changed() == []


class TestHeaderLines:
    @pytest.mark.parametrize(
        "line",
        [
            "X-A: b\r\n\tX-Service-Token: folded",
            "X-A: b\rX-Injected: yes",
            "X-A: b\nX-Injected: yes",
            "X-A\x00: b",
            "X-A: \x00",
            "X A: b",
            "X-A : b",
            " X-A: b",
            ": b",
            "no colon",
            "X-Auth-Token: second",
            "User-Agent: \xff\xfe",
            "OpenStack-API-Version: compute 2.1\x01",
        ],
    )
    def test_that_are_none_reach_no_site(self, front: Front, line: str) -> None:
        answer = front.served.send(front.request("GET", front.path, line))
        assert status(answer) < 500
        for site in front.cloud.sites.values():
            for service in site.services:
                for request in service.requests:
                    assert request.header("X-Injected") is None
                    assert request.header("X-Service-Token") != "folded"
                    assert [text for _, text in request.headers if any(ord(sign) < 32 for sign in text)] == []

    @pytest.mark.parametrize("line", ["X_Auth_Token: other", "X_Service_Token: other", "Content_Length: 5"])
    def test_with_underscores_are_not_taken_for_others(self, front: Front, line: str) -> None:
        """CGI names (PEP 3333) do not tell `X_Auth_Token` from `X-Auth-Token`."""
        name, _, value = line.partition(": ")
        front.served.send(front.request("GET", front.path, line))
        for site in front.cloud.sites.values():
            for service in site.services:
                for request in service.requests:
                    assert request.header(name.replace("_", "-")) != value
                    assert request.header(name) is None

    def test_in_great_number_or_size_are_refused(self, front: Front) -> None:
        for lines in ([f"X-{number}: x" for number in range(2000)], ["X-A: " + "x" * 1_000_000]):
            assert_refused(front.served.send(front.request("GET", front.path, *lines)))


class TestHost:
    @pytest.mark.parametrize(
        "host",
        [
            EVIL,
            f"{EVIL}:1",
            f"user@{EVIL}",
            "",
            f"gateway\r\nHost: {EVIL}",
            f"{EVIL}/path?x#",
            "[::1]",
            "a b",
        ],
    )
    def test_has_no_part_in_links(self, front: Front, host: str) -> None:
        answer = front.served.send(front.request("GET", "/", host=host))
        assert status(answer) < 500
        assert EVIL.encode() not in answer
        if status(answer) == 200:
            assert front.root.encode() in answer

    def test_may_be_missing(self, front: Front) -> None:
        assert status(front.served.send(front.request("GET", front.path, host=None))) in {200, 400}

    @pytest.mark.parametrize("target", [f"http://{EVIL}PATH", f"//{EVIL}PATH", f"http://{EVIL}@gatewayPATH"])
    def test_in_the_target_has_none_either(self, front: Front, target: str) -> None:
        answer = front.served.send(front.request("GET", target.replace("PATH", front.path)))
        assert status(answer) < 500
        assert EVIL.encode() not in answer


class TestTargets:
    @pytest.mark.parametrize(
        "tail",
        [
            "/../os-hypervisors",
            "/x/../../os-hypervisors",
            "/%2e%2e/os-hypervisors",
            "/..%2fos-hypervisors",
            "/%2e%2e%2fos-hypervisors",
            "/x%2f..%2f..%2fos-hypervisors",
            "/x%5c..%5c..%5cos-hypervisors",
            "/%252e%252e%252fos-hypervisors",
            "/%c0%ae%c0%ae/os-hypervisors",
            "/KNOWN%2f..%2f..%2fos-hypervisors",
            "/KNOWN/metadata/%2e%2e",
            "/KNOWN/metadata/..%2f..%2f..%2fos-hypervisors",
            "/KNOWN/../../os-hypervisors",
            "/KNOWN%00",
            "/KNOWN%0d%0aX-Injected:%20yes",
            "/KNOWN;x=y/../../os-hypervisors",
            "/KNOWN//..//..//os-hypervisors",
            "/KNOWN%23",
            "/KNOWN%3fall_tenants=1",
        ],
    )
    def test_that_climb_or_hide_reach_no_site(self, front: Front, tail: str) -> None:
        known = self._known(front)
        for site in front.cloud.sites.values():
            for service in site.services:
                service.requests.clear()
        answer = front.served.send(front.request("GET", front.path + tail.replace("KNOWN", known)))
        assert status(answer) in {400, 404}, answer
        assert front.asked() == []

    @pytest.mark.parametrize(
        "line",
        [
            "GET",
            "GET /",
            "GET / HTTP/9.9",
            "GET / HTTP/1.1 x",
            "GET\t/\tHTTP/1.1",
            "\x00\x01\x02",
            "PRI * HTTP/2.0",
            "",
        ],
    )
    def test_request_lines_that_are_none(self, front: Front, line: str) -> None:
        answer = front.served.send(
            f"{line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"), 3.0, finish=True
        )
        assert status(answer) < 500
        assert front.asked() == []

    @pytest.mark.parametrize("method", ["CONNECT", "TRACE", "BREW", "get"])
    def test_methods_that_nobody_has(self, front: Front, method: str) -> None:
        assert_refused(front.served.send(front.request(method, front.path)))
        assert front.asked() == []

    def test_one_that_is_far_too_long(self, front: Front) -> None:
        assert_refused(front.served.send(front.request("GET", f"{front.path}/{'x' * 1_000_000}")))
        assert front.asked() == []

    @staticmethod
    def _known(front: Front) -> str:
        site = front.cloud.sites["SiteOne"]
        if front.collection == "servers":
            return site.compute.add_server(PROJECT).id
        return site.volume.add_volume(PROJECT).id
