"""``sandbox stop`` and ``start``: takes one site away, and brings it back with all that was in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import rest
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.process import site_processes
from sandbox.progress import Steps
from sandbox.up import wait_for_site

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site


def stop(layout: Layout, site: Site) -> None:
    """Stop a site's processes; connections to it are refused from then on."""
    with control(layout) as supervisor:
        supervisor.call("stop", names=[process.name for process in site_processes(layout, site)])


def start(layout: Layout, site: Site) -> None:
    """Start a site's processes again, and wait until they are ready.

    :raises SandboxError: one of them ended instead
    """
    log = layout.log(f"{site.name}-*")
    with control(layout) as supervisor, Steps() as steps, steps.step(site.name, log) as report:
        supervisor.run(site_processes(layout, site))
        wait_for_site(layout, site, rest.session_of(layout), supervisor, report)
        supervisor.call("keep")


def control(layout: Layout) -> Control:
    """Return a connection to the sandbox's supervisor.

    :raises SandboxError: it does not run
    """
    connection = Control.connect(layout.directory)
    if connection is None:
        raise SandboxError("the sandbox does not run: `sandbox up` starts it")
    return connection
