"""What a worker has in hand: the jobs that it does, and whether they still are its own.

A lease counts from before it was asked for, by a clock that nobody sets: a worker that cannot reach the
database gives its jobs up before others take them.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

from tricircle.errors import LeaseLost
from tricircle.jobs.job import Job, Lease
from tricircle.jobs.queue import TOP
from tricircle.xjob.task import Stopping, Task


class Held:
    """A job in hand.

    :param good_until: on the hand's clock.
    """

    def __init__(self, hand: "Hand", lease: Lease, good_until: float) -> None:
        self.lease = lease
        self.good_until = good_until
        self.is_lost = False
        self.task: Task | None = None
        self._hand = hand

    @property
    def job(self) -> Job:
        """The job as it was when it was leased."""
        return self.lease.job

    def check(self) -> None:
        """Say whether its handler may go on.

        :raises LeaseLost: the job is not this worker's any more.
        :raises Stopping: the worker is told to stop.
        """
        if self.is_lost or self._hand.clock() >= self.good_until:
            raise LeaseLost(f"Job {self.job.id} is not this worker's any more.")
        if self._hand.is_told_to_stop:
            raise Stopping


class Hand:
    """The jobs that a worker does.

    :param lease: seconds for which one is the worker's unless it is renewed.
    """

    def __init__(self, lease: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.is_told_to_stop = False
        self._lease = lease
        self._condition = threading.Condition()
        self._held: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def take(self, lease: Lease, asked_at: float) -> Held:
        """Take a job.

        :param asked_at: when the lease was asked for, on the hand's clock.
        """
        held = Held(self, lease, asked_at + self._lease)
        with self._condition:
            self._held[lease.job.id] = held
        return held

    def drop(self, held: Held) -> None:
        """Have a job no more."""
        with self._condition:
            # A worker that lost a job may have taken it anew.
            if self._held.get(held.job.id) is held:
                del self._held[held.job.id]
            self._condition.notify_all()

    def all(self) -> list[Held]:
        """Return what is in hand."""
        with self._condition:
            return list(self._held.values())

    def renewed(self, held: list[Held], kept: set[str], asked_at: float) -> None:
        """Note which leases were renewed; the others are lost.

        :param held: those that were to be renewed.
        :param asked_at: when that was asked for, on the hand's clock.
        """
        for one in held:
            if one.job.id in kept:
                one.good_until = asked_at + self._lease
            else:
                one.is_lost = True

    def sites(self) -> Counter[str]:
        """Count the jobs of each site, and of the top."""
        return Counter(held.job.site_id or TOP for held in self.all())

    def projects(self) -> Counter[str]:
        """Count the jobs of each project."""
        return Counter(held.job.project_id for held in self.all() if held.job.project_id is not None)

    def tell_to_stop(self) -> None:
        """Have every job end at its next step."""
        self.is_told_to_stop = True

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait until nothing is in hand; say whether that is so."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._held, seconds)
