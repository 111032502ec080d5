"""Routes of deleted resources."""

from typing import Any

import pytest
from oslo_config import cfg
from tests.unit.xjob.holding import A, Hand, server, uuid, volume

from tricircle.db.engine import Database
from tricircle.errors import BadAnswer
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.outcome import Postponed
from tricircle.jobs.types import AFTER_DELETE
from tricircle.routing.homed import HOMED
from tricircle.sites.service_calls import SiteAnswer
from tricircle.xjob import after_delete
from tricircle.xjob.after_delete import drop_route

ID = uuid(1)


@pytest.fixture
def hand(conf: cfg.ConfigOpts, database: Database) -> Hand:
    return Hand(conf, database)


def request(kind: str = "server") -> Request:
    return Request(AFTER_DELETE.name, kind, ID, A.id, "blue")


def look(hand: Hand, asked: Request | None = None) -> Job:
    return hand.do(drop_route, asked)[1]


@pytest.mark.parametrize("kind", HOMED)
def test_what_is_gone_loses_its_route(hand: Hand, kind: str) -> None:
    hand.record(ID, uuid(2), kind=kind)
    assert look(hand, request(kind)).state is JobState.SUCCEEDED
    assert hand.routed() == {uuid(2)}


def test_a_route_is_dropped_once(hand: Hand) -> None:
    assert look(hand, request()).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        ("server", server(1, **{"OS-EXT-STS:task_state": "deleting"})),
        ("volume", volume(1, status="deleting")),
    ],
)
def test_what_is_being_deleted_is_waited_for(hand: Hand, kind: str, item: dict[str, Any]) -> None:
    hand.record(ID, kind=kind)
    hand.holding.items[kind] = [item]
    job = look(hand, request(kind))
    for _ in range(10):
        job = look(hand)
    assert (job.state, job.attempts) == (JobState.WAITING, 0)
    assert hand.routed() == {ID}
    hand.holding.items[kind] = []
    assert look(hand).state is JobState.SUCCEEDED
    assert hand.routed() == set()


@pytest.mark.parametrize(
    ("kind", "item"), [("server", server(1)), ("volume", volume(1, status="error_deleting"))]
)
def test_what_the_site_keeps_keeps_its_route(hand: Hand, kind: str, item: dict[str, Any]) -> None:
    hand.record(ID, kind=kind)
    hand.holding.items[kind] = [item]
    delays = []
    outcome, job = hand.do(drop_route, request(kind))
    while isinstance(outcome, Postponed):
        delays.append(outcome.delay)
        outcome, job = hand.do(drop_route)
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert job.state is JobState.SUCCEEDED
    assert "refused or failed" in (job.cause or "")
    assert hand.routed() == {ID}


def test_a_delete_that_is_stuck_is_shown_to_the_operator(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_delete, "_PATIENCE", -after_delete._PATIENCE)
    hand.holding.items["volume"] = [volume(1, status="deleting")]
    assert look(hand, request("volume")).state is JobState.FAILED


def test_a_404_of_a_proxy_does_not_say_that_it_is_gone(hand: Hand) -> None:
    hand.record(ID)
    hand.holding.said[f"/v2.1/servers/{ID}"] = SiteAnswer(404, {}, None)
    with pytest.raises(BadAnswer):
        look(hand, request())
    assert hand.routed() == {ID}


def test_what_no_site_holds_is_parked(hand: Hand) -> None:
    assert look(hand, request("flavor")).state is JobState.FAILED
