"""When a job is tried again."""

import pytest

from tricircle.jobs.retry import Retry


def test_the_average_wait_doubles_to_the_bound() -> None:
    retry = Retry(attempts=10, first=2, most=30)
    waits = [retry.delay(attempts, draw=lambda: 0.5) for attempts in range(1, 8)]
    assert waits == [2, 4, 8, 16, 20, 20, 20]


def test_no_wait_is_longer_than_the_longest() -> None:
    retry = Retry(attempts=1000, first=2, most=30)
    assert retry.delay(999, draw=lambda: 0.999999) == pytest.approx(30, abs=0.001)


@pytest.mark.parametrize("attempts", [1, 5, 900])
def test_jobs_that_failed_together_do_not_come_back_together(attempts: int) -> None:
    retry = Retry(attempts=1000)
    assert len({retry.delay(attempts) for _ in range(100)}) > 90


def test_after_the_last_attempt_there_is_no_wait() -> None:
    assert Retry(attempts=3).delay(2) is not None
    assert Retry(attempts=3).delay(3) is None
