"""The periodic work: a table of what is done how often, and the thread that sees to it.

Most of it is asking for jobs: what a worker dies of there is tried again, and what waits already is not asked
for twice. A failure is one line in the log, and the thing is done at its next turn.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from oslo_log import log

from tricircle.db.timestamps import now
from tricircle.errors import Conflict, NotFound, TricircleError
from tricircle.jobs import types
from tricircle.jobs.job import JobState, NoParameters, Request
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import DriftParameters, JobType
from tricircle.jobs.worker_store import WorkerStore
from tricircle.realise.asked import is_uuid
from tricircle.sites.node import NodeState
from tricircle.sites.node_store import NodeStore
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine
from tricircle.xjob.shares import Shares
from tricircle.xjob.site_check import check

LOG = log.getLogger(__name__)

_TICK = 1.0
"""Seconds between looks for what is due."""

_THREADS = 4
"""Things done at a time: a site that hangs holds one of them for some seconds."""

_STOP_LIMIT = 3.0
"""Seconds for which the end of a look is waited for: where workers meet may be away."""

_SILENT = timedelta(days=1)
"""A worker that has been silent for so long is forgotten."""

Submit = Callable[[Callable[[], None]], object]


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Something that is done now and then.

    :param option: of `[xjob]`, the seconds between two times.
    :param at_once: whether it is done when a worker begins, too; else its first turn is drawn by lot.
    """

    name: str
    option: str
    at_once: bool


@dataclass(frozen=True, slots=True)
class _SiteTask(PeriodicTask):
    """Is done for each site that is asked."""

    do: Callable[[Engine, Site], None]


@dataclass(frozen=True, slots=True)
class _TopTask(PeriodicTask):
    """Is done once for all."""

    do: Callable[[Engine], None]


def _ask_for(kind: JobType, engine: Engine, site: Site) -> None:
    if _is_down(engine, site):
        return  # it would only fail; when the site comes back it is asked for all the same
    if _redo_parked(kind, engine, site):
        return
    parameters = DriftParameters(mend=False) if kind.parameters is DriftParameters else NoParameters()
    engine.requester.request(Request(kind.name, "site", site.id, site_id=site.id, parameters=parameters))


def _ask_for_ports(engine: Engine, site: Site) -> None:
    if engine.networks.is_there:
        _ask_for(types.PORTS, engine, site)


def _redo_parked(kind: JobType, engine: Engine, site: Site) -> bool:
    """Try again what is parked, so that what fails at each turn is one job, and not one more at each turn."""
    store = JobStore(engine.database)
    filters = JobFilters(
        JobState.FAILED, kind.name, site_id=site.id, resource_type="site", resource_id=site.id
    )
    try:
        return [store.redo(job.id) for job in store.page(filters, limit=1)] != []
    except (Conflict, NotFound):  # somebody else was quicker
        return False


def _is_down(engine: Engine, site: Site) -> bool:
    nodes = NodeStore(engine.database).page()
    return any(node.site_id == site.id and node.state is NodeState.DOWN for node in nodes)


def _take_back(engine: Engine) -> None:
    """Have the addresses of sites be nobody's that are not registered any more."""
    if not engine.networks.is_there:
        return
    top = engine.networks.top
    found = list(top.walk("address_block", ("site",)))
    engine.registry.expire()  # one that is registered by now is no such site
    sites = engine.registry.snapshot
    for block in found:
        # The plugin shows a site that it does not know by its id.
        site = block["site"]
        if is_uuid(site) and site not in sites.by_id and site not in sites.by_name:
            top.delete("address_block", block["id"])


def _purge(engine: Engine) -> None:
    time_now = now()
    before = time_now - timedelta(days=engine.conf.xjob.keep_days)
    purged = JobStore(engine.database).purge(before)
    WorkerStore(engine.database).purge(time_now - _SILENT)
    if purged:
        LOG.info("%d old jobs were deleted", purged)


TASKS: tuple[_SiteTask | _TopTask, ...] = (
    _SiteTask("health", "health_interval", at_once=True, do=check),
    _SiteTask("node", "node_interval", at_once=True, do=partial(_ask_for, types.NODE)),
    _SiteTask("drift", "drift_interval", at_once=False, do=partial(_ask_for, types.DRIFT)),
    _SiteTask("tombstones", "catch_up_interval", at_once=False, do=partial(_ask_for, types.CATCH_UP)),
    _SiteTask("ports", "ports_interval", at_once=False, do=_ask_for_ports),
    _TopTask("addresses", "purge_interval", at_once=False, do=_take_back),
    _TopTask("purge", "purge_interval", at_once=False, do=_purge),
)


class Periodic:
    """Does this worker's share of the periodic work.

    :param submit: has something done, in this thread or another one.
    """

    def __init__(
        self,
        engine: Engine,
        shares: Shares,
        *,
        submit: Submit | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._shares = shares
        self._clock = clock
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="periodic")
        self._submit = submit or self._pool.submit
        self._thread = threading.Thread(target=self._run, name="periodic", daemon=True)
        self._due: dict[str, float] = {}
        self._under_way: set[str] = set()
        self._stopped = threading.Event()
        self._failing = False

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and leave it to the others."""
        self._stopped.set()
        self._thread.join(_STOP_LIMIT)

    def tick(self) -> None:
        """Do what is due and this worker's."""
        self._shares.refresh()
        things = {name: (task, do) for name, task, do in self._things()}
        time_now = self._clock()
        # What is gone, or another worker's now, begins anew should it come back.
        self._due = {name: due for name, due in self._due.items() if name in things}
        for name, (task, do) in things.items():
            interval = self._engine.conf.xjob[task.option]
            first = time_now + (0.0 if task.at_once else interval * random.random())  # noqa: S311
            if self._due.setdefault(name, first) > time_now or name in self._under_way:
                continue
            self._due[name] = time_now + interval
            self._under_way.add(name)
            self._submit(partial(self._do, name, do))

    def _things(self) -> Iterator[tuple[str, PeriodicTask, Callable[[], None]]]:
        """Return what is this worker's to do, each with a name."""
        for task in TASKS:
            if isinstance(task, _TopTask):
                if self._shares.is_mine(task.name):
                    yield task.name, task, partial(task.do, self._engine)
                continue
            for site in self._engine.registry.snapshot.asked:
                name = f"{task.name} of {site.id}"
                if self._shares.is_mine(name):
                    yield name, task, partial(task.do, self._engine, site)

    def _do(self, name: str, do: Callable[[], None]) -> None:
        try:
            do()
        except TricircleError as error:
            LOG.info("Periodic work, %s: %s", name, error.message)
        except Exception:
            LOG.exception("Periodic work, %s", name)
        finally:
            self._under_way.discard(name)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.tick()
            except Exception as error:  # the sites cannot be read, or worse: later, then
                if not self._failing:
                    LOG.warning("Periodic work has to wait: %s", error, exc_info=_traceback(error))
                self._failing = True
            else:
                self._failing = False
            self._stopped.wait(_TICK)
        self._shares.leave()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _traceback(error: Exception) -> Exception | None:
    """Return what is worth a traceback."""
    return None if isinstance(error, TricircleError) else error
