"""Which processes a sandbox has, by its profile: functions from the layout to plain data."""

from __future__ import annotations

import getpass
import os

from sandbox import data_plane
from sandbox.configuration import rabbitmq
from sandbox.layout import (
    ADMIN_API,
    CINDER,
    GLANCE,
    KEYSTONE,
    MARIADB_PORT,
    MEMCACHED_PORT,
    NEUTRON,
    NOVA,
    PRODUCT_ENVIRONMENT,
    RABBITMQ_PORT,
    SITE_SERVICES,
    SOURCE,
    Layout,
    Service,
    Site,
)
from sandbox.process import COMMAND, PATIENCE, SHARED, Process

TOP = "top"
API = "api"


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


SERVERS = "servers"
MARIADB = "/usr/sbin/mariadbd"
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
PORT_MAPPER = "/usr/bin/epmd"
MEMCACHED = "/usr/bin/memcached"
SERVER_PATIENCE = 10.0


def server_processes(layout: Layout) -> list[Process]:
    """Return what is beneath the services of the full profile: the system's programs, but not its daemons."""
    if not layout.is_full:
        return []
    address = layout.servers_address
    options = f"--defaults-file={layout.conf(SERVERS, 'mariadb.cnf')}"
    # Erlang's port mapper would otherwise be started by the broker, as a daemon that nobody ends.
    mapper = (PORT_MAPPER, "-address", address, "-port", str(rabbitmq.mapper_port(layout)))
    cache = ("-l", address, "-p", str(MEMCACHED_PORT), "-U", "0", "-m", "64", "-u", getpass.getuser())
    table: dict[str, tuple[tuple[str, ...], int, dict[str, str]]] = {
        "mariadb": ((MARIADB, options), MARIADB_PORT, {}),
        "rabbitmq-mapper": (mapper, rabbitmq.mapper_port(layout), {}),
        "rabbitmq": ((RABBITMQ,), RABBITMQ_PORT, rabbitmq.environment(layout)),
        "memcached": ((MEMCACHED, *cache), MEMCACHED_PORT, {}),
    }
    return [
        command(
            layout,
            name,
            arguments,
            owner=SERVERS,
            address=address,
            port=port,
            environment=environment,
            patience=SERVER_PATIENCE,
        )
        for name, (arguments, port, environment) in table.items()
    ]


# The processes that each of a site's services is where there is a bus between them; the API is the first.
PARTS = {
    NEUTRON: (API, "rpc", "agent"),
    CINDER: (API, "scheduler", "volume"),
    NOVA: (API, "conductor", "scheduler", "compute"),
}


def service_processes(layout: Layout, site: Site, service: Service) -> list[Process]:
    """Return the processes of a service of a site, the one with the API first."""
    parts = PARTS.get(service, ("",)) if layout.is_full else ("",)
    return [site_process(layout, site, service, part) for part in parts]


def site_process(layout: Layout, site: Site, service: Service, part: str = "") -> Process:
    """Return one process of a service of a site."""
    name = "-".join(word for word in (site.name, service.name, part) if word)
    return Process(
        name=name,
        program=service.name,
        owner=site.name,
        type=service.type,
        address=site.address,
        port=service.port if part in ("", API) else 0,
        log=str(layout.log(name)),
        conf=str(layout.conf(site.name)),
        host=site.host,
        faults=str(layout.faults(site)),
        part=part,
        # ML2/OVN asks the web server how many workers there are, and knows only two by name.
        environment={"ASGI_WORKERS": "1"} if service == NEUTRON else {},
    )


def site_processes(layout: Layout, site: Site) -> list[Process]:
    """Return all processes of a site."""
    planned = [process for service in SITE_SERVICES for process in service_processes(layout, site, service)]
    return [*data_plane.site_processes(layout, site), *planned] if layout.has_data_plane else planned


GATEWAY_MODULES = {NOVA: "compute", CINDER: "volume"}
GRANIAN = PRODUCT_ENVIRONMENT / "bin" / "granian"
XJOB = PRODUCT_ENVIRONMENT / "bin" / "tricircle-xjob"
NETWORK_WORKERS = PRODUCT_ENVIRONMENT / "bin" / "neutron-periodic-workers"
NETWORK_FILES = ("neutron.conf", "ml2.ini")
HAPROXY = "/usr/sbin/haproxy"
XJOB_PATIENCE = 8.0


def top_processes(layout: Layout) -> list[Process]:
    """Return the top's processes, from the product's environment: web services under granian, and workers."""
    return [*tricircle_processes(layout), *network_processes(layout)]


def tricircle_processes(layout: Layout) -> list[Process]:
    """Return all of the top but its Neutron."""
    return [*gateway_processes(layout), admin_process(layout), *worker_processes(layout), *proxies(layout)]


def gateway_processes(layout: Layout) -> list[Process]:
    """Return the gateways: one of each, or as many as there are addresses behind HAProxy."""
    return [
        web_process(layout, service, module, address, number)
        for service, module in GATEWAY_MODULES.items()
        for address, number in numbered(layout.gateway_addresses)
    ]


def numbered(addresses: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each address with what tells its process from the others; nothing where there is only one."""
    if len(addresses) == 1:
        return [(addresses[0], "")]
    return [(address, f"-{number}") for number, address in enumerate(addresses, 1)]


def admin_process(layout: Layout) -> Process:
    """Return the Admin API."""
    return web_process(layout, ADMIN_API, "admin", layout.top_address, "")


def web_process(layout: Layout, service: Service, module: str, address: str, number: str) -> Process:
    """Return one of Tricircle's own web services."""
    return command(
        layout,
        f"top-{module}{number}",
        (*granian(service, address), "--respawn-failed-workers", f"tricircle.wsgi.{module}:application"),
        type=service.type,
        address=address,
        port=service.port,
        environment={"OS_TRICIRCLE_CONFIG_FILES": str(layout.conf(TOP, "tricircle.conf"))},
    )


def granian(service: Service, address: str) -> tuple[str, ...]:
    """Return the command line that serves an application, up to what is different for each."""
    listen = ("--host", address, "--port", str(service.port))
    workers = ("--workers", "1", "--blocking-threads", "32", "--backpressure", "512")
    return (str(GRANIAN), "--interface", "wsgi", *listen, *workers, "--no-ws")


def network_processes(layout: Layout) -> list[Process]:
    """Return the top's Neutron: what serves, and its workers where they are not in it."""
    return [*network_api_processes(layout), *network_worker_processes(layout)]


def network_api_processes(layout: Layout) -> list[Process]:
    """Return the top's Networking APIs, as many as there are gateways of each kind."""
    addresses = numbered(layout.gateway_addresses)
    return [network_process(layout, address, number) for address, number in addresses]


def network_process(layout: Layout, address: str, number: str) -> Process:
    """Return one Networking API of the top; on SQLite its workers are in it, so that one process writes."""
    application = "api" if layout.is_full else "api_and_workers"
    return command(
        layout,
        f"top-network{number}",
        (*granian(NEUTRON, address), "--factory", f"sandbox.serving.top_neutron:{application}"),
        type=NEUTRON.type,
        address=address,
        port=NEUTRON.port,
        environment={
            "OS_NEUTRON_CONFIG_DIR": str(layout.conf(TOP)),
            "OS_NEUTRON_CONFIG_FILES": ";".join(NETWORK_FILES),
            # The latter is for drivers that are to be tried, with their entry points, as pip installs them.
            "PYTHONPATH": os.pathsep.join([str(SOURCE), str(layout.state(TOP, "drivers"))]),
            "PYTHONWARNINGS": "ignore",
        },
    )


def network_worker_processes(layout: Layout) -> list[Process]:
    """Return what does the background work of the top's Neutron, where that is a process of its own."""
    if not layout.is_full:
        return []
    arguments = (str(NETWORK_WORKERS), *network_files(layout))
    environment = {"PYTHONWARNINGS": "ignore"}
    address = layout.top_address
    return [command(layout, "top-network-workers", arguments, address=address, environment=environment)]


def network_files(layout: Layout) -> tuple[str, ...]:
    """Return the options that name the configuration of the top's Neutron."""
    return tuple(word for file in NETWORK_FILES for word in ("--config-file", str(layout.conf(TOP, file))))


def worker_processes(layout: Layout) -> list[Process]:
    """Return the workers: one without a bus, or as many as there are addresses for gateways."""
    arguments = (str(XJOB), "--config-file", str(layout.conf(TOP, "tricircle.conf")))
    return [
        command(layout, f"top-xjob{number}", arguments, address=address, patience=XJOB_PATIENCE)
        for address, number in numbered(layout.gateway_addresses)
    ]


def proxies(layout: Layout) -> list[Process]:
    """Return HAProxy, where there is something to choose from."""
    if not layout.is_full:
        return []
    arguments = (HAPROXY, "-db", "-f", str(layout.conf(TOP, "haproxy.cfg")))
    return [command(layout, "top-haproxy", arguments, address=layout.top_address, port=NOVA.port)]


def command(
    layout: Layout,
    name: str,
    arguments: tuple[str, ...],
    *,
    address: str,
    owner: str = TOP,
    type: str = "",  # noqa: A002 - the catalogue's word for it
    port: int = 0,
    environment: dict[str, str] | None = None,
    patience: float = PATIENCE,
) -> Process:
    """Return a process that is a program with a command line."""
    return Process(
        name=name,
        program=COMMAND,
        owner=owner,
        type=type,
        address=address,
        port=port,
        log=str(layout.log(name)),
        conf=str(layout.conf(owner)),
        arguments=arguments,
        environment=environment or {},
        patience=patience,
    )


def all_processes(layout: Layout, *, with_top: bool) -> list[Process]:
    """Return every process of a sandbox, in the order in which ``status`` shows them."""
    processes = [*server_processes(layout)]
    if layout.has_data_plane:
        processes += [data_plane.wan_process(layout)]
    processes += [shared_process(layout, KEYSTONE), shared_process(layout, GLANCE)]
    if with_top:
        processes += top_processes(layout)
    for site in layout.sites:
        processes += site_processes(layout, site)
    return processes
