"""A site's Nova: API, conductor, scheduler and compute; in one process with a bus inside it, or in four."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from typing import TYPE_CHECKING, Any

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from sandbox.process import Process


LOOK_SECONDS = 0.5
PATIENCE = 60.0


def preload() -> None:
    """Import Nova, and our driver under the only package in which Nova looks for drivers."""
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    wsgi.preload(
        "nova.api.openstack.wsgi_app",
        "nova.api.openstack.compute.routes",
        "nova.compute.manager",
        "nova.conductor.manager",
        "nova.scheduler.manager",
    )
    from sandbox.serving import virt_driver

    sys.modules["nova.virt.sandbox"] = virt_driver


def run(process: Process) -> None:
    """Be all of Nova, or one part of it."""
    os.environ["OS_NOVA_CONFIG_DIR"] = process.conf
    os.environ["OS_NOVA_CONFIG_FILES"] = "nova.conf"
    if process.part in ("", "api"):
        run_api(process)
    else:
        run_service(process)


def run_api(process: Process) -> None:
    """Start the services, where they are in this process, then serve the Compute API."""
    sys.argv = ["nova-api"]
    application = compute_api()
    services = [] if process.part else start_all()
    wsgi.serve(application, process)
    del services


def start_all() -> list[Any]:
    """Start all services in this process, and have the first boot find a host."""
    prepare_compute()
    services = [start_service(binary) for binary in ("nova-conductor", "nova-scheduler", "nova-compute")]
    map_host()
    return services


def run_service(process: Process) -> None:
    """Run one service, as its command does, but without a further fork."""
    import nova.conf
    from nova import config, objects
    from oslo_log import log

    binary = f"nova-{process.part}"
    sys.argv = [binary, "--config-file", f"{process.conf}/nova.conf"]
    config.parse_args(sys.argv)
    log.setup(nova.conf.CONF, "nova")
    objects.register_all()
    if binary == "nova-compute":
        prepare_compute()
        leave_database_to_conductor()
    objects.Service.enable_min_version_cache()
    service = start_service(binary)
    if binary == "nova-scheduler":
        threading.Thread(target=map_host_when_it_reports, daemon=True).start()
    wsgi.wait_for_end()
    del service


def compute_api() -> WSGIApplication:
    """Return the API; its paste file is the packaged one, for which Nova would look beside nova.conf."""
    import nova.conf
    from nova.api.openstack import wsgi_app

    load = wsgi_app.deploy.loadapp

    def load_packaged(_uri: str, name: str) -> Any:
        return load(f"config:{nova.conf.CONF.wsgi.api_paste_config}", name=name)

    wsgi_app.deploy.loadapp = load_packaged
    application: WSGIApplication = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")
    return application


def prepare_compute() -> None:
    """Do what nova-compute's command does before it starts the service."""
    import nova.conf
    import os_brick
    import os_vif
    from nova import utils
    from oslo_privsep import priv_context

    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(nova.conf.CONF)
    os_vif.initialize()


def leave_database_to_conductor() -> None:
    """Have nova-compute reach the database over the bus only, as where it is configured without one."""
    import nova.conf
    from nova.conductor import rpcapi
    from nova.db.main import api
    from nova.objects import base

    for group in ("database", "api_database"):
        nova.conf.CONF.set_override("connection", None, group=group)
    api.DISABLE_DB_ACCESS = True
    base.NovaObject.indirection_api = rpcapi.ConductorAPI()


def start_service(binary: str) -> Any:
    """Start conductor, scheduler or compute in this process.

    A placement service that is just starting ends them; a machine's service manager would start them again.
    """
    import tenacity
    from nova import service
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.scheduler import rpcapi as scheduler
    from openstack.exceptions import NotSupported

    topics = {
        "nova-conductor": {"topic": conductor.RPC_TOPIC},
        "nova-scheduler": {"topic": scheduler.RPC_TOPIC},
        "nova-compute": {"topic": compute.RPC_TOPIC, "topic_alt": compute.RPC_TOPIC_ALT},
    }
    create = tenacity.retry(
        retry=tenacity.retry_if_exception_type(NotSupported),
        wait=tenacity.wait_fixed(LOOK_SECONDS),
        stop=tenacity.stop_after_delay(PATIENCE),
        reraise=True,
    )(service.Service.create)
    started = create(binary=binary, **topics[binary])
    started.start()
    return started


def map_host() -> None:
    """Map our compute host to its cell now, not at the scheduler's next look: the first boot needs it."""
    from nova import context
    from nova.objects import host_mapping

    host_mapping.discover_hosts(context.get_admin_context())


def map_host_when_it_reports() -> None:
    """Map a compute host that is another process.

    Nova's own option for it is read when the scheduler is imported, which is before there is a configuration.
    """
    import nova.conf
    from nova import context, exception
    from nova.objects import host_mapping

    while True:
        try:
            host_mapping.HostMapping.get_by_host(context.get_admin_context(), nova.conf.CONF.host)
        except exception.HostMappingNotFound:
            map_host()
            threading.Event().wait(LOOK_SECONDS)
        else:
            return
