"""Nodes in the database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.sites.node import Figures, NodeState
from tricircle.sites.node_store import NodeStore

pytestmark = pytest.mark.every_database

pytestmark = pytest.mark.every_database

A, B = site("a"), site("b")
FIGURES = Figures(
    vcpus=64,
    vcpus_used=3,
    memory_mb=1 << 20,
    memory_mb_used=4096,
    local_gb=1000,
    local_gb_used=20,
    running_vms=3,
    services_up=5,
)
NOTHING = Figures(0, 0, 0, 0, 0, 0, 0, 0)
MORNING = datetime(2026, 1, 31, 8)  # noqa: DTZ001  # times of rows are naive


class Times:
    """A clock that an hour passes on at each look."""

    def __init__(self) -> None:
        self.time = MORNING

    def __call__(self) -> datetime:
        self.time += timedelta(hours=1)
        return self.time


@pytest.fixture
def store(database: Database) -> NodeStore:
    write(database, A, B)
    return NodeStore(database, clock=Times())


def hour(number: int) -> datetime:
    return MORNING + timedelta(hours=number)


def test_figures_make_the_node_and_later_ones_replace_them(store: NodeStore) -> None:
    store.put(A.id, "a", NOTHING)
    store.put(A.id, "renamed", FIGURES)
    store.put(B.id, "b", NOTHING)
    first, second = store.page()
    assert (first.name, first.site_id, first.figures) == ("b", B.id, NOTHING)
    assert (second.name, second.site_id, second.figures) == ("renamed", A.id, FIGURES)
    assert (second.refreshed_at, second.state, second.state_since) == (hour(2), None, None)


def test_a_state_is_news_only_when_it_changes(store: NodeStore) -> None:
    assert store.set_state(A.id, up=False, cause="no answer")
    assert not store.set_state(A.id, up=False, cause="no route")
    (node,) = store.page()
    assert (node.name, node.figures, node.refreshed_at) == ("a", NOTHING, None)
    assert (node.state, node.state_since, node.cause) == (NodeState.DOWN, hour(1), "no route")
    assert store.set_state(A.id, up=True, cause=None)
    (node,) = store.page()
    assert (node.state, node.state_since, node.cause) == (NodeState.UP, hour(3), None)


def test_state_and_figures_leave_each_other_alone(store: NodeStore) -> None:
    store.put(A.id, "a", FIGURES)
    assert store.set_state(A.id, up=True, cause=None)
    store.put(A.id, "a", NOTHING)
    assert not store.set_state(A.id, up=True, cause=None)
    (node,) = store.page()
    assert (node.figures, node.refreshed_at) == (NOTHING, hour(3))
    assert (node.state, node.state_since) == (NodeState.UP, hour(2))


def test_a_site_that_is_gone_gets_no_node(store: NodeStore) -> None:
    store.put("gone", "gone", FIGURES)
    assert not store.set_state("gone", up=True, cause=None)
    assert store.page() == []


def test_of_many_who_find_a_change_one_is_told_that_it_is_news(database: Database, store: NodeStore) -> None:
    everyone = threading.Barrier(8)

    def find(up: bool) -> bool:
        everyone.wait(10)
        return NodeStore(database).set_state(A.id, up=up, cause=None)

    with ThreadPoolExecutor(8) as threads:
        for up in (False, True):
            told = [future.result(60) for future in [threads.submit(find, up) for _ in range(8)]]
            assert sorted(told) == [False] * 7 + [True]
    assert [node.site_id for node in store.page()] == [A.id]
