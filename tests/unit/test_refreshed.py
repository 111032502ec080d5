"""Values that are read again now and then."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.clock import Clock

from tricircle.errors import IdentityUnavailable
from tricircle.refreshed import Refreshed, in_background

INTERVAL = 10.0
BOUND = 10.0
"""Seconds after which a wait of these tests has failed."""


class Source:
    """What a value is read from: counts the readings, and fails while `error` is set."""

    def __init__(self) -> None:
        self.readings = 0
        self.error: Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self) -> int:
        self.readings += 1
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return self.readings


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def refreshed(source: Source, clock: Clock) -> Refreshed[int]:
    return Refreshed("the value", source, INTERVAL, clock=clock)


def test_a_failure_that_takes_longer_than_the_interval_is_not_every_readers(
    source: Source, clock: Clock, refreshed: Refreshed[int]
) -> None:
    assert refreshed.get() == 1
    source.error = IdentityUnavailable("does not even answer")
    source.meanwhile = lambda: setattr(clock, "time", clock.time + 2 * INTERVAL)
    clock.time = INTERVAL
    assert [refreshed.get() for _ in range(5)] == [1] * 5
    assert source.readings == 2


def test_nothing_is_read_before_somebody_asks(source: Source, refreshed: Refreshed[int]) -> None:
    assert source.readings == 0


def test_a_value_is_kept_until_the_interval_is_over(clock: Clock, refreshed: Refreshed[int]) -> None:
    assert refreshed.get() == 1
    clock.time = INTERVAL - 0.001
    assert refreshed.get() == 1
    clock.time = INTERVAL
    assert refreshed.get() == 2


def test_an_expired_value_is_read_again(refreshed: Refreshed[int]) -> None:
    refreshed.get()
    refreshed.expire()
    assert [refreshed.get(), refreshed.get()] == [2, 2]


def test_the_old_value_goes_on_while_reading_fails(
    source: Source, clock: Clock, refreshed: Refreshed[int]
) -> None:
    refreshed.get()
    source.error = IdentityUnavailable("down")
    clock.time = INTERVAL
    assert refreshed.get() == 1


def test_a_reading_that_failed_is_not_repeated_before_the_next_interval(
    source: Source, clock: Clock, refreshed: Refreshed[int]
) -> None:
    refreshed.get()
    source.error = IdentityUnavailable("down")
    clock.time = INTERVAL
    refreshed.get()
    refreshed.get()
    assert source.readings == 2
    source.error = None
    clock.time = 2 * INTERVAL
    assert refreshed.get() == 3


def test_the_first_failure_is_raised_and_it_is_tried_again_after_a_pause(
    source: Source, refreshed: Refreshed[int], clock: Clock
) -> None:
    """Those who have waited for it need not each wait for a failure of their own."""
    source.error = IdentityUnavailable("down")
    for _ in range(3):
        with pytest.raises(IdentityUnavailable):
            refreshed.get()
    assert source.readings == 1
    source.error = None
    clock.time += 1.0
    assert refreshed.get() == 2


def test_a_value_that_expires_while_it_is_read_is_read_again(
    source: Source, clock: Clock, refreshed: Refreshed[int]
) -> None:
    """What made it expire may have come after the source was looked at."""
    refreshed.get()
    source.meanwhile = refreshed.expire
    clock.time = INTERVAL
    refreshed.get()
    source.meanwhile = lambda: None
    assert refreshed.get() == 3


def test_while_one_thread_reads_the_others_go_on_with_the_old_value(
    source: Source, clock: Clock, refreshed: Refreshed[int]
) -> None:
    refreshed.get()
    clock.time = INTERVAL
    reading, go_on = threading.Event(), threading.Event()

    def be_slow() -> None:
        reading.set()
        assert go_on.wait(BOUND)

    source.meanwhile = be_slow
    with ThreadPoolExecutor(1) as threads:
        refresher = threads.submit(refreshed.get)
        try:
            assert reading.wait(BOUND)
            assert [refreshed.get(), refreshed.get()] == [1, 1]
        finally:
            go_on.set()
        assert refresher.result(BOUND) == 2
    assert source.readings == 2


def test_the_first_reading_is_waited_for_and_made_once(source: Source, refreshed: Refreshed[int]) -> None:
    everyone = threading.Barrier(8)

    def get() -> int:
        everyone.wait(BOUND)
        return refreshed.get()

    with ThreadPoolExecutor(8) as threads:
        values = [future.result(BOUND) for future in [threads.submit(get) for _ in range(8)]]
    assert values == [1] * 8
    assert source.readings == 1


def test_what_is_younger_than_asked_for_is_not_read_again(
    source: Source, refreshed: Refreshed[int], clock: Clock
) -> None:
    refreshed.get()
    refreshed.expire(older_than=2.0)
    clock.time += 1.0
    assert refreshed.get() == 1
    clock.time += 1.0
    assert refreshed.get() == 2


class Threads:
    """Keeps what other threads are to do until the test has them do it."""

    def __init__(self) -> None:
        self.works: list[Callable[[], None]] = []
        self.are_full = False

    def __call__(self, work: Callable[[], None]) -> None:
        if self.are_full:
            raise RuntimeError("can't start new thread")
        self.works.append(work)

    def run(self) -> int:
        works, self.works = self.works, []
        for work in works:
            work()
        return len(works)


class TestAside:
    """Values that are refreshed by a thread of their own."""

    @pytest.fixture
    def threads(self) -> Threads:
        return Threads()

    @pytest.fixture
    def aside(self, source: Source, clock: Clock, threads: Threads) -> Refreshed[int]:
        refreshed = Refreshed("the value", source, INTERVAL, start=threads, clock=clock)
        assert refreshed.get() == 1, "the first one is waited for"
        assert threads.run() == 0
        return refreshed

    def test_nobody_waits_for_a_value_that_is_due(
        self, aside: Refreshed[int], source: Source, clock: Clock, threads: Threads
    ) -> None:
        clock.time = INTERVAL
        assert [aside.get(), aside.get()] == [1, 1]
        assert source.readings == 1
        assert threads.run() == 1
        assert aside.get() == 2
        assert threads.run() == 0

    def test_what_is_at_hand_is_never_waited_for(
        self, aside: Refreshed[int], clock: Clock, threads: Threads
    ) -> None:
        assert (aside.at_hand(), threads.run()) == (1, 0)
        clock.time = 9 * INTERVAL
        assert [aside.at_hand(), aside.at_hand()] == [1, 1]
        assert threads.run() == 1
        aside.expire()
        assert aside.at_hand() == 2
        assert threads.run() == 1
        assert aside.at_hand() == 3

    def test_so_it_is_before_there_is_anything(self, source: Source, clock: Clock, threads: Threads) -> None:
        refreshed = Refreshed("the value", source, INTERVAL, start=threads, clock=clock)
        source.error = IdentityUnavailable("not yet")
        assert (refreshed.at_hand(), threads.run()) == (None, 1)
        assert (refreshed.at_hand(), threads.run()) == (None, 0), "not again at once"
        source.error = None
        clock.time = INTERVAL
        assert (refreshed.at_hand(), threads.run()) == (None, 1)
        assert refreshed.at_hand() == refreshed.get()

    def test_what_has_expired_is_waited_for(self, aside: Refreshed[int], threads: Threads) -> None:
        aside.expire()
        assert aside.get() == 2
        assert threads.run() == 0

    def test_so_is_what_nobody_has_asked_for_in_a_long_time(
        self, aside: Refreshed[int], clock: Clock, threads: Threads
    ) -> None:
        """A token may not be valid any more by then."""
        clock.time = 2 * INTERVAL
        assert aside.get() == 2
        assert threads.run() == 0

    def test_a_failure_leaves_the_old_value_until_the_next_interval(
        self, aside: Refreshed[int], source: Source, clock: Clock, threads: Threads
    ) -> None:
        source.error = IdentityUnavailable("down")
        clock.time = INTERVAL
        aside.get()
        assert threads.run() == 1
        assert aside.get() == 1
        assert threads.run() == 0
        source.error = None
        clock.time = 2 * INTERVAL
        aside.get()
        assert threads.run() == 1
        assert aside.get() == 3

    def test_a_thread_that_dies_does_not_keep_the_others_from_it(
        self, aside: Refreshed[int], source: Source, clock: Clock, threads: Threads
    ) -> None:
        source.error = ZeroDivisionError()
        clock.time = INTERVAL
        aside.get()
        with pytest.raises(ZeroDivisionError):
            threads.run()
        source.error = None
        clock.time = 2 * INTERVAL
        aside.get()
        assert threads.run() == 1
        assert aside.get() == 3

    def test_without_room_for_a_thread_it_is_read_at_once(
        self, aside: Refreshed[int], clock: Clock, threads: Threads
    ) -> None:
        threads.are_full = True
        clock.time = INTERVAL
        assert aside.get() == 1
        assert aside.get() == 2

    def test_what_expires_while_it_is_read_is_read_again(
        self, aside: Refreshed[int], source: Source, clock: Clock, threads: Threads
    ) -> None:
        source.meanwhile = aside.expire
        clock.time = INTERVAL
        aside.get()
        assert threads.run() == 1
        source.meanwhile = lambda: None
        assert aside.get() == 3

    def test_threads_end_with_their_reading(self, source: Source, clock: Clock) -> None:
        refreshed = Refreshed("the value", source, INTERVAL, start=in_background, clock=clock)
        refreshed.get()
        before = set(threading.enumerate())
        is_read = threading.Event()
        source.meanwhile = is_read.set
        clock.time = INTERVAL
        assert refreshed.get() == 1
        assert is_read.wait(BOUND)
        for thread in set(threading.enumerate()) - before:
            thread.join(BOUND)
            assert not thread.is_alive()
        assert refreshed.get() == 2
