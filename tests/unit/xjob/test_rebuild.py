"""A site's routes, learnt from its lists."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from oslo_config import cfg
from tests.unit.xjob.holding import A, Hand, server, uuid, volume

from tricircle.db.engine import Database
from tricircle.db.tables import routes as table
from tricircle.db.timestamps import now
from tricircle.errors import LeaseLost, SiteUnavailable
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.types import REBUILD
from tricircle.routing.route import Route
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob import homed
from tricircle.xjob.rebuild import rebuild

REQUEST = Request(REBUILD.name, "site", A.id, A.id)


@pytest.fixture
def hand(conf: cfg.ConfigOpts, database: Database, monkeypatch: pytest.MonkeyPatch) -> Hand:
    monkeypatch.setattr(homed, "PAGE", 3)
    hand = Hand(conf, database)
    for path in ("/v2.1/os-services", "/v3/os-services"):
        hand.holding.said[path] = {"services": []}
    return hand


@pytest.fixture
def age(database: Database) -> Callable[[], None]:
    """Make all routes old."""

    def work() -> None:
        with database.write() as connection:
            connection.execute(table.update().values(recorded_at=now() - timedelta(hours=1)))

    return work


def go(hand: Hand) -> Job:
    return hand.do(rebuild, REQUEST)[1]


def test_everything_that_a_site_lists_is_learnt(hand: Hand) -> None:
    hand.holding.items |= {
        "server": [server(n) for n in range(1, 9)],
        "server_group": [{"id": uuid(n), "project_id": "blue"} for n in range(10, 20)],
        "volume": [volume(n) for n in range(20, 24)],
        "snapshot": [
            {"id": uuid(30), "os-extended-snapshot-attributes:project_id": "red", "created_at": None}
        ],
        "attachment": [
            {"id": uuid(40), "volume_id": uuid(21)},
            {"id": uuid(41), "volume_id": uuid(99)},
        ],
    }
    job = go(hand)
    assert job.state is JobState.SUCCEEDED
    assert hand.routed() == {uuid(n) for n in (*range(1, 24), 30, 40, 41) if n != 9}
    assert {name: count for name, count in job.progress.items() if name != "step"} == {
        "servers": 8,
        "server_groups": 10,
        "volumes": 4,
        "snapshots": 1,
        "attachments": 2,
        "dropped": 0,
    }


def test_routes_know_whose_it_is_and_when_it_was_made(hand: Hand) -> None:
    hand.holding.items["volume"] = [volume(1, created_at="2026-01-31T12:00:00.000001")]
    hand.holding.items["attachment"] = [{"id": uuid(2), "volume_id": uuid(1)}]
    go(hand)
    (route,) = hand.routes.all(uuid(1))
    assert route.project_id == "blue"
    assert str(route.created_at) == "2026-01-31 12:00:00.000001"
    assert hand.routes.all(uuid(2)) == [Route(uuid(2), "attachment", A.id, uuid(2), "blue", None)]


def test_routes_of_what_is_gone_are_dropped(hand: Hand, age: Callable[[], None]) -> None:
    """In front of, within, between and behind the pages."""
    hand.holding.items["server"] = [server(n) for n in (2, 4, 6, 8, 10)]
    hand.record(*(uuid(n) for n in range(1, 16)))
    hand.record(uuid(50), kind="server_group")
    hand.record(uuid(60), kind="attachment")
    age()
    job = go(hand)
    assert hand.routed() == {uuid(n) for n in (2, 4, 6, 8, 10)}
    assert job.progress["dropped"] == 12
    assert job.cause == "12 routes were of resources that are gone."


def test_a_young_route_knows_better(hand: Hand) -> None:
    hand.record(uuid(1))
    go(hand)
    assert hand.routed() == {uuid(1)}


def test_what_a_list_leaves_out_and_the_site_has_keeps_its_route(hand: Hand, age: Callable[[], None]) -> None:
    hand.holding.items["server"] = [server(1), server(2), server(3)]
    hand.holding.hidden = {uuid(2)}
    hand.record(uuid(2), uuid(3))
    age()
    go(hand)
    assert hand.routed() == {uuid(1), uuid(2), uuid(3)}


def test_so_does_what_the_site_cannot_say_anything_of(hand: Hand, age: Callable[[], None]) -> None:
    hand.record(uuid(1), uuid(2))
    hand.holding.said[f"/v2.1/servers/{uuid(1)}"] = SiteUnavailable("the cell is down", site="a")
    age()
    go(hand)
    assert hand.routed() == {uuid(1)}


def test_other_sites_and_types_are_left_alone(
    hand: Hand, age: Callable[[], None], database: Database
) -> None:
    hand.holding.items["volume"] = [volume(1)]
    hand.record(uuid(1), kind="volume")
    hand.record(uuid(1), kind="server")
    age()
    go(hand)
    assert hand.routed("volume") == {uuid(1)}
    assert hand.routed("server") == set()


@pytest.mark.parametrize("path", ["/v2.1/os-services", "/v3/os-services"])
def test_who_is_no_administrator_learns_and_drops_nothing(
    hand: Hand, age: Callable[[], None], path: str
) -> None:
    """Such a one is shown a part of the volumes as if it were all."""
    hand.record(uuid(1), kind="volume")
    age()
    hand.holding.said[path] = SiteRefused("403", site="a", request_id=None, status=403)
    with pytest.raises(SiteRefused):
        go(hand)
    assert hand.routed() == {uuid(1)}


def test_servers_are_learnt_also_while_the_volume_service_is_away(hand: Hand) -> None:
    hand.holding.items["server"] = [server(1)]
    hand.holding.said["/v3/os-services"] = SiteUnavailable("no", site="a")
    with pytest.raises(SiteUnavailable):
        go(hand)
    assert hand.routed() == {uuid(1)}


def test_it_can_be_done_again_after_any_step(hand: Hand, age: Callable[[], None]) -> None:
    hand.holding.items["server"] = [server(n) for n in range(1, 8)]
    hand.holding.items["volume"] = [volume(n) for n in range(20, 24)]
    hand.record(uuid(15), uuid(16), kind="server")
    age()
    steps = 0
    done = False

    def die(name: str) -> None:
        if len(hand.steps) > steps:
            raise LeaseLost("killed")

    hand.before_step = die
    hand.requester.request(REQUEST)
    while not done:
        hand.steps.clear()
        steps += 1
        try:
            go(hand)
            done = True
        except LeaseLost:
            (running,) = [job for job in hand.jobs.page() if job.state is JobState.RUNNING]
            hand.jobs.cancel(running.id)
    assert steps > 5
    assert hand.routed() == {uuid(n) for n in (*range(1, 8), *range(20, 24))}
