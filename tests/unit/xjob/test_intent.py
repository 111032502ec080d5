"""What became of a create whose answer was lost."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from oslo_config import cfg
from tests.unit.xjob.holding import A, Hand, server, uuid, volume

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.errors import BadAnswer, BadRequest, SiteUnavailable
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.outcome import Outcome, Postponed, Succeeded
from tricircle.jobs.store import JobFilters
from tricircle.jobs.types import ADOPT, CLEAN_UP, INTENT, AdoptParameters, IntentParameters
from tricircle.routing.route import Route
from tricircle.xjob import homed
from tricircle.xjob.intent import find_made

HORIZON = timedelta(seconds=90)


@pytest.fixture
def hand(conf: cfg.ConfigOpts, database: Database) -> Hand:
    return Hand(conf, database)


def intent(
    kind: str = "server",
    name: str | None = "x",
    most: int = 1,
    facts: dict[str, Any] | None = None,
    age: timedelta = timedelta(seconds=1),
) -> Request:
    sent_at = (now() - age).isoformat()
    asked = IntentParameters(name, most, sent_at, facts or {})
    return Request(INTENT.name, kind, "the-intent", A.id, "blue", asked)


@pytest.mark.parametrize("sent_at", ["", "soon", "2026-13-01T00:00:00"])
def test_a_time_that_is_none_makes_no_sense(hand: Hand, sent_at: str) -> None:
    request = Request(INTENT.name, "server", "x", A.id, "blue", IntentParameters("x", 1, sent_at, {}))
    with pytest.raises(BadRequest, match="make no sense"):
        look(hand, request)


def test_a_time_with_its_zone_is_understood(hand: Hand) -> None:
    sent_at = (datetime.now(timezone(timedelta(hours=2))) - HORIZON / 2).isoformat()
    hand.holding.items["server"] = [server(1)]
    request = Request(INTENT.name, "server", "x", A.id, "blue", IntentParameters("x", 1, sent_at, {}))
    assert look(hand, request)[1].state is JobState.SUCCEEDED


def look(hand: Hand, request: Request | None = None) -> tuple[Outcome, Job]:
    return hand.do(find_made, request)


def test_what_was_made_gets_its_route(hand: Hand) -> None:
    made = server(1, facts={"flavor": {"id": "1"}, "image": {"id": "i"}})
    hand.holding.items["server"] = [made]
    outcome, job = look(hand, intent(facts={"flavor": {"id": "1"}, "image": {"id": "i"}}))
    assert isinstance(outcome, Succeeded)
    assert (job.state, job.cause) == (JobState.SUCCEEDED, f"Found {uuid(1)}.")
    (route,) = hand.routes.all(uuid(1))
    assert (route.site_id, route.project_id, route.resource_type) == (A.id, "blue", "server")
    assert route.created_at is not None


def test_a_volume_without_a_name_is_found_by_its_looks(hand: Hand) -> None:
    hand.holding.items["volume"] = [
        volume(1, None, size=2),
        volume(2, ""),
        volume(3, None, volume_type="slow"),
    ]
    look(hand, intent("volume", None, facts={"size": 1, "volume_type": "fast"}))
    assert hand.routed() == {uuid(2)}


@pytest.mark.parametrize(
    "other",
    [
        {"name": "y"},
        {"name": "x-1"},
        {"tenant_id": "red"},
        {"created": "2020-01-01T00:00:00Z"},
        {"created": None},
        {"flavor": {"id": "2"}},
        {"flavor": None},
        {"image": ""},
    ],
)
def test_what_was_not_asked_for_is_not_taken_for_it(hand: Hand, other: dict[str, Any]) -> None:
    made = server(1) | other
    if made["created"] is not None:  # else it would not be sorted
        hand.holding.items["server"] = [made]
    outcome, job = look(hand, intent(facts={"flavor": {"id": "1"}, "image": {"id": "i"}}))
    assert isinstance(outcome, Postponed)
    assert (job.state, job.attempts) == (JobState.WAITING, 0)
    assert hand.routed() == set()


def test_what_has_a_route_already_belongs_to_another_create(hand: Hand) -> None:
    hand.holding.items["server"] = [server(1)]
    hand.record(uuid(1))
    assert isinstance(look(hand, intent())[0], Postponed)
    hand.holding.items["server"].append(server(2))
    assert isinstance(look(hand)[0], Succeeded)
    assert hand.routed() == {uuid(1), uuid(2)}


def test_a_route_to_another_site_is_not_one_to_this(hand: Hand, database: Database) -> None:
    hand.holding.items["server"] = [server(1)]
    hand.routes.record([Route(uuid(1), "volume", A.id, uuid(1), "blue", None)])
    assert isinstance(look(hand, intent())[0], Succeeded)
    assert hand.routed("server") == {uuid(1)}


def test_no_more_are_recorded_than_were_asked_for_the_oldest_first(hand: Hand) -> None:
    times = ["2099-01-01T00:00:02Z", "2099-01-01T00:00:01Z", "2099-01-01T00:00:03Z"]
    hand.holding.items["server"] = [server(n, created=time) for n, time in enumerate(times)]
    look(hand, intent())
    assert hand.routed() == {uuid(1)}


def test_several_at_once_are_numbered_by_nova(hand: Hand) -> None:
    hand.holding.items["server"] = [server(1, "x-1"), server(2, "x-2"), server(3, "x-y"), server(4, "xx-1")]
    outcome, _ = look(hand, intent(most=3))
    assert isinstance(outcome, Postponed), "one may still come"
    assert hand.routed() == {uuid(1), uuid(2)}
    hand.holding.items["server"].append(server(5, "x-3"))
    assert isinstance(look(hand)[0], Succeeded)
    assert hand.routed() == {uuid(1), uuid(2), uuid(5)}


def test_of_several_the_one_that_the_answer_named_counts(hand: Hand) -> None:
    hand.holding.items["server"] = [server(1, "x-1"), server(2, "x-2")]
    hand.record(uuid(1))
    assert isinstance(look(hand, intent(most=2))[0], Succeeded)
    assert hand.routed() == {uuid(1), uuid(2)}


def test_the_ports_of_servers_that_are_found_are_adopted(hand: Hand) -> None:
    hand.networks.is_there = True
    hand.holding.items["server"] = [server(1, "x-1"), server(2, "x-2")]
    look(hand, intent(most=3))
    waiting = hand.jobs.page(JobFilters(type=ADOPT.name))
    assert {(job.resource_id, job.site_id, job.project_id, job.state) for job in waiting} == {
        (uuid(1), A.id, "blue", JobState.WAITING),
        (uuid(2), A.id, "blue", JobState.WAITING),
    }


@pytest.mark.parametrize("most", [1, 2])
def test_so_are_those_that_a_list_has_shown_to_the_client_before(hand: Hand, most: int) -> None:
    """Their routes were learnt from it, and nobody has their ports adopted."""
    hand.networks.is_there = True
    names = ["x"] if most == 1 else ["x-1", "x-2"]
    hand.holding.items["server"] = [server(number, name) for number, name in enumerate(names, 1)]
    hand.record(*(uuid(number) for number in range(1, most + 1)))
    look(hand, intent(most=most))
    waiting = hand.jobs.page(JobFilters(type=ADOPT.name))
    assert {job.resource_id for job in waiting} == {uuid(number) for number in range(1, most + 1)}
    if most == 1:
        for job in waiting:
            hand.jobs.cancel(job.id)
        look(hand)
        again = hand.jobs.page(JobFilters(type=ADOPT.name, state=JobState.WAITING))
        assert again == [], "once"


def test_fewer_than_the_most_may_have_been_made(hand: Hand) -> None:
    hand.holding.items["server"] = [server(1, "x-1")]
    outcome, job = look(hand, intent(most=2, age=HORIZON - timedelta(seconds=10)))
    assert isinstance(outcome, Postponed)
    outcome, job = look(hand, intent(most=2, age=HORIZON))
    assert (job.state, job.cause) == (JobState.SUCCEEDED, "No more than 1 were made.")


def test_waits_grow_until_it_counts_as_never_made(hand: Hand) -> None:
    waits = []
    for age in (0, 10, 60, 80):
        outcome, _ = look(hand, intent(age=timedelta(seconds=age)))
        assert isinstance(outcome, Postponed)
        waits.append(round(outcome.delay))
    assert waits == [2, 5, 30, 10], "the last look is when the time is over"
    _, job = look(hand, intent(age=HORIZON))
    assert (job.state, job.cause) == (JobState.SUCCEEDED, "It was never made.")


def test_a_site_that_has_answered_is_looked_at_for_a_few_seconds(hand: Hand) -> None:
    asked = IntentParameters("x", 1, now().isoformat(), {}, over_at=now().isoformat())
    outcome, _ = look(hand, Request(INTENT.name, "server", "x", A.id, "blue", asked))
    assert isinstance(outcome, Postponed)
    over_at = (now() - timedelta(seconds=5)).isoformat()
    asked = IntentParameters("x", 1, over_at, {}, over_at=over_at)
    _, job = look(hand, Request(INTENT.name, "server", "x", A.id, "blue", asked))
    assert (job.state, job.cause) == (JobState.SUCCEEDED, "It was never made.")


def test_where_none_was_made_what_was_brought_for_it_is_to_go(hand: Hand) -> None:
    old = (now() - HORIZON).isoformat()
    asked = IntentParameters("x", 1, old, {}, ("net1",), ("web",))
    look(hand, Request(INTENT.name, "server", "x", A.id, "blue", asked, request_id="req-1"))
    (job,) = hand.jobs.page(JobFilters(type=CLEAN_UP.name))
    assert CLEAN_UP.read(job.parameters) == AdoptParameters(("net1",), ("web",))
    assert (job.site_id, job.project_id, job.request_id) == (A.id, "blue", "req-1")


def test_where_one_was_made_it_stays(hand: Hand) -> None:
    hand.holding.items["server"] = [server(1)]
    hand.record(uuid(1))
    asked = IntentParameters("x", 1, (now() - HORIZON + timedelta(seconds=1)).isoformat(), {}, ("net1",))
    look(hand, Request(INTENT.name, "server", "x", A.id, "blue", asked))
    assert hand.jobs.page(JobFilters(type=CLEAN_UP.name)) == []


def test_the_list_is_read_no_further_than_the_request_is_old(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homed, "PAGE", 2)
    old = [server(n, created="2020-01-01T00:00:00Z") for n in range(9)]
    hand.holding.items["server"] = [*old, server(10, "y"), server(11, "y"), server(12)]
    assert isinstance(look(hand, intent())[0], Succeeded)
    assert hand.routed() == {uuid(12)}
    assert len(hand.holding.asked) == 2
    assert all("project_id=blue" in target for target in hand.holding.asked)


def test_a_clock_that_is_a_little_behind_does_not_hide_it(hand: Hand) -> None:
    time = (now() - timedelta(seconds=30)).isoformat(timespec="seconds")
    hand.holding.items["server"] = [server(1, created=f"{time}Z")]
    assert isinstance(look(hand, intent())[0], Succeeded)


@pytest.mark.parametrize(
    "document", [{}, {"servers": None}, {"servers": ["x"]}, {"servers": [{"name": "x"}]}]
)
def test_a_list_that_is_none_is_an_error(hand: Hand, document: dict[str, Any]) -> None:
    hand.holding.said["/v2.1/servers/detail"] = document
    with pytest.raises(BadAnswer):
        look(hand, intent())


def test_a_list_that_does_not_end_is_an_error(hand: Hand) -> None:
    document = {"servers": [server(1)], "servers_links": [{"rel": "next", "href": "x"}]}
    hand.holding.said["/v2.1/servers/detail"] = document
    with pytest.raises(BadAnswer, match="does not end"):
        look(hand, intent(name="y"))


def test_a_site_that_does_not_answer_is_the_workers_business(hand: Hand) -> None:
    hand.holding.said["/v2.1/servers/detail"] = SiteUnavailable("no", site="a")
    with pytest.raises(SiteUnavailable):
        look(hand, intent())
