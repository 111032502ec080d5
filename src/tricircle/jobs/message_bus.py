"""The message bus: wakes are sent by a thread of their own, and dropped while the bus is away.

Whoever wakes only puts ids into a queue of bounded length. The bus being slow, full or gone is seen by the
thread alone, which says so once in the log.
"""

import queue
import threading
from collections.abc import Sequence
from datetime import timedelta

from oslo_config import cfg
from oslo_log import log

from tricircle.db.timestamps import now
from tricircle.jobs.job import Job
from tricircle.jobs.messaging import TOPIC, VERSION, make_transport, messaging

LOG = log.getLogger(__name__)

_MOST_WAITING = 10_000
_MOST_AT_ONCE = 100
"""Ids of one message."""

_PAUSE = 2.0
"""Seconds after a failure for which nothing is sent: the sweep is as quick."""

_SOON = timedelta(seconds=0.1)
"""A job that is not due by then is not announced: its worker would find nothing to do."""


class MessageBus:
    """Casts `wake`. The thread and the connection are made at the first use, after a server has forked."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._transport = make_transport(conf)
        target = messaging.Target(topic=TOPIC, version=VERSION)
        self._client = messaging.get_rpc_client(self._transport, target, retry=0)
        self._ids: queue.Queue[str] = queue.Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._failing = False

    def wake(self, jobs: Sequence[Job]) -> None:
        """Tell a worker that jobs wait, once they are committed. Never blocks, never fails."""
        soon = now() + _SOON
        due = [job.id for job in jobs if job.run_after <= soon]
        if not due or self._closed.is_set():
            return
        try:
            for job_id in due:
                self._ids.put_nowait(job_id)
        except queue.Full:
            return
        if self._thread is None:
            self._start()

    def close(self) -> None:
        """Let go of the bus; what was not told yet is left to the sweep."""
        self._closed.set()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                first = self._ids.get(timeout=1.0)
            except queue.Empty:
                continue
            self._send([first, *self._more()])

    def _more(self) -> list[str]:
        """Take what waits beside the first, so that a burst is few messages."""
        ids: list[str] = []
        try:
            while len(ids) < _MOST_AT_ONCE - 1:
                ids.append(self._ids.get_nowait())
        except queue.Empty:
            pass
        return ids

    def _send(self, ids: list[str]) -> None:
        try:
            self._client.cast({}, "wake", job_ids=ids)
        except Exception as error:  # noqa: BLE001  # whatever it is, the jobs are done without it
            if not self._failing:
                LOG.warning(
                    "The message bus cannot be used, workers sweep for jobs instead: %s", type(error).__name__
                )
            self._failing = True
            self._drop()
            self._closed.wait(_PAUSE)
        else:
            if self._failing:
                LOG.info("The message bus can be used again")
            self._failing = False

    def _drop(self) -> None:
        while self._more():
            pass
