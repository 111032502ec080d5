"""A site's Neutron: its API and an emulated Open vSwitch agent, in one process."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from sandbox.process import Process


def preload() -> None:
    """Import Neutron and the plugins that its configuration names."""
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
    wsgi.preload(
        "neutron.server.api",
        "neutron.plugins.ml2.plugin",
        "neutron.plugins.ml2.drivers.openvswitch.mech_driver.mech_openvswitch",
        "neutron.services.l3_router.l3_router_plugin",
        "neutron.services.qos.qos_plugin",
        "neutron.services.segments.plugin",
        "neutron.services.trunk.plugin",
    )


def run(process: Process) -> None:
    """Serve the Networking API."""
    os.environ["OS_NEUTRON_CONFIG_DIR"] = process.conf
    os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf;ml2.ini"
    sys.argv = ["neutron-api"]
    application = importlib.import_module("neutron.wsgi.api").application
    from sandbox.serving.l2_agent import L2Agent

    L2Agent(process.host, process.address).start()
    wsgi.serve(application, process)
