"""The XJob service: a worker with all that belongs to it, and how it begins and ends.

It begins whatever is away: database, bus, Keystone and sites are used when they are there.
"""

import os
import platform
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Protocol
from uuid import uuid4

from oslo_log import log

from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.worker_store import WorkerStore
from tricircle.xjob.bounds import bounds_of
from tricircle.xjob.engine import Engine
from tricircle.xjob.hand import Hand
from tricircle.xjob.handlers import HANDLERS
from tricircle.xjob.heartbeat import Heartbeat
from tricircle.xjob.periodic import Periodic
from tricircle.xjob.shares import make_shares
from tricircle.xjob.task import Handler
from tricircle.xjob.worker import Worker

LOG = log.getLogger(__name__)

_BEATS = 3
"""Signs of life within one lease."""

_MARGIN = 5.0
"""Seconds that a job gets beyond the deadline of its last call to write down what it did."""


class _Part(Protocol):
    def start(self) -> None:
        """Begin in the background."""

    def stop(self) -> None:
        """End."""


class Service:
    """One worker of XJob.

    :param handlers: by job type.
    """

    def __init__(self, engine: Engine, handlers: Mapping[str, Handler] = HANDLERS) -> None:
        conf = engine.conf
        host = platform.node()
        self._conf = conf
        self.name = f"{host}:{os.getpid()}:{uuid4().hex[:8]}"
        self._queue = JobQueue(engine.database, lease=conf.xjob.lease)
        self._workers = WorkerStore(engine.database, patience=conf.xjob.lease)
        self._hand = Hand(conf.xjob.lease)
        self._worker = Worker(
            engine,
            self._queue,
            handlers,
            name=self.name,
            hand=self._hand,
            bounds=bounds_of(conf),
            sweep_interval=conf.xjob.sweep_interval,
        )
        self._heartbeat = Heartbeat(
            self._queue,
            self._workers,
            self._hand,
            name=self.name,
            host=host,
            interval=conf.xjob.lease / _BEATS,
        )
        self._threads: list[threading.Thread] = []
        self._taking: threading.Thread | None = None
        self._parts = self._make_parts(engine)

    def start(self) -> None:
        """Begin to work, in threads of its own."""
        self._run(self._heartbeat.run, "heartbeat")
        self._taking = self._run(self._worker.run, "worker")
        for part in self._parts:
            part.start()
        LOG.info("Worker %s has begun", self.name)

    def stop(self) -> None:
        """End in order: take no more jobs, let those in hand end, then have them stop at their next step.

        What is still in the middle of a call of a site when that call must have ended is left to its lease.
        """
        LOG.info("Worker %s stops, with %d jobs in hand", self.name, len(self._hand))
        self._worker.stop()
        for part in self._parts:
            part.stop()
        if self._taking is not None:
            self._taking.join(_MARGIN)  # it may be taking one more just now
        if not self._hand.wait_until_empty(self._conf.xjob.shutdown_timeout):
            LOG.info("Handing back %d jobs", len(self._hand))
            self._hand.tell_to_stop()
            self._hand.wait_until_empty(self._conf.sites.write_deadline + _MARGIN)
        self._worker.give_up()
        self._heartbeat.stop()
        for thread in self._threads:
            thread.join(_MARGIN)
        try:
            self._workers.leave(self.name)
        except DatabaseUnavailable:
            LOG.info("The worker is forgotten when it has been silent for long enough")
        LOG.info("Worker %s has stopped, with %d jobs in hand", self.name, len(self._hand))

    def describe(self) -> Mapping[str, Any]:
        """Tell the worker's name, the ids of the jobs that it does, and its release."""
        return {
            "worker": self.name,
            "running": sorted(held.job.id for held in self._hand.all()),
            "version": version("tricircle"),
        }

    def _run(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)
        return thread

    def _make_parts(self, engine: Engine) -> list[_Part]:
        parts: list[_Part] = [Periodic(engine, make_shares(self._conf, self.name))]
        if self._conf.transport_url:
            # Only here: see tricircle.jobs.bus.
            from tricircle.xjob.rpc import RpcApi, RpcServer  # noqa: PLC0415

            api = RpcApi(engine.requester, self._worker.wake, self.describe)
            parts.append(RpcServer(self._conf, api, platform.node()))
        return parts
