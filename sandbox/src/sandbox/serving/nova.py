"""A site's Nova: API, conductor, scheduler and compute in one process, on a bus inside that process."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from sandbox.process import Process


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
    """Start the services, then serve the Compute API."""
    os.environ["OS_NOVA_CONFIG_DIR"] = process.conf
    os.environ["OS_NOVA_CONFIG_FILES"] = "nova.conf"
    sys.argv = ["nova-api"]
    application = compute_api()
    services = start_services()
    map_host()
    wsgi.serve(application, process)
    del services


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


def start_services() -> list[Any]:
    """Start conductor, scheduler and compute, as their commands do, but in this process."""
    import nova.conf
    import os_brick
    import os_vif
    from nova import service, utils
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.scheduler import rpcapi as scheduler
    from oslo_privsep import priv_context

    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(nova.conf.CONF)
    os_vif.initialize()
    services = []
    for binary, topics in {
        "nova-conductor": {"topic": conductor.RPC_TOPIC},
        "nova-scheduler": {"topic": scheduler.RPC_TOPIC},
        "nova-compute": {"topic": compute.RPC_TOPIC, "topic_alt": compute.RPC_TOPIC_ALT},
    }.items():
        services.append(service.Service.create(binary=binary, **topics))
        services[-1].start()
    return services


def map_host() -> None:
    """Map our compute host to its cell now, not at the scheduler's next look: the first boot needs it."""
    from nova import context
    from nova.objects import host_mapping

    host_mapping.discover_hosts(context.get_admin_context())
