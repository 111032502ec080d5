"""Whether a site answers, and what it gets when it does so again."""

from collections.abc import Collection
from typing import Any

import pytest
from tests.fakes.worker import do_all
from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.errors import BadAnswer, DatabaseUnavailable, IdentityUnavailable, SiteUnavailable
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Failed
from tricircle.jobs.store import JobStore
from tricircle.sites.node import Node, NodeState
from tricircle.sites.node_store import NodeStore
from tricircle.sites.service_calls import ServiceCalls, SiteAnswer, SiteRefused
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine
from tricircle.xjob.site_check import check

A = site("a")
COMPUTE, STORAGE = "compute", "block-storage"
AWAY = SiteUnavailable("Site a cannot be reached.")


class Services:
    """What a site's services answer: nothing wrong, unless said otherwise.

    :param once: the first call fails, the next does not.
    """

    def __init__(self) -> None:
        self.trouble: dict[str, Exception] = {}
        self.once = False
        self.asked: list[str] = []

    def call(
        self,
        calls: ServiceCalls,
        site: Site,
        service_type: str,
        method: str,
        target: str,
        *,
        deadline: float,
        expected: Collection[int] = (),
    ) -> SiteAnswer:
        assert (site, method) == (A, "GET")
        assert deadline <= 10.0
        self.asked.append(service_type)
        if service_type in self.trouble:
            raise self.trouble.pop(service_type) if self.once else self.trouble[service_type]
        return SiteAnswer(200, {}, None)


@pytest.fixture
def services(database: Database, monkeypatch: pytest.MonkeyPatch) -> Services:
    write(database, A)
    services = Services()

    def call(calls: ServiceCalls, *args: Any, **named: Any) -> SiteAnswer:
        return services.call(calls, *args, **named)

    monkeypatch.setattr(ServiceCalls, "call", call)
    return services


def look(engine: Engine) -> Node:
    check(engine, A)
    (node,) = NodeStore(engine.database).page()
    return node


def asked_for(engine: Engine) -> list[str]:
    """Return the types of the jobs that wait."""
    jobs = JobStore(engine.database).page()
    return sorted(job.type for job in jobs if job.state is JobState.WAITING)


def test_a_site_that_answers_is_up_and_gets_what_it_missed(engine: Engine, services: Services) -> None:
    node = look(engine)
    assert (node.state, node.cause) == (NodeState.UP, None)
    assert services.asked == [COMPUTE, STORAGE]
    assert asked_for(engine) == ["catch_up", "node", "ports"]


def test_it_is_not_asked_for_as_long_as_the_site_stays_up(engine: Engine, services: Services) -> None:
    look(engine)
    do_all(
        engine, dict.fromkeys(["catch_up", "node"], lambda task: Failed("x", is_final=True)), may_fail=True
    )
    look(engine)
    assert asked_for(engine) == []


@pytest.mark.parametrize("trouble", [AWAY, BadAnswer("Site a gave no proper answer.")])
def test_a_site_whose_compute_service_is_silent_is_down(
    engine: Engine, services: Services, trouble: Exception
) -> None:
    services.trouble[COMPUTE] = trouble
    node = look(engine)
    assert (node.state, node.cause) == (NodeState.DOWN, str(trouble))
    assert asked_for(engine) == []


def test_what_both_services_say_is_said_once(engine: Engine, services: Services) -> None:
    services.trouble = {COMPUTE: AWAY, STORAGE: AWAY}
    assert look(engine).cause == AWAY.message


def test_a_site_is_told_of_on_one_line(
    engine: Engine, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    services.trouble[COMPUTE] = BadAnswer("Oops.\n<class 'Oops'>")
    assert look(engine).cause == "Oops. <class 'Oops'>"
    assert "Site a is down: Oops. <class 'Oops'>" in caplog.messages


def test_one_lost_answer_is_no_outage(engine: Engine, services: Services) -> None:
    services.trouble[COMPUTE] = AWAY
    services.once = True
    assert look(engine).state is NodeState.UP


def test_a_site_without_its_volume_service_is_up_and_says_so(engine: Engine, services: Services) -> None:
    services.trouble[STORAGE] = AWAY
    node = look(engine)
    assert (node.state, node.cause) == (NodeState.UP, AWAY.message)


def test_a_site_that_refuses_answers(engine: Engine, services: Services) -> None:
    services.trouble[COMPUTE] = SiteRefused("Site a said 403: no", site="a", request_id=None, status=403)
    node = look(engine)
    assert (node.state, node.cause) == (NodeState.UP, "Site a said 403: no")


def test_what_a_site_missed_is_asked_for_again_where_that_failed(
    engine: Engine, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(engine.requester, "request", away)
        with pytest.raises(DatabaseUnavailable):
            check(engine, A)
    look(engine)
    assert asked_for(engine) == ["catch_up", "node", "ports"]


def test_without_keystone_nothing_is_known(engine: Engine, services: Services) -> None:
    look(engine)
    services.trouble[COMPUTE] = IdentityUnavailable("no")
    with pytest.raises(IdentityUnavailable):
        check(engine, A)
    (node,) = NodeStore(engine.database).page()
    assert node.state is NodeState.UP


def test_what_was_parked_in_an_outage_is_done_when_it_is_over(engine: Engine, services: Services) -> None:
    def park(*ids: str) -> None:
        engine.requester.request(*(Request("after_delete", "server", job_id, A.id) for job_id in ids))
        do_all(engine, {"after_delete": lambda task: Failed("no", is_final=True)}, may_fail=True)

    look(engine)
    do_all(
        engine, dict.fromkeys(["catch_up", "node"], lambda task: Failed("x", is_final=True)), may_fail=True
    )
    park("before")
    services.trouble[COMPUTE] = AWAY
    look(engine)
    park("meanwhile", "too")
    services.trouble.clear()
    look(engine)
    waiting = {job.resource_id for job in JobStore(engine.database).page() if job.state is JobState.WAITING}
    assert waiting == {"meanwhile", "too", A.id}
