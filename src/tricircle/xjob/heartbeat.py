"""A worker's heartbeat: renews the leases of all that it has in hand, and tells that the worker lives.

While the database is away nothing is renewed, and each lease runs out by itself (`tricircle.xjob.hand`).
"""

import threading
from collections.abc import Mapping
from typing import Any

from oslo_log import log

from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.worker_store import WorkerStore
from tricircle.xjob.hand import Hand, Held

LOG = log.getLogger(__name__)

_HASTE = 4
"""How many times as often it is tried while the database is away."""


class Heartbeat:
    """Renews a worker's leases.

    :param name: the worker's.
    :param interval: seconds; a third of a lease, so that two in a row may fail.
    """

    def __init__(
        self, queue: JobQueue, workers: WorkerStore, hand: Hand, *, name: str, host: str, interval: float
    ) -> None:
        self._queue = queue
        self._workers = workers
        self._hand = hand
        self._name = name
        self._host = host
        self._interval = interval
        self._stopped = threading.Event()
        self._failing = False
        self._written: dict[str, Mapping[str, Any]] = {}

    def run(self) -> None:
        """Beat until it is stopped."""
        while True:
            is_well = self._try()
            if self._stopped.wait(self._interval if is_well else self._interval / _HASTE):
                return

    def stop(self) -> None:
        """Have `run` return."""
        self._stopped.set()

    def beat(self) -> None:
        """Renew the leases, write down what the jobs say of themselves, and tell that the worker lives.

        :raises DatabaseUnavailable: it cannot be reached.
        """
        held = self._hand.all()
        if held:
            asked_at = self._hand.clock()
            progress = self._new_progress(held)
            kept = self._queue.renew([one.lease for one in held], progress)
            self._hand.renewed(held, kept, asked_at)
            self._written |= progress
        self._written = {
            job_id: told for job_id, told in self._written.items() if job_id in {one.job.id for one in held}
        }
        self._workers.tell(self._name, self._host)

    def _new_progress(self, held: list[Held]) -> dict[str, Mapping[str, Any]]:
        """Return what jobs say of themselves that is not written down yet."""
        told = {one.job.id: one.task.progress for one in held if one.task is not None}
        return {job_id: said for job_id, said in told.items() if self._written.get(job_id) != said}

    def _try(self) -> bool:
        try:
            self.beat()
        except DatabaseUnavailable as error:
            if not self._failing:
                LOG.warning("No sign of life can be given: %s", error.message)
        except Exception:
            # Without it every job would be lost.
            if not self._failing:
                LOG.exception("No sign of life can be given")
        else:
            self._failing = False
            return True
        self._failing = True
        return False
