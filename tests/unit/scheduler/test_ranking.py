"""The order in which sites are tried."""

import random
from datetime import datetime, timedelta

import pytest

from tricircle.scheduler.ranking import Ranking
from tricircle.sites.node import Figures, Node, NodeState

NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # times of rows are naive
DRAWS = 4000


@pytest.fixture(autouse=True)
def _seed() -> None:
    random.seed(1)


def node(
    name: str, free: int, *, age: float | None = 0.0, state: NodeState | None = NodeState.UP, used: int = 1000
) -> Node:
    figures = Figures(0, 0, free + used, used, 0, 0, 0, 0)
    refreshed_at = None if age is None else NOON - timedelta(minutes=age)
    return Node(name, name, name, figures, refreshed_at, state, None, None)


def shares(*nodes: Node, sites: str = "ab", service_type: str = "compute") -> dict[str, float]:
    """Tell how often each site comes first."""
    known = {each.site_id: each for each in nodes}
    first = [
        min(sites, key=Ranking(known, list(sites), service_type, time=NOON).__call__) for _ in range(DRAWS)
    ]
    return {name: first.count(name) / DRAWS for name in sites}


def test_a_site_comes_first_as_often_as_its_share_of_the_room() -> None:
    assert shares(node("a", 3000), node("b", 1000)) == pytest.approx({"a": 0.75, "b": 0.25}, abs=0.03)


def test_where_nobody_has_looked_all_count_alike() -> None:
    assert shares() == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.03)


@pytest.mark.parametrize("age", [None, 10.1])
def test_a_site_of_which_nothing_is_known_counts_as_the_average(age: float | None) -> None:
    found = shares(node("a", 3000), node("b", 1000), node("c", 1, age=age), sites="abc")
    assert found == pytest.approx({"a": 3 / 6, "b": 1 / 6, "c": 2 / 6}, abs=0.03)


def test_the_average_is_that_of_the_sites_to_choose_from() -> None:
    found = shares(node("a", 1000), node("z", 1 << 30), sites="ab")
    assert found == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.03)


def test_figures_of_ten_minutes_ago_still_count() -> None:
    assert shares(node("a", 3000, age=10), node("b", 1000))["a"] == pytest.approx(0.75, abs=0.03)


def test_a_site_that_is_full_may_still_come_first_where_there_is_no_other() -> None:
    assert shares(node("a", -500), sites="a") == {"a": 1.0}
    assert shares(node("a", -500), node("b", 1 << 30))["b"] > 0.99


def test_a_site_that_is_down_comes_last_whatever_its_room() -> None:
    assert shares(node("a", 1 << 30, state=NodeState.DOWN), node("b", 1)) == {"a": 0.0, "b": 1.0}


def test_a_site_of_unknown_state_is_not_down() -> None:
    assert shares(node("a", 1000, state=None), node("b", 1000))["a"] == pytest.approx(0.5, abs=0.03)


def test_memory_says_nothing_of_volumes() -> None:
    found = shares(node("a", 1 << 30), node("b", 1), service_type="block-storage")
    assert found == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.03)
