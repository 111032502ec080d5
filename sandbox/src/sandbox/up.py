"""``sandbox up``: from nothing, or from what is there, to a sandbox that is ready for its first request."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox import (
    bus,
    chassis,
    configuration,
    content,
    databases,
    faults,
    identity,
    mariadb,
    processes,
    readiness,
    rest,
    servers,
    top,
)
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.layout import GLANCE, KEYSTONE, LITE, SITE_SERVICES, Layout, Service, Site
from sandbox.process import COMMAND, Process
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
    profile: str | None = None
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
    """Return the layout that the wishes make of the present one; a sandbox never loses a site.

    :raises SandboxError: the profile is not the present one, or its programs are not installed
    """
    present = Layout.load(wishes.directory)
    profile = wishes.profile or (present.profile if present else LITE)
    if present and present.profile != profile:
        raise SandboxError(
            f"the sandbox in {wishes.directory} is {present.profile}: `sandbox down --delete` first, "
            f"to make one that is {profile}, or choose another directory"
        )
    sites = max(wishes.sites or 0, present.sites_count if present else 0) or DEFAULT_SITES
    lifetime = wishes.token_lifetime or (present or Layout).token_lifetime
    layout = Layout(wishes.directory, subnet, sites, lifetime, profile)
    if layout.is_full:
        servers.check_installed()
    if layout.has_data_plane:
        chassis.check_possible()
    return layout


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
        grows = self.grows()
        self.prepare()
        if self.layout.is_full:
            self.start_servers(grows=grows)
        self.control.call("preload", programs=PROGRAMS)
        self.fill_databases()
        self.layout.save()
        if self.layout.has_data_plane:
            self.start_data_plane()
        self.start_keystone()
        if self.layout.is_full:
            self.start_bus()
        self.control.run(self.processes())
        if self.with_top:
            self.control.call("preload", programs=[COMMAND])
        jobs: list[Callable[[], None]] = [self.start_glance]
        jobs += [partial(self.start_site, site) for site in self.layout.sites]
        jobs += [self.start_top, self.start_top_network] if self.with_top else []
        self.side_by_side(jobs)

    def processes(self) -> list[Process]:
        """Return what starts as soon as Keystone has its content."""
        planned = [processes.shared_process(self.layout, GLANCE)]
        for site in self.layout.sites:
            planned += processes.site_processes(self.layout, site)
        return planned

    def prepare(self) -> None:
        """Write what the services read at their start, and end faults, with which no site gets ready."""
        configuration.write(self.layout)
        for site in self.layout.sites:
            faults.clear_all(self.layout.faults(site))

    def grows(self) -> bool:
        """Whether there is to be a site that was not there."""
        present = Layout.load(self.layout.directory)
        return present is not None and present.sites_count < self.layout.sites_count

    def start_servers(self, *, grows: bool) -> None:
        """Start what is beneath the services, and see MariaDB ready; the broker may take until it is needed.

        :param grows: a broker that runs already is to hear of the new sites
        """
        with self.steps.step("MariaDB", self.layout.log("mariadb")) as report:
            report("its own tables")
            mariadb.initialise(self.layout)
            mapper = self.server("rabbitmq-mapper")
            self.control.run([mapper, self.server("mariadb"), self.server("memcached")])
            self.wait_for_server(mapper, report)
            if not self.control.run([self.server("rabbitmq")]) and grows:
                servers.add_virtual_hosts(self.layout)
            self.wait_for_server(self.server("mariadb"), report)

    def server(self, name: str) -> Process:
        """Return the process of a server by its name."""
        return next(process for process in processes.server_processes(self.layout) if process.name == name)

    def wait_for_server(self, process: Process, report: Callable[[str], None]) -> None:
        """Wait until a server serves."""
        readiness.wait(servers.answers(self.layout, process), [process], self.control, report)

    def fill_databases(self) -> None:
        """Give each service its databases."""
        with self.steps.step("databases", self.layout.log("*")) as report:
            if self.layout.is_full:
                mariadb.fill(self.layout, report)
            else:
                databases.copy(databases.template(report), self.layout)

    def start_bus(self) -> None:
        """See the broker ready, and the cache."""
        with self.steps.step("RabbitMQ", self.layout.log("rabbitmq")) as report:
            for process in processes.server_processes(self.layout):
                self.wait_for_server(process, report)

    def start_data_plane(self) -> None:
        """See the wide area network ready, and each site's switch."""
        with self.steps.step("data plane", self.layout.log("*")) as report:
            chassis.start_wan(self.layout, self.control, report)
            for site in self.layout.sites:
                chassis.start(self.layout, site, self.control, report)

    def start_keystone(self) -> None:
        """Start Keystone and fill it; one caller at a time, or its first answers may be 403."""
        process = processes.shared_process(self.layout, KEYSTONE)
        with self.steps.step("Keystone", process.log) as report:
            self.control.run([process])
            readiness.wait(readiness.answers(process), [process], self.control, report)
            self.session = rest.session_of(self.layout)
            report("projects, users, catalogue")
            identity.populate(self.layout, self.session)

    def start_glance(self) -> None:
        """See the shared Glance ready, with its image."""
        process = processes.shared_process(self.layout, GLANCE)
        with self.steps.step("Glance", process.log) as report:
            readiness.wait(readiness.answers(process), [process], self.control, report)
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
            planned = processes.tricircle_processes(self.layout)
            self.control.run(planned)
            for process in planned:
                if process.port:
                    readiness.wait(readiness.answers(process), [process], self.control, report)
            report("its sites")
            top.register_sites(self.layout, self.session)
            readiness.wait(top.knows_sites(self.layout, self.session), planned, self.control, report)
            names = [process.name for process in processes.worker_processes(self.layout)]
            workers = top.workers_are_alive(self.layout, self.session, self.control, names)
            readiness.wait(workers, planned, self.control, report)

    def start_top_network(self) -> None:
        """See the top's Neutron ready; nothing else begins with it."""
        with self.steps.step("the top's Neutron", self.layout.log("top-network*")) as report:
            report("its database")
            top.upgrade_network_database(self.layout)
            planned = processes.network_processes(self.layout)
            self.control.run(planned)
            for process in processes.network_api_processes(self.layout):
                readiness.wait(readiness.answers(process), [process], self.control, report)
                readiness.wait(top.serves_networks(process, self.session), [process], self.control, report)
            for process in processes.network_worker_processes(self.layout):
                readiness.wait(top.has_worker(process, self.control), [process], self.control, report)

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
        planned = processes.service_processes(layout, site, service)
        readiness.wait(readiness.answers(planned[0]), planned, control, report)
        for process in planned:
            readiness.wait(bus.is_heard(layout, site, process), planned, control, report)
        readiness.wait(site_condition(site, service, session), planned, control, report)


def site_condition(site: Site, service: Service, session: Any) -> readiness.Condition:
    """Return the condition for a service of a site; that it answers is enough for some."""
    make = readiness.SITE_CONDITIONS.get(service)
    return make(site, session) if make else lambda: None
