"""A site's capacity."""

from typing import Any

import pytest
from oslo_config import cfg
from tests.unit.xjob.holding import A, Hand

from tricircle.db.engine import Database
from tricircle.errors import BadAnswer, SiteUnavailable
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.types import NODE
from tricircle.sites.node import Figures, Node
from tricircle.sites.node_store import NodeStore
from tricircle.xjob.node import refresh

STATISTICS = {
    "count": 2,
    "current_workload": 0,
    "disk_available_least": None,
    "free_disk_gb": 980,
    "free_ram_mb": 12000,
    "local_gb": 1000,
    "local_gb_used": 20,
    "memory_mb": 16384,
    "memory_mb_used": 4384,
    "running_vms": 3,
    "vcpus": 32,
    "vcpus_used": 6,
}
UP = {"status": "enabled", "state": "up"}
SERVICES = [UP, UP, UP | {"status": "disabled"}, UP | {"state": "down"}]


@pytest.fixture
def hand(conf: cfg.ConfigOpts, database: Database) -> Hand:
    hand = Hand(conf, database)
    hand.holding.said = {
        "/v2.1/os-hypervisors/statistics": {"hypervisor_statistics": STATISTICS},
        "/v2.1/os-services": {"services": SERVICES},
        "/v3/os-services": {"services": [UP]},
    }
    return hand


@pytest.fixture
def nodes(database: Database) -> NodeStore:
    return NodeStore(database)


def go(hand: Hand) -> Job:
    return hand.do(refresh, Request(NODE.name, "site", A.id, A.id))[1]


def only(nodes: NodeStore) -> Node:
    (node,) = nodes.page()
    return node


def test_capacity_and_living_services_are_kept(hand: Hand, nodes: NodeStore) -> None:
    assert go(hand).state is JobState.SUCCEEDED
    node = only(nodes)
    assert (node.site_id, node.name) == (A.id, "a")
    assert node.figures == Figures(32, 6, 16384, 4384, 1000, 20, 3, services_up=3)
    assert node.refreshed_at is not None
    assert node.state is None, "whether it answers is for somebody else to say"


def test_without_hypervisors_there_is_no_room(hand: Hand, nodes: NodeStore) -> None:
    nothing: dict[str, Any] = dict.fromkeys(STATISTICS) | {"count": 0}
    hand.holding.said["/v2.1/os-hypervisors/statistics"] = {"hypervisor_statistics": nothing}
    go(hand)
    assert only(nodes).figures == Figures(0, 0, 0, 0, 0, 0, 0, services_up=3)


def test_without_the_volume_service_the_room_is_known_all_the_same(hand: Hand, nodes: NodeStore) -> None:
    hand.holding.said["/v3/os-services"] = SiteUnavailable("no endpoint", site="a")
    assert go(hand).cause == "Without the volume services: no endpoint"
    assert only(nodes).figures.services_up == 2


@pytest.mark.parametrize("path", ["/v2.1/os-hypervisors/statistics", "/v2.1/os-services", "/v3/os-services"])
def test_an_answer_that_is_none_leaves_what_was_known(hand: Hand, nodes: NodeStore, path: str) -> None:
    go(hand)
    before = nodes.page()
    hand.holding.said[path] = {"x": 1}
    with pytest.raises(BadAnswer):
        go(hand)
    assert nodes.page() == before
