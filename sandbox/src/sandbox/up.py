"""``sandbox up``: from nothing, or from what is there, to a sandbox that is ready for its first request."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox import configuration, content, databases, faults, identity, readiness, rest, top
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.layout import GLANCE, KEYSTONE, SITE_SERVICES, Layout, Service, Site
from sandbox.process import COMMAND, Process, shared_process, site_process, site_processes, top_processes
from sandbox.progress import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Keystone first, for everything waits for it; then the longest to import.
PROGRAMS = ("keystone", "nova", "neutron", "cinder", "glance", "placement")
DEFAULT_SITES = 2


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What the user asked ``up`` for; None where the sandbox's present state, or the default, will do."""

    directory: Path
    sites: int | None = None
    subnet: str | None = None
    token_lifetime: int | None = None
    with_top: bool = True


def up(wishes: Wishes) -> Layout:
    """Start what is not running, and return when all of it is ready.

    Interrupted or failed, it ends whatever it has started. What ran before goes on.

    :raises SandboxError: a step failed
    """
    wishes.directory.mkdir(parents=True, exist_ok=True)
    with exclusive(wishes.directory), Steps() as steps, supervisor(wishes) as control:
        layout = plan(wishes, control.call("hello")["subnet"])
        Up(layout, steps, control, with_top=wishes.with_top).run()
        control.call("keep")
    return layout


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold off a second ``up`` of the same sandbox."""
    (directory / "run").mkdir(exist_ok=True, mode=0o700)
    with (directory / "run" / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(f"another `sandbox up` is at work in {directory}") from None
        yield


def supervisor(wishes: Wishes) -> Control:
    """Return a connection to the sandbox's supervisor, started if it is not there."""
    control = Control.connect(wishes.directory)
    if control is None:
        return Control.start(wishes.directory, wishes.subnet)
    subnet = control.call("hello")["subnet"]
    if wishes.subnet not in (None, subnet):
        raise SandboxError(f"this sandbox runs in {subnet}: `sandbox down` first, to move it")
    return control


def plan(wishes: Wishes, subnet: str) -> Layout:
    """Return the layout that the wishes make of the present one; a sandbox never loses a site."""
    present = Layout.load(wishes.directory)
    sites = max(wishes.sites or 0, present.sites_count if present else 0) or DEFAULT_SITES
    lifetime = wishes.token_lifetime or (present or Layout).token_lifetime
    return Layout(wishes.directory, subnet, sites, lifetime)


class Up:
    """One run of ``up``."""

    def __init__(self, layout: Layout, steps: Steps, control: Control, *, with_top: bool) -> None:
        self.layout = layout
        self.steps = steps
        self.control = control
        self.with_top = with_top
        self.session: Any = None

    def run(self) -> None:
        """Do all steps: those that others need one by one, the rest side by side."""
        self.control.call("preload", programs=PROGRAMS)
        self.prepare()
        self.start_keystone()
        self.control.run(self.processes())
        jobs: list[Callable[[], None]] = [self.start_glance]
        jobs += [partial(self.start_site, site) for site in self.layout.sites]
        jobs += [self.start_top] if self.with_top else []
        self.side_by_side(jobs)

    def processes(self) -> list[Process]:
        """Return what starts as soon as Keystone has its content."""
        processes = [shared_process(self.layout, GLANCE)]
        for site in self.layout.sites:
            processes += site_processes(self.layout, site)
        return processes

    def prepare(self) -> None:
        """Write what the services read at their start, and end faults, with which no site gets ready."""
        with self.steps.step("databases", self.layout.log("*")) as report:
            template = databases.template(report)
            configuration.write(self.layout)
            databases.copy(template, self.layout)
            for site in self.layout.sites:
                faults.clear_all(self.layout.faults(site))
            self.layout.save()

    def start_keystone(self) -> None:
        """Start Keystone and fill it; one caller at a time, or its first answers may be 403."""
        process = shared_process(self.layout, KEYSTONE)
        with self.steps.step("Keystone", process.log) as report:
            self.control.run([process])
            readiness.wait(readiness.answers(process), process, self.control, report)
            self.session = rest.session_of(self.layout)
            report("projects, users, catalogue")
            identity.populate(self.layout, self.session)

    def start_glance(self) -> None:
        """See the shared Glance ready, with its image."""
        process = shared_process(self.layout, GLANCE)
        with self.steps.step("Glance", process.log) as report:
            readiness.wait(readiness.answers(process), process, self.control, report)
            report("the image")
            content.populate_image(self.layout, self.session)

    def start_site(self, site: Site) -> None:
        """See a site ready, with its flavors and its network."""
        with self.steps.step(site.name, self.layout.log(f"{site.name}-*")) as report:
            wait_for_site(self.layout, site, self.session, self.control, report)
            report("flavors and the shared network")
            content.populate_site(site, self.session)

    def start_top(self) -> None:
        """See the top ready, and have it know its sites."""
        with self.steps.step("the top", self.layout.log("top-*")) as report:
            report("its database")
            top.upgrade_database(self.layout)
            self.control.call("preload", programs=[COMMAND])
            processes = top_processes(self.layout)
            self.control.run(processes)
            for process in processes:
                readiness.wait(readiness.answers(process), process, self.control, report)
            report("its sites")
            top.register_sites(self.layout, self.session)
            known = top.knows_sites(self.layout, self.session)
            readiness.wait(known, processes[0], self.control, report)

    @staticmethod
    def side_by_side(jobs: list[Callable[[], None]]) -> None:
        """Run jobs in threads; the first failure is raised without waiting for the rest."""
        pool = ThreadPoolExecutor(len(jobs))
        try:
            for done in as_completed([pool.submit(job) for job in jobs]):
                done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def wait_for_site(
    layout: Layout, site: Site, session: Any, control: Control, report: Callable[[str], None]
) -> None:
    """Wait until all services of a site answer and can do their work."""
    for service in SITE_SERVICES:
        process = site_process(layout, site, service)
        readiness.wait(readiness.answers(process), process, control, report)
        readiness.wait(site_condition(site, service, session), process, control, report)


def site_condition(site: Site, service: Service, session: Any) -> readiness.Condition:
    """Return the condition for a service of a site; that it answers is enough for some."""
    make = readiness.SITE_CONDITIONS.get(service)
    return make(site, session) if make else lambda: None
