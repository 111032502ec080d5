"""A site's Neutron: its API and an emulated Open vSwitch agent; in one process, or in three with a bus.

With OVN there is nothing to emulate: it is one process, and the agents that it shows are OVN's controllers.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from typing import TYPE_CHECKING

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

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
    """Be all of Neutron, or one part of it."""
    os.environ["OS_NEUTRON_CONFIG_DIR"] = process.conf
    os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf;ml2.ini"
    parts = {"": run_all, "api": run_api, "rpc": run_rpc_server, "agent": run_agent}
    sys.argv = [f"neutron-{process.part or 'api'}"]
    parts[process.part](process)


def run_all(process: Process) -> None:
    """Serve the Networking API, with the agent in the same process."""
    application = load()
    from oslo_config import cfg

    from sandbox.serving import ovn
    from sandbox.serving.l2_agent import EmbeddedAgent

    if "ovn" in cfg.CONF.ml2.mechanism_drivers:
        ovn.hear_without_writing()
    else:
        EmbeddedAgent(process.host, process.address).start()
    wsgi.serve(application, process)


def load() -> WSGIApplication:
    """Return the Networking API, with its rules.

    Neutron makes them at the first request, so that in a server of many threads another one that comes just
    then is taken for nobody's, be it an administrator's: what there is it does not see.
    """
    begin_alone()
    application: WSGIApplication = importlib.import_module("neutron.wsgi.api").application
    from neutron import policy
    from neutron_lib.context import Context

    policy.init()
    Context()
    return application


def begin_alone() -> None:
    """Have Neutron not take the other sites' for workers of its own web server.

    It tells them, and when they were started, by their parent process; ours all have the same one.
    """
    from neutron.common import wsgi_utils

    wsgi_utils._start_time = int(time.time())
    wsgi_utils._first_worker_result = True


def run_api(process: Process) -> None:
    """Serve the Networking API."""
    wsgi.serve(load(), process)


def run_rpc_server(_process: Process) -> None:
    """Hear what agents say, as neutron-rpc-server does, but without a further fork."""
    from neutron import manager, server
    from neutron.api import extensions
    from neutron_lib.api import attributes
    from neutron_lib.callbacks import events, registry, resources
    from neutron_lib.plugins import directory

    def listen() -> None:
        manager.init()
        extensions.PluginAwareExtensionManager.get_instance().extend_resources("2.0", attributes.RESOURCES)
        for plugin in directory.get_unique_plugins():
            if hasattr(plugin, "start_rpc_listeners"):
                with contextlib.suppress(NotImplementedError):
                    plugin.start_rpc_listeners()
        registry.publish(resources.PROCESS, events.AFTER_SPAWN, None)
        wsgi.wait_for_end()

    server.boot_server(listen)


def run_agent(process: Process) -> None:
    """Be the agent of the site's one host, over the bus."""
    from neutron import server
    from neutron.conf.agent import common
    from oslo_config import cfg

    common.register_agent_state_opts_helper(cfg.CONF)

    def work() -> None:
        from sandbox.serving.l2_agent import RemoteAgent

        RemoteAgent(process.host, process.address).start()
        wsgi.wait_for_end()

    server.boot_server(work)
