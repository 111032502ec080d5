"""A site's Cinder: API, scheduler and volume service; in one process with a bus inside it, or in three."""

from __future__ import annotations

import collections
import importlib
import os
import shlex
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from types import TracebackType

    from sandbox.process import Process


def preload() -> None:
    """Import Cinder, with threads where it would have eventlet."""
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
    # Cinder hands slow calls to eventlet's pool, which never answers a native thread: 0 has them called.
    os.environ["EVENTLET_THREADPOOL_SIZE"] = "0"
    from cinder import monkey_patch

    monkey_patch.patch()
    from cinder import objects

    objects.register_all()
    wsgi.preload(
        "cinder.cmd.volume",
        "cinder.volume.manager",
        "cinder.scheduler.manager",
        "cinder.api.v3.router",
        "sandbox.serving.volume_driver",
    )


def run(process: Process) -> None:
    """Be all of Cinder, or one part of it."""
    sys.argv = ["cinder-api", "--config-file", f"{process.conf}/cinder.conf"]
    use_local_locks()
    keep_service_ids_apart()
    # Reads the configuration and sets up the log, whichever part this is.
    application = importlib.import_module("cinder.wsgi.api").application
    # The scheduler last, for it waits for what the volume services report.
    starters = {"volume": start_volume_services, "scheduler": start_scheduler}
    services = [start() for part, start in starters.items() if process.part in ("", part)]
    if process.port:
        wsgi.serve(application, process)
    wsgi.wait_for_end()
    del services


def start_volume_services() -> list[Any]:
    """Start the volume service of each backend, as its command does, but in this process."""
    import cinder.cmd.volume
    import os_brick
    from cinder import service, utils
    from cinder.common import constants
    from oslo_config import cfg
    from oslo_privsep import priv_context

    conf = cfg.CONF
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(conf)
    services = []
    for backend in conf.enabled_backends:
        conf.register_opt(cinder.cmd.volume.host_opt, group=backend)
        services.append(
            service.Service.create(
                host=f"{conf.host}@{backend}",
                service_name=backend,
                binary=constants.VOLUME_BINARY,
                coordination=True,
            )
        )
        services[-1].start()
    return services


def start_scheduler() -> list[Any]:
    """Start the scheduler, as its command does, but in this process."""
    from cinder import service
    from cinder.common import constants

    scheduler = service.Service.create(binary=constants.SCHEDULER_BINARY)
    scheduler.start()
    threading.Thread(target=ask_for_pools, args=(scheduler.manager,), daemon=True).start()
    return [scheduler]


def ask_for_pools(manager: Any) -> None:
    """Ask the volume services what they offer until one has answered.

    Where both start at the same time, neither hears what the other says at its start, and the volume service
    says it again only after a minute.
    """
    from cinder import context

    while not manager.driver.host_manager.service_states:
        manager.request_service_capabilities(context.get_admin_context())
        threading.Event().wait(1)


class LocalLock:
    """A lock between the threads of this process, in the shape of tooz's.

    All who lock the same thing are in this process, or nearly all where Cinder is three of them; and tooz's
    file locks hang under native threads.
    """

    locks: ClassVar[collections.defaultdict[str, Any]] = collections.defaultdict(threading.RLock)

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = self.locks[name]

    def acquire(self, blocking: bool = True) -> bool:
        """Acquire the lock."""
        return bool(self.lock.acquire(blocking))

    def release(self) -> None:
        """Release the lock."""
        self.lock.release()

    def __enter__(self) -> LocalLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def use_local_locks() -> None:
    """Have Cinder lock with LocalLock."""
    from cinder import coordination

    def get_lock(_coordinator: Any, name: str) -> LocalLock:
        return LocalLock(name)

    coordination.Coordinator.get_lock = get_lock


def keep_service_ids_apart() -> None:
    """Have each service report its own state.

    A service keeps its id in its class, because Cinder has one service in a process; we have two.
    """
    from cinder import service

    guard = threading.Lock()
    report_state = service.Service.report_state

    def report_own_state(self: Any) -> None:
        with guard:
            service.Service.service_id = self.origin_service_id
            report_state(self)

    service.Service.report_state = report_own_state
