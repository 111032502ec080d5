"""When a site is worth calling."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from oslo_config import cfg
from tests.unit.clock import Clock

from tricircle.errors import SiteUnavailable
from tricircle.sites.health import HealthBoard, SiteHealth

THRESHOLD = 3
COOLDOWN = 5.0
BOUND = 10.0
"""Seconds after which a wait of these tests has failed."""


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def health(clock: Clock) -> SiteHealth:
    return SiteHealth("a", threshold=THRESHOLD, cooldown=COOLDOWN, concurrency=4, clock=clock)


def call(health: SiteHealth, *, reached: bool) -> None:
    health.enter()
    health.leave(reached=reached)


def fail(health: SiteHealth, times: int = THRESHOLD) -> None:
    for _ in range(times):
        call(health, reached=False)


def lets_through(health: SiteHealth) -> bool:
    """Begin a call, which stays under way."""
    try:
        health.enter()
    except SiteUnavailable:
        return False
    return True


def test_a_site_not_called_yet_is_up(health: SiteHealth) -> None:
    assert health.is_up


def test_a_few_failures_do_not_open_the_breaker(health: SiteHealth) -> None:
    fail(health, THRESHOLD - 1)
    assert health.is_up
    call(health, reached=True)


def test_failures_one_after_the_other_open_it(health: SiteHealth) -> None:
    fail(health)
    assert not health.is_up
    with pytest.raises(SiteUnavailable) as caught:
        health.enter()
    assert caught.value.site == "a"
    assert caught.value.retry_after == COOLDOWN


def test_a_success_in_between_begins_the_count_anew(health: SiteHealth) -> None:
    fail(health, THRESHOLD - 1)
    call(health, reached=True)
    fail(health, THRESHOLD - 1)
    assert health.is_up


def test_it_stays_open_until_the_cooldown_is_over(health: SiteHealth, clock: Clock) -> None:
    fail(health)
    clock.time += COOLDOWN - 0.125
    assert not health.is_up
    assert not lets_through(health)
    clock.time += 0.125
    assert health.is_up


def test_after_the_cooldown_one_call_tries_the_site(health: SiteHealth, clock: Clock) -> None:
    fail(health)
    clock.time += COOLDOWN
    assert [lets_through(health), lets_through(health), lets_through(health)] == [True, False, False]
    assert not health.is_up


def test_a_trial_that_succeeds_closes_the_breaker(health: SiteHealth, clock: Clock) -> None:
    fail(health)
    clock.time += COOLDOWN
    call(health, reached=True)
    assert health.is_up
    assert [lets_through(health), lets_through(health)] == [True, True]


def open_for(health: SiteHealth, clock: Clock) -> float:
    """Wait until the breaker lets a call through, and let that one fail; return how long it took."""
    since = clock.time
    while not health.is_up:
        clock.time += 1.0
    call(health, reached=False)
    return clock.time - since


def test_each_trial_that_fails_doubles_the_cooldown_up_to_a_minute(health: SiteHealth, clock: Clock) -> None:
    fail(health)
    assert [open_for(health, clock) for _ in range(6)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_the_cooldown_is_counted_from_the_end_of_a_trial(health: SiteHealth, clock: Clock) -> None:
    """Else a site that hangs is tried without a pause."""
    fail(health)
    clock.time += COOLDOWN
    health.enter()
    clock.time += 60.0
    health.leave(reached=False)
    assert not health.is_up
    assert open_for(health, clock) == 2 * COOLDOWN


def test_after_a_success_the_cooldown_is_the_first_one_again(health: SiteHealth, clock: Clock) -> None:
    fail(health)
    open_for(health, clock)
    clock.time += 2 * COOLDOWN
    call(health, reached=True)
    fail(health)
    assert open_for(health, clock) == COOLDOWN


def test_calls_that_were_under_way_when_the_site_failed_are_no_trials(clock: Clock) -> None:
    """Else the busiest site is away the longest."""
    health = SiteHealth("a", threshold=THRESHOLD, cooldown=COOLDOWN, concurrency=24, clock=clock)
    for _ in range(24):
        health.enter()
    for _ in range(24):
        health.leave(reached=False)
    assert open_for(health, clock) == COOLDOWN


def test_nor_do_they_lengthen_the_cooldown_after_a_trial(health: SiteHealth, clock: Clock) -> None:
    with ThreadPoolExecutor(1) as another:
        another.submit(health.enter).result(BOUND)
        fail(health)
        clock.time += COOLDOWN
        call(health, reached=False)
        clock.time += COOLDOWN
        another.submit(health.leave, reached=False).result(BOUND)
    assert open_for(health, clock) == COOLDOWN


def test_a_trial_of_which_nothing_is_heard_does_not_keep_it_open_for_ever(
    health: SiteHealth, clock: Clock
) -> None:
    fail(health)
    clock.time += COOLDOWN
    assert lets_through(health)
    clock.time += 2 * COOLDOWN
    assert lets_through(health)


def test_a_place_that_gets_free_goes_to_a_call_that_waits(clock: Clock) -> None:
    health = SiteHealth("a", threshold=THRESHOLD, cooldown=COOLDOWN, concurrency=1, clock=clock)
    health.enter()
    waiting = threading.Event()

    def wait_for_a_place() -> bool:
        waiting.set()
        return lets_through(health)

    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(wait_for_a_place)
        assert waiting.wait(BOUND)
        health.leave(reached=True)
        assert second.result(BOUND)


def test_no_more_calls_are_under_way_than_there_are_places(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tricircle.sites.health.PATIENCE", 0.0)
    health = SiteHealth("a", threshold=THRESHOLD, cooldown=COOLDOWN, concurrency=2, clock=clock)
    assert [lets_through(health), lets_through(health)] == [True, True]
    with pytest.raises(SiteUnavailable, match="too many"):
        health.enter()
    assert health.is_up, "a full site is not a site that is down"


@pytest.mark.parametrize("reached", [True, False])
def test_every_call_gives_its_place_back(clock: Clock, reached: bool) -> None:
    health = SiteHealth("a", threshold=99, cooldown=COOLDOWN, concurrency=1, clock=clock)
    for _ in range(5):
        call(health, reached=reached)


@pytest.fixture
def board(conf: cfg.ConfigOpts) -> HealthBoard:
    conf.set_override("breaker_threshold", 1, group="sites")
    return HealthBoard(conf)


def test_each_site_has_a_health_of_its_own(board: HealthBoard) -> None:
    fail(board.of("1", "a"), 1)
    assert not board.of("1", "a").is_up
    assert board.of("2", "b").is_up


def test_a_renamed_site_keeps_its_health(board: HealthBoard) -> None:
    fail(board.of("1", "a"), 1)
    assert not board.of("1", "another").is_up


def test_all_threads_see_one_health(board: HealthBoard) -> None:
    everyone = threading.Barrier(8)

    def of() -> SiteHealth:
        everyone.wait(BOUND)
        return board.of("1", "a")

    with ThreadPoolExecutor(8) as threads:
        healths = [future.result(BOUND) for future in [threads.submit(of) for _ in range(8)]]
    assert len({id(health) for health in healths}) == 1
