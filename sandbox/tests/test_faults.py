"""Injected faults: the rules, and what the middleware does with them."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from sandbox import faults
from sandbox.layout import CINDER, NEUTRON, NOVA, Layout, Service
from sandbox.processes import site_process
from sandbox.serving.faults import FaultInjection

BODY = b"the answer of the service"


class Answer:
    """What a client gets."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.body = b""

    def start(
        self, status: str, headers: list[tuple[str, str]], _info: Any = None
    ) -> Callable[[bytes], object]:
        """Be WSGI's start_response."""
        self.status, self.headers = status, dict(headers)
        return lambda _: None


class Site:
    """A site with one service, in no process of its own."""

    def __init__(self, layout: Layout, service: Service) -> None:
        process = site_process(layout, layout.sites[0], service)
        self.file = Path(process.faults)
        self.served: list[str] = []
        self.computes = 0.0
        self.middleware = FaultInjection(self.application, process)

    def application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve as OpenStack would."""
        self.served.append(environ["PATH_INFO"])
        until = time.thread_time() + self.computes
        while time.thread_time() < until:
            pass
        start_response("200 OK", [("Content-Length", str(len(BODY)))])
        return [BODY]

    def get(self, path: str = "/v2.1/servers") -> Answer:
        """Make a request."""
        answer = Answer()
        answer.body = b"".join(self.middleware({"PATH_INFO": path}, answer.start))
        return answer


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with a Nova."""
    return Site(Layout(tmp_path, "127.77.5"), NOVA)


@pytest.fixture(autouse=True)
def run_directory(tmp_path: Path) -> None:
    """Where control files are."""
    (tmp_path / "run").mkdir()


def test_without_a_rule_the_service_answers(site: Site) -> None:
    assert site.get().body == BODY


def test_a_status_is_answered_in_the_services_own_shape_and_nothing_is_served(
    tmp_path: Path, site: Site
) -> None:
    faults.inject(site.file, None, "/", "status", 503)
    answer = site.get()
    assert answer.status == "503 Service Unavailable"
    assert json.loads(answer.body) == {"serviceUnavailable": {"code": 503, "message": "injected fault"}}
    neutron = Site(Layout(tmp_path, "127.77.5"), NEUTRON).get()
    assert set(json.loads(neutron.body)) == {"NeutronError"}
    assert site.served == []


def test_html_is_what_a_load_balancer_says(site: Site) -> None:
    faults.inject(site.file, "compute", "/", "html", None)
    answer = site.get()
    assert (answer.status, answer.headers["Content-Type"]) == ("502 Bad Gateway", "text/html")


def test_half_an_answer_is_shorter_than_it_promises_and_the_request_was_served(site: Site) -> None:
    faults.inject(site.file, "compute", "/", "half", None)
    answer = site.get()
    assert 0 < len(answer.body) < int(answer.headers["Content-Length"])
    assert site.served == ["/v2.1/servers"]


def test_a_delayed_request_is_served_late(site: Site) -> None:
    faults.inject(site.file, "compute", "/", "delay", 0.3)
    began = time.monotonic()
    assert site.get().body == BODY
    assert time.monotonic() - began >= 0.3


def test_a_slow_request_takes_so_many_times_what_it_computes(site: Site) -> None:
    site.computes = 0.05
    faults.inject(site.file, "compute", "/", "slow", 4.0)
    began = time.monotonic()
    assert site.get().body == BODY
    assert time.monotonic() - began >= 0.2


def test_a_hung_request_waits_for_as_long_as_the_fault_lasts_and_is_not_served(site: Site) -> None:
    faults.inject(site.file, "compute", "/", "hang", None)
    answers: list[Answer] = []
    client = threading.Thread(target=lambda: answers.append(site.get()), daemon=True)
    client.start()
    client.join(0.5)
    assert client.is_alive()
    faults.clear(site.file, None, "/")
    client.join(5)
    assert [answer.status for answer in answers] == ["503 Service Unavailable"]
    assert site.served == []


def test_a_rule_holds_for_its_service_and_path_and_the_longest_path_decides(
    tmp_path: Path, site: Site
) -> None:
    faults.inject(site.file, "compute", "/v2.1/servers", "status", 500)
    faults.inject(site.file, None, "/", "status", 503)
    assert site.get("/v2.1/servers/detail").status.startswith("500")
    assert site.get("/v2.1/flavors").status.startswith("503")
    faults.clear(site.file, None, "/")
    faults.inject(site.file, "volume", "/", "status", 503)
    assert site.get().body == BODY
    assert Site(Layout(tmp_path, "127.77.5"), CINDER).get().status.startswith("503")


def test_a_second_rule_for_the_same_place_replaces_the_first(site: Site) -> None:
    faults.inject(site.file, "compute", "/", "hang", None)
    faults.inject(site.file, "compute", "/", "delay", 2.0)
    assert faults.rules(site.file) == [{"type": "compute", "path": "/", "kind": "delay", "value": 2.0}]


def test_faults_end_where_they_are_told_to(site: Site) -> None:
    faults.inject(site.file, "compute", "/v2.1/servers", "html", None)
    faults.inject(site.file, "volume", "/", "hang", None)
    faults.clear(site.file, "compute", "/v2.1")
    assert [rule["type"] for rule in faults.rules(site.file)] == ["block-storage"]
    faults.clear(site.file, None, "/")
    assert faults.rules(site.file) == []
    assert site.get().body == BODY
