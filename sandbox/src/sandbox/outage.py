"""``sandbox stop`` and ``start``: takes a site or a process away, and brings it back with all that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import bus, chassis, processes, readiness, rest, servers, top
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.layout import SITE_SERVICES
from sandbox.progress import Steps
from sandbox.up import site_condition, wait_for_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.layout import Layout, Site
    from sandbox.process import Process
    from sandbox.readiness import Condition


def stop(layout: Layout, site: Site) -> None:
    """Stop a site's processes; connections to it are refused from then on."""
    with control(layout) as supervisor:
        supervisor.call("stop", names=[process.name for process in processes.site_processes(layout, site)])


def start(layout: Layout, site: Site) -> None:
    """Start a site's processes again, and wait until they are ready.

    :raises SandboxError: one of them ended instead
    """
    log = layout.log(f"{site.name}-*")
    with control(layout) as supervisor, Steps() as steps, steps.step(site.name, log) as report:
        if layout.has_data_plane:
            chassis.start(layout, site, supervisor, report)
        supervisor.run(processes.site_processes(layout, site))
        wait_for_site(layout, site, rest.session_of(layout), supervisor, report)
        supervisor.call("keep")


def stop_process(layout: Layout, name: str, *, kill: bool) -> None:
    """Stop one process, and return when it has ended.

    :param kill: it is given no chance to end by itself
    :raises SandboxError: there is none of that name
    """
    process = find(layout, name)
    with control(layout) as supervisor:
        supervisor.call("stop", names=[process.name], kill=kill)


def start_process(layout: Layout, name: str) -> None:
    """Start one process again, and wait until it can do its work.

    :raises SandboxError: there is none of that name, or it ended instead
    """
    process = find(layout, name)
    with control(layout) as supervisor, Steps() as steps, steps.step(process.name, process.log) as report:
        supervisor.run([process])
        for condition in conditions(layout, process, supervisor):
            readiness.wait(condition, [process], supervisor, report)
        supervisor.call("keep")


def find(layout: Layout, name: str) -> Process:
    """Return the process of that name, in any letter case."""
    planned = {process.name.lower(): process for process in processes.all_processes(layout, with_top=True)}
    try:
        return planned[name.lower()]
    except KeyError:
        raise SandboxError(f"there is no process {name}: `sandbox status` shows them") from None


def conditions(layout: Layout, process: Process, supervisor: Control) -> Iterator[Condition]:
    """Return when a process can do its work, by what it is."""
    session = rest.session_of(layout)
    if process.owner == processes.SERVERS:
        yield servers.answers(layout, process)
    elif process.port:
        yield readiness.answers(process)
    if process in processes.network_api_processes(layout):
        yield top.serves_networks(process, session)
    elif process in processes.network_worker_processes(layout):
        yield top.has_worker(process, supervisor)
    elif process in processes.worker_processes(layout):
        yield top.workers_are_alive(layout, session, supervisor, [process.name])
    for site in layout.sites:
        for service in SITE_SERVICES:
            if (site.name, service.name) == (process.owner, process.program):
                yield bus.is_heard(layout, site, process)
                yield site_condition(site, service, session)


def control(layout: Layout) -> Control:
    """Return a connection to the sandbox's supervisor.

    :raises SandboxError: it does not run
    """
    connection = Control.connect(layout.directory)
    if connection is None:
        raise SandboxError("the sandbox does not run: `sandbox up` starts it")
    return connection
