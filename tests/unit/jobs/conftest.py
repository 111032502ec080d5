"""What the tests of jobs share."""

from collections.abc import Callable

import pytest
from tests.unit.clock import Clock
from tests.unit.jobs.house import House

from tricircle.db.engine import Database
from tricircle.jobs.retry import Retry


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(database: Database, clock: Clock) -> House:
    return House(database, clock)


@pytest.fixture
def retries_without_luck(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], float]:
    """Have every wait be the average one; tells the wait of a usual type after as many attempts."""
    drawn = Retry.delay
    monkeypatch.setattr(Retry, "delay", lambda self, attempts: drawn(self, attempts, draw=lambda: 0.5))

    def wait(attempts: int) -> float:
        delay = Retry().delay(attempts)
        assert delay is not None
        return delay

    return wait
