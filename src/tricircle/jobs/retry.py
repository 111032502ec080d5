"""When a job that has failed is tried again: a decision that its type makes."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with jitter, to a bound.

    :param attempts: most of them; after the last one the job is parked.
    :param first: seconds before the second attempt, on average.
    :param most: seconds; no wait is longer.
    """

    attempts: int = 10
    first: float = 1.0
    most: float = 300.0

    def delay(self, attempts: int, *, draw: Callable[[], float] = random.random) -> float | None:
        """Return the seconds to wait after as many attempts, or None: no more.

        The wait is drawn between half and one and a half times the average, which doubles until the longest
        wait is reached: jobs that failed together do not come back together, however often they failed.
        """
        if attempts >= self.attempts:
            return None
        average = min(self.first * 2.0 ** max(attempts - 1, 0), self.most / 1.5)
        return average * (0.5 + draw())
