"""What a process of the sandbox is, before it runs: plain data, which travels to the supervisor as JSON."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Self

from sandbox.layout import (
    ADMIN_API,
    CINDER,
    GLANCE,
    KEYSTONE,
    NOVA,
    PRODUCT_ENVIRONMENT,
    SITE_SERVICES,
    Layout,
    Service,
    Site,
)

COMMAND = "command"
SHARED = "shared"


@dataclasses.dataclass(frozen=True)
class Process:
    """One process to run.

    :ivar name: unique in the sandbox, such as ``SiteOne-nova``; its log and its row in ``status`` bear it
    :ivar program: which zygote forks it: an OpenStack service's name, or ``command`` for any other program
    :ivar owner: the site that it belongs to, or ``shared`` or ``top``
    :ivar type: the service type, by which faults are chosen
    :ivar conf: the directory of its configuration files
    :ivar host: what an OpenStack service calls its host
    :ivar faults: the control file of its site's faults; empty where none can be injected
    :ivar arguments: the command line, for ``command``
    :ivar environment: what is added to its environment
    """

    name: str
    program: str
    owner: str
    type: str
    address: str
    port: int
    log: str
    conf: str
    host: str = ""
    faults: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the process as JSON's types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """Return the process that ``to_json`` described."""
        return cls(**{**facts, "arguments": tuple(facts["arguments"])})


def shared_process(layout: Layout, service: Service) -> Process:
    """Return the process of a service that the top and all sites share."""
    return Process(
        name=service.name,
        program=service.name,
        owner=SHARED,
        type=service.type,
        address=layout.shared_address,
        port=service.port,
        log=str(layout.log(service.name)),
        conf=str(layout.conf(SHARED)),
    )


def site_process(layout: Layout, site: Site, service: Service) -> Process:
    """Return the process of a service of a site."""
    name = f"{site.name}-{service.name}"
    return Process(
        name=name,
        program=service.name,
        owner=site.name,
        type=service.type,
        address=site.address,
        port=service.port,
        log=str(layout.log(name)),
        conf=str(layout.conf(site.name)),
        host=site.host,
        faults=str(layout.faults(site)),
    )


def site_processes(layout: Layout, site: Site) -> list[Process]:
    """Return all processes of a site."""
    return [site_process(layout, site, service) for service in SITE_SERVICES]


TOP_MODULES = {NOVA: "compute", CINDER: "volume", ADMIN_API: "admin"}


def top_processes(layout: Layout) -> list[Process]:
    """Return the top's processes: its three web services under granian, from the product's environment."""
    return [top_process(layout, service, module) for service, module in TOP_MODULES.items()]


def top_process(layout: Layout, service: Service, module: str) -> Process:
    """Return one web service of the top."""
    name = f"top-{module}"
    listen = ["--host", layout.top_address, "--port", str(service.port)]
    workers = [
        "--workers",
        "1",
        "--blocking-threads",
        "32",
        "--backpressure",
        "512",
        "--respawn-failed-workers",
    ]
    return Process(
        name=name,
        program=COMMAND,
        owner="top",
        type=service.type,
        address=layout.top_address,
        port=service.port,
        log=str(layout.log(name)),
        conf=str(layout.conf("top")),
        arguments=(
            str(PRODUCT_ENVIRONMENT / "bin" / "granian"),
            *("--interface", "wsgi", *listen, *workers, "--no-ws"),
            f"tricircle.wsgi.{module}:application",
        ),
        environment={"OS_TRICIRCLE_CONFIG_FILES": str(Path(layout.conf("top", "tricircle.conf")))},
    )


def all_processes(layout: Layout, *, with_top: bool) -> list[Process]:
    """Return every process of a sandbox, in the order in which ``status`` shows them."""
    processes = [shared_process(layout, KEYSTONE), shared_process(layout, GLANCE)]
    if with_top:
        processes += top_processes(layout)
    for site in layout.sites:
        processes += site_processes(layout, site)
    return processes
