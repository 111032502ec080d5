"""Routes in memory."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from tests.unit.clock import Clock

from tricircle.routing.cache import ABSENCE_TIME, RouteCache
from tricircle.routing.route import Route

SIZE = 3
TIME_TO_LIVE = 60.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> RouteCache:
    return RouteCache(SIZE, TIME_TO_LIVE, clock=clock)


def route(top_id: str, resource_type: str = "server", site_id: str = "site") -> Route:
    return Route(top_id, resource_type, site_id, top_id, "project", None)


def test_a_route_is_kept_under_type_and_id(cache: RouteCache) -> None:
    kept = route("1")
    cache.put(kept)
    assert cache.get("server", "1") is kept
    assert cache.get("server", "2") is None
    assert cache.get("volume", "1") is None


def test_the_last_route_put_counts(cache: RouteCache) -> None:
    cache.put(route("1", site_id="one"))
    cache.put(route("1", site_id="two"))
    assert cache.get("server", "1") == route("1", site_id="two")


def test_a_dropped_route_is_gone(cache: RouteCache) -> None:
    cache.put(route("1"))
    cache.drop("server", "1")
    cache.drop("server", "1")
    assert cache.get("server", "1") is None


def test_a_route_is_kept_for_its_time(cache: RouteCache, clock: Clock) -> None:
    cache.put(route("1"))
    clock.time = TIME_TO_LIVE - 0.001
    assert cache.get("server", "1") is not None
    clock.time = TIME_TO_LIVE
    assert cache.get("server", "1") is None


def test_reading_does_not_make_a_route_younger(cache: RouteCache, clock: Clock) -> None:
    cache.put(route("1"))
    clock.time = TIME_TO_LIVE / 2
    assert cache.get("server", "1") is not None
    clock.time = TIME_TO_LIVE
    assert cache.get("server", "1") is None


def test_the_route_used_longest_ago_makes_room(cache: RouteCache) -> None:
    for top_id in ("1", "2", "3"):
        cache.put(route(top_id))
    cache.get("server", "1")
    cache.put(route("4"))
    assert {top_id for top_id in "1234" if cache.get("server", top_id)} == {"1", "3", "4"}


def test_no_time_keeps_nothing() -> None:
    cache = RouteCache(SIZE, 0)
    cache.put(route("1"))
    cache.put_absent("server", "2", "project")
    assert cache.get("server", "1") is None
    assert not cache.is_absent("server", "2", "project")


def test_a_vain_search_counts_for_its_project_only(cache: RouteCache) -> None:
    cache.put_absent("server", "1", "project")
    assert cache.is_absent("server", "1", "project")
    assert not cache.is_absent("server", "1", "other")
    assert not cache.is_absent("server", "1", None)
    assert not cache.is_absent("volume", "1", "project")


def test_a_vain_search_counts_for_a_short_time(cache: RouteCache, clock: Clock) -> None:
    cache.put_absent("server", "1", "project")
    clock.time = ABSENCE_TIME - 0.001
    assert cache.is_absent("server", "1", "project")
    clock.time = ABSENCE_TIME
    assert not cache.is_absent("server", "1", "project")


def test_vain_searches_take_no_room_from_routes(cache: RouteCache) -> None:
    cache.put(route("1"))
    for number in range(10 * SIZE):
        cache.put_absent("server", str(number), "project")
    assert cache.get("server", "1") is not None
    assert sum(cache.is_absent("server", str(number), "project") for number in range(10 * SIZE)) == SIZE


def test_threads_may_use_it_at_once(cache: RouteCache) -> None:
    def use(number: int) -> None:
        for step, what in product(range(200), ("server", "volume")):
            top_id = str((number + step) % 5)
            cache.put(route(top_id, what))
            found = cache.get(what, top_id)
            assert found is None or found.top_id == top_id
            cache.drop(what, top_id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    assert all(cache.get(what, str(number)) is None for what in ("server", "volume") for number in range(5))
